"""One attempt from its assignment to its last report; may begin anywhere in between after a restart."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from alongside.errors import Unavailable
from alongside.runner import outcomes
from alongside.runner.disk import has_no_room, is_full
from alongside.runner.executors import CannotStart, Executor, Exit, Handle
from alongside.runner.held import STOP_GRACE_S, Held, Surroundings
from alongside.runner.logs import LOOK_S, LogPump
from alongside.runner.outcomes import Outcome
from alongside.runner.results import Results
from alongside.runner.serving import Serving
from alongside.runner.spool import AttemptRecord, Ending
from alongside.runner.supply import Supply
from alongside.runner.tasks import cancel

log = structlog.get_logger()

#: an executor holds time limits itself; this is for the ones that cannot
LIMIT_SLACK_S = 5.0


class Attempt:
    """The lifecycle. `Supply` has its data, `Serving` its tool's restarts, `Results` what it leaves."""

    def __init__(self, record: AttemptRecord, executor: Executor, around: Surroundings) -> None:
        self.record = record
        self.held = Held(record, executor, around)
        self.supply = Supply(self.held)
        #: the tool exists (again), so datasets can be attached to it
        self.begun = asyncio.Event()
        #: no process is left and the last report is on its way
        self.ended = asyncio.Event()
        self._ending = asyncio.Event()
        if record.ending:
            self._ending.set()
        told = None if self.interactive else self._task_progress
        self.pump = LogPump(around.hub, record.assignment, record.log, told)
        self.results = Results(self.held, self.pump)

    @property
    def interactive(self) -> bool:
        return self.held.interactive

    async def run(self) -> None:
        """Carry it out. Canceling this leaves processes running; a later call goes on with them."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(cancel, asyncio.create_task(self.pump.run()))
            stack.push_async_callback(cancel, asyncio.create_task(self._listen()))
            if self.record.final is None:
                outcome = await self._outcome()
                await self._finish(outcome)
            self.ended.set()
            await self.results.deliver()

    def end(self, ending: Ending) -> None:
        """Order the end; durable at once, carried out by `run`."""
        self.record.end(ending)
        self._ending.set()

    async def _outcome(self) -> Outcome:
        """How it ends: by itself, or by order."""
        work = asyncio.create_task(self._work())
        order = asyncio.create_task(self._ending.wait())
        try:
            await asyncio.wait({work, order}, return_when=asyncio.FIRST_COMPLETED)
            if not order.done() or (work.done() and self.record.ending is None):
                return work.result()
            if work.done() and not work.exception() and self._ended_before_order(work.result()):
                return work.result()
            await cancel(work)
            await self.held.stop()
            return self._ordered()
        except CannotStart as failure:
            await self.held.stop()
            return Outcome("system_error", failure.reason_code, failure.reason)
        except OSError as error:
            await self.held.stop()
            if not is_full(error):
                log.exception("attempt failed", attempt=self.record.key)
                return Outcome("system_error", "internal", f"the runner failed: {error}")
            return Outcome("system_error", "disk_full", f"the disk of this site is full: {error.filename}")
        except Exception as error:
            log.exception("attempt failed", attempt=self.record.key)
            await self.held.stop()
            return Outcome("system_error", "internal", f"the runner failed: {type(error).__name__}: {error}")
        finally:
            await cancel(work)
            await cancel(order)

    def _ended_before_order(self, outcome: Outcome) -> bool:
        """A task that completed in the moment it was canceled has its result."""
        return not self.interactive and outcome.state == "complete"

    def _ordered(self) -> Outcome:
        assert self.record.ending is not None, "an order came first"
        return outcomes.of_order(self.record.ending, interactive=self.interactive)

    async def _work(self) -> Outcome:
        if self.record.ending:
            return self._ordered()
        serving = Serving(self.held, self.supply)
        handle = self.record.handle
        if handle is None:
            handle = await self._begin()
        elif (adopted := await self._take_up(handle)) is not None:
            handle = adopted
        elif self.interactive:
            handle = await serving.restart(handle, Exit(None, reason_code="lost", reason="it was gone"))
        else:
            return Outcome("system_error", "lost", "it was gone when the runner came back")
        self.begun.set()
        if self.interactive:
            return await serving.until_over(handle)
        return await self._finished_task(handle)

    async def _begin(self) -> Handle:
        held = self.held
        # the hub knows that it begins: only what takes time is told
        if self.record.assignment.datasets:
            held.state("initializing", "staging", "bringing the data")
        job = held.make_job(await self.supply.stage())
        await held.prepare(job)
        if held.is_initializing:
            held.state("initializing", "starting")
        handle = await held.start(job, 1)
        self._say_running()
        return handle

    async def _take_up(self, handle: Handle) -> Handle | None:
        """Go on with what an earlier runner started; None if it is gone."""
        self.held.make_job(await self.supply.stage(again=True, forgiving=True))
        adopted = await self.held.executor.adopt(handle)
        if adopted is not None and not any(item.state == "running" for item in self.record.reports):
            self._say_running()
        return adopted

    def _say_running(self) -> None:
        self.held.state("running", "starting" if self.interactive else None)

    async def _finished_task(self, handle: Handle) -> Outcome:
        limit = self.record.assignment.time_limit_s or self.held.tool.time_limit_s
        try:
            async with asyncio.timeout(self._left(limit + LIMIT_SLACK_S) if limit else None):
                ended = await self.held.executor.wait(handle)
        except TimeoutError:
            await self.held.executor.stop(handle, STOP_GRACE_S)
            ended = Exit(
                None, reason_code="time_limit", reason=f"ran longer than its time limit of {limit:g} s"
            )
        if ended.exit_code and not ended.reason_code and has_no_room(self.record.folder):
            # its own words about it may not have found room in the log either
            ended = replace(ended, reason_code="disk_full", reason="the disk of this site is full")
        return outcomes.of_task(ended, self.record.assignment.resources.memory_gb)

    def _left(self, limit_s: float) -> float:
        """Of a limit that counts from when it began to run, across restarts of the runner."""
        now = datetime.now(UTC)
        begun = next((item.at for item in self.record.reports if item.state == "running"), now)
        return max(0.0, limit_s - (now - begun).total_seconds())

    async def _finish(self, outcome: Outcome) -> None:
        """What is left to do when no process is left, the last report at the end."""
        if self.interactive:
            await self._close_way(outcome)
        if self.record.handle:
            await self.held.executor.clean(self.record.handle)
        if outcome.reason_code == "deleted":
            await asyncio.to_thread(self.held.around.homes.remove, self.record.assignment)
        else:
            await self.results.collect()
        await self.results.hurry()
        self.held.say(
            "state",
            state=outcome.state,
            reason_code=outcome.reason_code,
            reason=outcome.reason,
            exit_code=outcome.exit_code,
            body={"log_bytes": self.pump.size()},
        )

    async def _close_way(self, outcome: Outcome) -> None:
        with contextlib.suppress(Unavailable):
            await self.held.around.ways.close(
                self.record.assignment.run, keep_secrets=outcome.state != "canceled"
            )

    async def _listen(self) -> None:
        while True:
            self.pump.look()
            await asyncio.sleep(LOOK_S)

    def _task_progress(self, percent: float, message: str) -> None:
        if self.record.final is None:
            self.held.progress(percent, message)
