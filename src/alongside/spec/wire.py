"""What hub and runner say to each other. Only grows; `VERSION` and the one before it are spoken."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from alongside.spec.runs import Mode, ReasonCode, State
from alongside.spec.sites import Capacity, ExecutorStatus
from alongside.spec.tools import Resources, ToolSpec

VERSION = 1


@dataclass(frozen=True)
class Registration:
    """`POST /api/v1/runners/register`."""

    registration_token: str
    name: str
    labels: tuple[str, ...] = ()
    version: int = VERSION


@dataclass(frozen=True)
class Registered:
    """Its answer; `token` is shown once."""

    id: str
    token: str
    site: str


@dataclass(frozen=True)
class Session:
    """Answer of `POST /live/v1/runners/{id}/session`; older epochs get 409 from now on."""

    epoch: int
    site: str
    lease_ttl_s: float
    sync_every_s: float
    unreachable_grace_s: float
    #: PEM of the hub's Ed25519 public key, for the edge to check tickets
    hub_public_key: str
    #: a file that no size is registered for is fetched only up to this size
    stage_max_bytes: int = 10_000_000_000


@dataclass(frozen=True)
class Offer:
    """What this runner can take, in full (not what is left: the hub knows what it holds)."""

    labels: tuple[str, ...]
    executors: tuple[ExecutorStatus, ...]
    capacity: Capacity
    draining: bool = False


@dataclass(frozen=True)
class Holding:
    """An attempt the runner still has, whatever its state."""

    run: str
    attempt: int
    started: bool


@dataclass(frozen=True)
class Source:
    """One place a dataset can be taken from, best first."""

    kind: Literal["file", "folder"]
    path: str | None = None
    url: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class DatasetMount:
    dataset: str
    #: file or folder name under data/
    name: str
    mode: Mode
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Owner:
    """For whom something is done: the site maps the account to a uid, gid and groups of its own."""

    account: str
    name: str
    #: names of the groups that the account is in at the hub
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """One attempt to carry out, complete in itself."""

    run: str
    attempt: int
    lease: str
    owner: Owner
    executor: str
    tool: ToolSpec
    datasets: tuple[DatasetMount, ...]
    arguments: dict[str, Any]
    resources: Resources
    #: HMAC token over (run, attempt, expiry), for log and artifact calls
    token: str
    open: str | None = None
    time_limit_s: float | None = None


OutboxKind = Literal["assign", "cancel", "stop", "attach", "detach", "revoke", "grants", "remove", "errand"]


@dataclass(frozen=True)
class OutboxItem:
    """Numbered per runner from 1, sent again in every sync until acknowledged.

    Bodies: assign → Assignment; cancel, stop → {run, attempt, reason_code};
    attach → {run, attempt, action, mount: DatasetMount}; detach → {run, attempt, action, name};
    revoke → {run, grantee | null}: null means every grantee;
    remove → {run, account}: the run was deleted for good, nothing of it is to stay;
    errand → Errand.
    """

    seq: int
    #: an OutboxKind, or one that only a newer hub knows: that is acknowledged and left undone
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Errand:
    """Something a site is asked to do that is not about one run; done once, or again after a restart."""

    id: str
    #: which of the runner's errand modules does it
    kind: str
    body: dict[str, Any]
    #: for whom; None: for the site
    owner: Owner | None = None


@dataclass(frozen=True)
class ErrandNews:
    """How an errand stands. `number` counts up per errand from 1: older news change nothing."""

    errand: str
    number: int
    #: `running`, or one it ends in: `complete`, `executor_error` (it cannot be done), `system_error`
    state: State
    #: 0 to 100
    progress: float = 0.0
    message: str = ""
    reason_code: str | None = None
    reason: str = ""
    answer: dict[str, Any] = field(default_factory=dict)


ReportKind = Literal["state", "progress", "ready", "restart", "dataset", "action", "artifacts", "ports"]


@dataclass(frozen=True)
class Report:
    """One fact about an attempt. `number` counts up per attempt from 1; (run, attempt, number)
    makes it idempotent, and a report with a gap below it waits until the gap is filled."""

    run: str
    attempt: int
    number: int
    kind: ReportKind
    at: datetime
    state: State | None = None
    reason_code: ReasonCode | None = None
    reason: str = ""
    exit_code: int | None = None
    #: 0 to 100
    progress: float | None = None
    message: str = ""
    #: for `dataset`: {name, status, mode, detail}, and {location, size_bytes} of a path or address
    #: without a stated size; for `action`: {action, ok, detail};
    #: for `artifacts`: {artifacts: [{path, size_bytes, sha256, media_type}]};
    #: for `ports`: {ports: [{port, address, program}]}, all of them, when any has changed;
    #: for `ready`: {open_path}; for a `state` that ends the attempt: {log_bytes}
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sync:
    """`POST /live/v1/runners/{id}/sync`: never parked."""

    epoch: int
    offer: Offer
    holding: tuple[Holding, ...] = ()
    reports: tuple[Report, ...] = ()
    #: highest outbox number that is durable at the runner
    acked_to: int = 0
    #: activity per run: {run: {at: RFC 3339, connections: n, bytes: n, idle_s: n, people: {account: s}}};
    #: without idle_s it is in use, or nobody knows; people: for how long each has had nothing open or done
    activity: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: said again until the answer names them in `errands`
    errands: tuple[ErrandNews, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What the runner does with an attempt it holds."""

    run: str
    attempt: int
    verdict: Literal["keep", "kill"]
    reason: str = ""


@dataclass(frozen=True)
class ReportAnswer:
    """Per report: taken (also when it was a duplicate or too late), or refused for good."""

    run: str
    attempt: int
    number: int
    accepted: bool
    reason: str = ""


@dataclass(frozen=True)
class SyncAnswer:
    lease_ttl_s: float
    outbox: tuple[OutboxItem, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    reports: tuple[ReportAnswer, ...] = ()
    #: errand → number of its newest news that is durable at the hub
    errands: dict[str, int] = field(default_factory=dict)
