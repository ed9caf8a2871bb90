"""What worker, executors and sandbox hand each other: jobs, their handles and how they ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from alongside.spec.runs import Mode, ReasonCode
from alongside.spec.wire import Assignment

#: longest path that a Unix socket's address holds, in bytes, less its terminating zero
SOCKET_PATH_MAX = 107


@dataclass(frozen=True)
class Mount:
    """A dataset as staging left it at this machine, ready to be shown to the tool as `name`."""

    dataset: str
    name: str
    kind: Literal["file", "folder"]
    #: absolute, no symlinks; for `copy` it is `job.data / name` and already in its place
    source: Path
    mode: Mode = "mount"


@dataclass(frozen=True)
class Shown:
    """A folder of one of the owner's groups, at a place below the home."""

    source: Path
    place: str
    read_only: bool = False


@dataclass(frozen=True)
class Job:
    """An assignment with the paths that staging made for it; the same on every restart."""

    assignment: Assignment
    #: the runner's own folder of this attempt (0700); no tool may write in it
    attempt_dir: Path
    #: the tool's stdout and stderr, appended by the executor across restarts
    log: Path
    #: whom the tool runs as: never 0; the runner's own uid when it is not root
    uid: int
    gid: int
    #: supplementary groups; only a runner that is root can give them
    gids: tuple[int, ...] = ()
    #: interactive: the account's home, owned by uid; shown at /home/<owner name>
    home: Path | None = None
    #: interactive: what the owner's groups share
    folders: tuple[Shown, ...] = ()
    #: interactive: shown writable at $HOME/data; the entries belong to the runner. Mounts have an
    #: empty file or folder there to sit on, copies are there already
    data: Path | None = None
    #: task: owned by uid, shown at tool.output_path
    output: Path | None = None
    #: read-only for the tool; a task's first one is shown at tool.input_path, if it has one
    mounts: tuple[Mount, ...] = ()

    @property
    def key(self) -> str:
        """Unique among the attempts of this runner; fit for file and container names."""
        return f"{self.assignment.run}-{self.assignment.attempt}"


@dataclass(frozen=True)
class Handle:
    """What an executor needs to find an attempt again after the runner was killed. JSON-able."""

    executor: str
    run: str
    attempt: int
    #: counts up with each start of the same attempt (restart policy)
    start: int = 1
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Exit:
    """How an attempt's processes ended. `exit_code` is None when nobody can know it any more."""

    exit_code: int | None
    #: ended because of its memory limit
    oom: bool = False
    #: set when the executor knows better than the exit code: out_of_memory, time_limit,
    #: engine_restarted, probe_timeout (a component), disk_full, exited (exit code lost)
    reason_code: ReasonCode | None = None
    reason: str = ""


class CannotStart(Exception):
    """An attempt cannot be prepared, started or reached; the hub gets both values as they are."""

    def __init__(self, reason_code: ReasonCode, reason: str) -> None:
        self.reason_code: ReasonCode = reason_code
        self.reason = reason
        super().__init__(reason)


class CannotMount(Exception):
    """A dataset cannot be mounted into this running tool; the message says why. It is copied instead."""


#: (per cent or None, message): may be called often, from the event loop, and returns at once
Progress = Callable[[float | None, str], None]
#: makes a handle durable before it returns
Keep = Callable[[Handle], None]
