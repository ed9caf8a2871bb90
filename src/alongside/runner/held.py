"""What an attempt that is carried out consists of: its record, its job, and what it tells the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from alongside.runner.executors import Executor, Handle, Job, Mount
from alongside.runner.homes import Homes, Places
from alongside.runner.hub_client import HubClient
from alongside.runner.spool import AttemptRecord
from alongside.runner.staging import Staged, Staging
from alongside.spec.runs import ReasonCode, State
from alongside.spec.wire import Report, ReportKind

PROGRESS_EVERY_S = 0.5
STOP_GRACE_S = 10.0


class Ways(Protocol):
    """How people get to interactive tools: the edge's routes, as far as an attempt is concerned."""

    async def open(self, run: str, endpoint: str, open_path: str) -> None: ...

    async def close(self, run: str, *, keep_secrets: bool) -> None: ...

    async def serve_tree(self, name: str, path: Any) -> None: ...


@dataclass(frozen=True)
class Surroundings:
    """What every attempt of a runner shares."""

    hub: HubClient
    staging: Staging
    homes: Homes
    ways: Ways
    #: something is to be told to the hub
    speak: Callable[[], None]
    #: only reports that matter are made
    is_terse: Callable[[], bool]


class Held:
    """One attempt that this runner holds: what its lifecycle, its data and its tool's keeping share."""

    def __init__(self, record: AttemptRecord, executor: Executor, around: Surroundings) -> None:
        self.record = record
        self.assignment = record.assignment
        self.tool = record.assignment.tool
        self.executor = executor
        self.around = around
        self.job: Job | None = None
        self._starting: asyncio.Future[Handle] | None = None
        self._told = 0.0

    @property
    def interactive(self) -> bool:
        return self.tool.kind == "interactive"

    def places(self) -> Places:
        return self.around.homes.places(self.assignment)

    def make_job(self, mounts: list[Mount]) -> Job:
        places = self.places()
        self.job = Job(
            assignment=self.assignment,
            attempt_dir=self.record.folder.absolute(),
            log=self.record.log.absolute(),
            uid=places.uid,
            gid=places.gid,
            gids=places.gids,
            home=places.home,
            folders=places.folders,
            data=places.data,
            output=places.output,
            mounts=tuple(mounts),
        )
        return self.job

    async def prepare(self, job: Job) -> None:
        def told(percent: float | None, message: str) -> None:
            if percent is None and self.record.handle is None:
                self.state("initializing", "pulling_image")
            self.progress(None if percent is None else 50 + percent * 0.35, message)

        await self.executor.prepare(job, told)

    async def start(self, job: Job, number: int) -> Handle:
        """Start, to its end: what is half started could not be stopped."""
        self._starting = asyncio.ensure_future(self.executor.start(job, self.record.keep, number))
        return await asyncio.shield(self._starting)

    async def stop(self) -> None:
        """Nothing is left afterwards, also when the order came in the middle of a start."""
        if self._starting and not self._starting.done():
            await asyncio.wait({self._starting})
        if self.record.handle is None:
            return
        if self.record.ending is not None and self.record.ending.kind == "kill":
            await self.executor.kill(self.record.handle)
        else:
            await self.executor.stop(self.record.handle, STOP_GRACE_S)

    @property
    def is_initializing(self) -> bool:
        """Whether the hub was told of something that it begins with."""
        return any(report.state == "initializing" for report in self.record.reports)

    def state(self, state: State, reason_code: ReasonCode | None = None, reason: str = "") -> None:
        self.say("state", state=state, reason_code=reason_code, reason=reason)

    def progress(self, percent: float | None, message: str) -> None:
        """Tell how far it is, not more often than people can read."""
        if self.around.is_terse():
            return
        now = asyncio.get_running_loop().time()
        if now - self._told < PROGRESS_EVERY_S and percent not in (0.0, 100.0):
            return
        self._told = now
        self.say("progress", progress=percent, message=message)

    def dataset(self, name: str, status: str, mode: str, detail: str, staged: Staged | None = None) -> None:
        body: dict[str, Any] = {"name": name, "status": status, "mode": mode, "detail": detail}
        if staged and staged.size_bytes is not None:
            body |= {"location": staged.location, "size_bytes": staged.size_bytes}
        if staged and staged.staged_bytes:
            body["staged_bytes"] = staged.staged_bytes
        self.say("dataset", body=body)

    def action(self, action: str, ok: bool, detail: str) -> None:
        self.say("action", body={"action": action, "ok": ok, "detail": detail})

    def say(self, kind: ReportKind, **members: Any) -> None:
        report = Report(self.assignment.run, self.assignment.attempt, 0, kind, datetime.now(UTC), **members)
        self.record.report(report)
        self.around.speak()
