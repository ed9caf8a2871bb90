"""Runs: one launch of a tool version, its states and the words people read for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from alongside.spec.tools import Resources, ToolKind

State = Literal[
    "queued",
    "initializing",
    "running",
    "paused",
    "complete",
    "executor_error",
    "system_error",
    "canceling",
    "canceled",
    "preempted",
]
"""GA4GH TES's states in lower case: the same strings in database, JSON and log."""

FINAL: frozenset[State] = frozenset({"complete", "executor_error", "system_error", "canceled", "preempted"})
"""A run in one of these never changes again (an interactive one may be started again)."""

FAILED: frozenset[State] = frozenset({"executor_error", "system_error"})

ACTIVE: frozenset[State] = frozenset({"queued", "initializing", "running", "canceling"})
"""States that count against an account's quota."""

TRANSITIONS: dict[State, frozenset[State]] = {
    # `complete` and `executor_error`: a late result of an attempt that was given up for lost
    "queued": frozenset(
        {"initializing", "running", "paused", "complete", "executor_error", "canceled", "system_error"}
    ),
    "initializing": frozenset(
        {"running", "paused", "queued", "complete", "executor_error", "system_error", "canceling", "canceled"}
    ),
    "running": frozenset(
        {
            "paused",
            "queued",
            "initializing",
            "complete",
            "executor_error",
            "system_error",
            "canceling",
            "canceled",
            "preempted",
        }
    ),
    "canceling": frozenset({"canceled", "complete", "executor_error", "system_error"}),
    "paused": frozenset({"queued", "canceled"}),
    "complete": frozenset({"queued", "canceled"}),
    "executor_error": frozenset({"queued", "canceled"}),
    "system_error": frozenset({"queued", "canceled"}),
    "preempted": frozenset({"queued", "canceled"}),
    "canceled": frozenset(),
}
"""Which state may follow which. Final states lead to `queued` only by an explicit start."""

ReasonCode = Literal[
    "waiting_for_capacity",
    "waiting_for_site",
    "waiting_for_retry",
    "quota",
    "no_site",
    "staging",
    "pulling_image",
    "starting",
    "stopped_by_owner",
    "stopped_by_admin",
    "site_shutdown",
    "idle",
    "lifetime_over",
    "budget_spent",
    "deleted",
    "canceled_by_owner",
    "unreachable",
    "lost",
    "recalled",
    "engine_restarted",
    "image_missing",
    "environment_missing",
    "data_missing",
    "checksum_mismatch",
    "download_failed",
    "probe_timeout",
    "out_of_memory",
    "time_limit",
    "disk_full",
    "exit_code",
    "exited",
    "restarts_exhausted",
    "sandbox_unavailable",
    "identity_unknown",
    "home_unusable",
    "internal",
]
"""The closed list; the human `reason` beside it says what happened this time."""

Word = Literal["Waiting", "Starting", "Ready", "Running", "Stopping", "Stopped", "Ended", "Failed"]


def word(state: State, *, ready: bool, kind: ToolKind) -> Word:
    """What people read for a state."""
    match state:
        case "queued":
            return "Waiting"
        case "initializing":
            return "Starting"
        case "running":
            if kind == "task":
                return "Running"
            return "Ready" if ready else "Starting"
        case "paused":
            return "Stopped"
        case "canceling":
            return "Stopping"
        case "complete" | "canceled" | "preempted":
            return "Ended"
        case "executor_error" | "system_error":
            return "Failed"


Mode = Literal["mount", "copy"]


@dataclass(frozen=True)
class DatasetUse:
    """One dataset of a run: by identifier, under `name` in the run's data folder."""

    id: str
    #: folder or file name under data/; None takes one from the dataset's title
    name: str | None = None
    mode: Mode = "mount"


@dataclass(frozen=True)
class RunRequest:
    """The one request value: a tool version, datasets and wishes about the place."""

    #: `name` for the latest version, `name@version` for a certain one
    tool: str
    datasets: tuple[DatasetUse, ...] = ()
    title: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    #: path of a file to open, relative to the run's home, or a dataset's name followed by a path
    open: str | None = None
    site: str | None = None
    executor: str | None = None
    resources: Resources | None = None
    #: name of a resource class, instead of resources
    resource_class: str | None = None
    labels: tuple[str, ...] = ()
    time_limit_s: float | None = None
    #: pause the run so long after it became ready
    lifetime_s: float | None = None
    priority: int = 0


@dataclass(frozen=True)
class Attempt:
    """One try of a run on one runner; its number is the fencing token."""

    number: int
    state: State
    runner: str | None
    site: str | None
    executor: str | None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    reason_code: ReasonCode | None = None
    reason: str = ""


@dataclass(frozen=True)
class AttachedDataset:
    """A dataset as a run sees it now."""

    dataset: str
    identifier: str
    title: str
    name: str
    mode: Mode
    #: `mounted`, `copied`, `attaching`, `detaching`, `failed`; None before the run starts
    status: str | None = None
    detail: str = ""


@dataclass(frozen=True)
class Run:
    id: str
    account: str
    account_name: str
    tool: str
    version: str
    kind: ToolKind
    title: str
    state: State
    ready: bool
    request: RunRequest
    resources: Resources
    datasets: tuple[AttachedDataset, ...]
    created_at: datetime
    updated_at: datetime
    reason_code: ReasonCode | None = None
    reason: str = ""
    site: str | None = None
    executor: str | None = None
    #: number of the latest attempt; 0 before the first
    attempt: int = 0
    #: 0 to 100
    progress: float = 0.0
    message: str = ""
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ready_at: datetime | None = None
    ended_at: datetime | None = None
    #: when it pauses by itself; known once it is ready
    ends_at: datetime | None = None
    #: the class that its resources come from
    resource_class: str | None = None
    #: it pauses so long after it became ready
    lifetime_s: float | None = None
    #: an extension leaves it at most so long
    lifetime_max_s: float | None = None
    #: while it is about to be paused because nothing happens in it: since when, and when that will be
    idle_since: datetime | None = None
    pauses_at: datetime | None = None
    exit_code: int | None = None
    #: the origin at which the tool answers, once it has one
    url: str | None = None
    restarts: int = 0
    revision: int = 1


ActionKind = Literal["attach", "detach", "start", "stop", "cancel", "extend", "keep", "delete"]


@dataclass(frozen=True)
class Action:
    """A queued request about a run; kept while its runner is away, until `expires_at`."""

    id: str
    run: str
    account: str
    kind: ActionKind
    body: dict[str, Any]
    #: queued → running → complete | executor_error | system_error | canceled (expired)
    state: State
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    reason_code: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Event:
    """One line of a run's history; `seq` orders all events of the hub."""

    seq: int
    run: str
    attempt: int
    at: datetime
    #: `state`, `progress`, `ready`, `restart`, `dataset`, `action`, `idle`
    kind: str
    state: State | None = None
    progress: float | None = None
    message: str = ""
    reason_code: str | None = None


@dataclass(frozen=True)
class Artifact:
    id: str
    run: str
    attempt: int
    #: relative to the output folder
    path: str
    size_bytes: int
    sha256: str
    media_type: str
    #: whether the hub holds a copy (files under 1 MB); otherwise the site does
    at_hub: bool
