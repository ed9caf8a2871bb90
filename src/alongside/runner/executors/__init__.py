"""How a run becomes processes: what every executor promises. Executors do not know each other.

An executor is a module named in `runner.executors`; it has `create(settings, work_dir) -> Executor`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from alongside.spec.runs import Mode, ReasonCode
from alongside.spec.sites import ExecutorStatus
from alongside.spec.wire import Assignment


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
    #: interactive: the run's persistent home, owned by uid; shown at /home/<owner name>
    home: Path | None = None
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


class Executor(Protocol):
    """One way of running attempts.

    The worker calls, per attempt: `prepare`, `start`, then `wait` and any number of the others, and
    `clean` last. Calls for different attempts overlap; calls for one attempt do not, except that
    `stop` and `kill` may come while anything else is under way, more than once, and for an attempt
    that never started or has long ended: they then return quietly. No call blocks the event loop.

    The runner may be killed at any moment. Whatever was started goes on without it and is found
    again by `adopt`; what is found but has no handle is killed by `orphans`. Nothing is started
    that a handle already kept on disk could not lead to.
    """

    #: `process`, `docker`, …: what assignments and offers call it
    kind: str

    async def status(self) -> ExecutorStatus:
        """What can be run now, and if nothing, why. Called every few seconds; cheap or cached."""
        ...

    async def prepare(self, job: Job, progress: Progress) -> None:
        """Have the images or environments here. May take minutes and be canceled; may be repeated.

        Raises:
            CannotStart: image_missing, environment_missing, sandbox_unavailable, disk_full.
        """
        ...

    async def start(self, job: Job, keep: Keep, start: int = 1) -> Handle:
        """Start all components in dependency order, and return when the processes exist.

        `keep` is called before the first one exists, with a handle that leads to whatever will, and
        again with each thing learnt; the returned handle has been kept. Being ready is not waited
        for: the worker probes `endpoint`. A component that others depend on is probed by the
        executor. Called again with `start` + 1 when a tool that died is to be started again: same
        paths, and nothing of the previous start is left.

        Raises:
            CannotStart: nothing is left running.
        """
        ...

    async def adopt(self, handle: Handle) -> Handle | None:
        """Take up an attempt after a restart of the runner: running, or ended with its exit known.

        None means it is gone without a trace of how it ended, or was killed now because it
        cannot be continued (a task whose stdin was not complete); the attempt is then lost.
        """
        ...

    async def wait(self, handle: Handle) -> Exit:
        """Return once every process of the attempt is gone. Canceling it changes nothing."""
        ...

    async def stop(self, handle: Handle, grace_s: float = 10.0) -> None:
        """End it politely in reverse dependency order, by force after `grace_s`; returns when gone."""
        ...

    async def kill(self, handle: Handle) -> None:
        """End it by force with everything it started; returns when gone."""
        ...

    async def attach(self, handle: Handle, job: Job, mount: Mount) -> None:
        """Show `mount` read-only at $HOME/data/<name> of the running tool; again is no error.

        The empty file or folder to sit on exists.

        Raises:
            CannotMount: the worker then copies it into `job.data`.
        """
        ...

    async def detach(self, handle: Handle, job: Job, name: str) -> None:
        """Take a mounted dataset away, even while files in it are open; unknown names are no error.

        Raises:
            CannotMount: this executor cannot do so before the next start.
        """
        ...

    async def endpoint(self, handle: Handle) -> str:
        """Where the front component answers: `unix:/abs/path` or `tcp:address:port`.

        The edge connects there with rights of its own, so this is never something that the tool
        could swap for another socket. Before the tool listens: CannotStart("starting", …).
        """
        ...

    async def orphans(self, known: frozenset[str]) -> list[str]:
        """Kill what is labelled as this runner's and whose `Job.key` is not known; say what was killed."""
        ...

    async def clean(self, handle: Handle) -> None:
        """Forget an attempt that has ended: containers, networks, sockets. Its log and output stay."""
        ...

    async def close(self) -> None:
        """The runner ends; what runs goes on."""
        ...
