"""How a run becomes processes: what every executor promises. Executors do not know each other.

An executor is a module named in `runner.executors`; it has `create(settings, work_dir) -> Executor`.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from alongside.runner.jobs import CannotMount as CannotMount
from alongside.runner.jobs import CannotStart as CannotStart
from alongside.runner.jobs import Exit as Exit
from alongside.runner.jobs import Handle as Handle
from alongside.runner.jobs import Job as Job
from alongside.runner.jobs import Keep as Keep
from alongside.runner.jobs import Mount as Mount
from alongside.runner.jobs import Progress as Progress
from alongside.runner.jobs import Shown as Shown
from alongside.runner.programs import CannotEnter as CannotEnter
from alongside.runner.programs import Inside as Inside
from alongside.runner.programs import Program as Program
from alongside.spec.sites import ExecutorStatus


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

    async def enter(self, handle: Handle, job: Job, program: Program) -> Inside:
        """Start a program beside the front component: same user, files, network, limits and variables.

        It ends with the attempt at the latest.

        Raises:
            CannotEnter: nothing was started.
        """
        ...

    async def first_process(self, handle: Handle) -> int | None:
        """Of the front component, as this machine numbers it; None if there is none to be seen here."""
        ...

    async def cpu_s(self, handle: Handle) -> float | None:
        """Processor time that all its processes have used so far, in seconds; None: not known now."""
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


@runtime_checkable
class HasImages(Protocol):
    """An executor whose images can be fetched ahead of the first start."""

    async def fetch(self, image: str, progress: Progress) -> None:
        """Have the image here; may take minutes and be canceled; may be repeated.

        Raises:
            CannotStart: as `prepare`.
        """
        ...
