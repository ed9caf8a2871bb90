"""The attempts of this runner under way: who runs, who waits behind whom in a lease, who is done."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from datetime import UTC, datetime

import structlog

from alongside.runner.attempts import Attempt
from alongside.runner.executors import Executor
from alongside.runner.held import Surroundings
from alongside.runner.spool import AttemptRecord, Ending, Spool
from alongside.runner.tasks import Background, cancel
from alongside.spec.wire import Report

log = structlog.get_logger()


class Holdings:
    def __init__(self, spool: Spool, executors: dict[str, Executor]) -> None:
        self.spool = spool
        self.executors = executors
        self.attempts: dict[str, Attempt] = {}
        #: what attempts share; known once the runner has a hub to speak to
        self.around: Surroundings | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._lanes: dict[str, deque[Attempt]] = {}
        self._background = Background()

    async def resume(self) -> None:
        """Kill what nobody knows, then go on with everything that was held."""
        known = frozenset(self.spool.attempts)
        for executor in self.executors.values():
            try:
                for killed in await executor.orphans(known):
                    log.warning("killed an orphan", executor=executor.kind, attempt=killed)
            except Exception:
                log.exception("orphans not looked for", executor=executor.kind)
        for record in list(self.spool.attempts.values()):
            self.take(record)

    def take(self, record: AttemptRecord) -> None:
        """Begin with an attempt, or queue it behind those of its lease."""
        if record.key in self.attempts:
            return
        executor = self.executors.get(record.assignment.executor)
        if executor is None:
            self._refuse(record)
            return
        assert self.around is not None, "attempts are taken once there is a hub"
        attempt = self.attempts[record.key] = Attempt(record, executor, self.around)
        if attempt.interactive or record.started or record.ending or record.final:
            self._go(attempt)
            return
        lease = record.assignment.lease
        if lease in self._lanes:
            self._lanes[lease].append(attempt)
        else:
            self._lanes[lease] = deque([attempt])
            self._background.begin(self._lane(lease))

    def find(self, run: str, attempt: int) -> Attempt | None:
        return self.attempts.get(f"{run}-{attempt}")

    def uses_home(self, account: str) -> bool:
        """Whether interactive tools of an account are under way here."""
        return any(
            attempt.interactive and attempt.record.assignment.owner.account == account
            for attempt in self.unfinished()
        )

    def unfinished(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts.values() if attempt.record.final is None]

    def end(self, attempt: Attempt, ending: Ending) -> None:
        for lane in self._lanes.values():
            with contextlib.suppress(ValueError):
                lane.remove(attempt)
        attempt.end(ending)
        self._go(attempt)

    async def drop(self, run: str) -> None:
        """End what is left of a run and forget it, also what the hub has not heard: it is deleted there."""
        for key, record in list(self.spool.attempts.items()):
            if record.assignment.run != run:
                continue
            if attempt := self.attempts.get(key):
                if record.final is None:
                    self.end(attempt, Ending("kill", "deleted"))
                await attempt.ended.wait()
                self.attempts.pop(key, None)
            if task := self._tasks.pop(key, None):
                await cancel(task)
            await asyncio.to_thread(self.spool.forget, record)

    async def let_go(self) -> None:
        """The runner ends; what runs goes on without it."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._background.end()

    async def _lane(self, lease: str) -> None:
        """The attempts of one lease share its slots, so they run one after the other."""
        lane = self._lanes[lease]
        while lane:
            attempt = lane.popleft()
            self._go(attempt)
            await attempt.ended.wait()
        del self._lanes[lease]

    def _go(self, attempt: Attempt) -> None:
        key = attempt.record.key
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._run(attempt))

    async def _run(self, attempt: Attempt) -> None:
        record = attempt.record
        try:
            await attempt.run()
        except Exception:
            log.exception("attempt given up", attempt=record.key)
            attempt.ended.set()
            return
        self.attempts.pop(record.key, None)
        self.spool.forget(record)
        self._tasks.pop(record.key, None)

    def _refuse(self, record: AttemptRecord) -> None:
        """An assignment for an executor that is not configured any more."""
        if record.final is None:
            assignment = record.assignment
            reason = f"this runner has no executor {assignment.executor!r}"
            record.report(
                Report(
                    assignment.run,
                    assignment.attempt,
                    0,
                    "state",
                    datetime.now(UTC),
                    state="system_error",
                    reason_code="internal",
                    reason=reason,
                )
            )
        self._background.begin(self._forget_when_heard(record))

    async def _forget_when_heard(self, record: AttemptRecord) -> None:
        await record.heard.wait()
        self.spool.forget(record)
