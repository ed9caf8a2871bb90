"""Keeping an interactive tool going: until it answers, while it does, and again when it died."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

from alongside.errors import Unavailable
from alongside.runner import components, probing
from alongside.runner.executors import CannotStart, Exit, Handle
from alongside.runner.held import Held
from alongside.runner.outcomes import Outcome, why
from alongside.runner.supply import Supply
from alongside.runner.tasks import cancel
from alongside.spec.tools import Probe

BACKOFF_MAX_S = 60.0
AGAIN_S = 1.0
#: most tools that answer soon answer at once: the first looks are close together
PROBE_FIRST_S, PROBE_GROWTH = 0.01, 1.3
#: deaths further back than this do not count against a tool's restarts
RESTARTS_WITHIN = timedelta(hours=1)


class Serving:
    """The restart policy of one attempt: starts of a tool, one after the other."""

    def __init__(self, held: Held, supply: Supply) -> None:
        self.held = held
        self.supply = supply
        self.policy = held.tool.restart
        self.memory_gb = held.assignment.resources.memory_gb

    async def until_over(self, handle: Handle) -> Outcome:
        """Ready, dead, started again, until its restarts are used up."""
        while True:
            ended, failure = await self._until_it_ends(handle)
            if failure:
                await self.held.executor.kill(handle)
                return Outcome("executor_error", failure.reason_code, failure.reason)
            if ended.exit_code == 0 and not ended.reason_code:
                return Outcome("paused", "exited", "the tool ended by itself", 0)
            if ended.reason_code in ("sandbox_unavailable", "environment_missing", "probe_timeout"):
                return Outcome("executor_error", ended.reason_code, ended.reason, ended.exit_code)
            used = self._restarts()
            if used >= self.policy.times:
                code, reason = why(ended, self.memory_gb)
                times = f"started {used + 1} times; the last time: {reason}" if used else reason
                if used and code in ("exit_code", "exited"):
                    code = "restarts_exhausted"
                return Outcome("executor_error", code, times, ended.exit_code)
            handle = await self.restart(handle, ended)

    async def restart(self, handle: Handle, ended: Exit) -> Handle:
        number = self._restarts() + 1
        delay_s = min(BACKOFF_MAX_S, self.policy.backoff_s * 2 ** (number - 1))
        code, reason = why(ended, self.memory_gb)
        message = f"started again in {delay_s:g} s ({number} of {self.policy.times})"
        body = {"number": number, "of": self.policy.times, "delay_s": delay_s}
        self.held.say("restart", reason_code=code, reason=f"{reason}; {message}", message=message, body=body)
        await self.held.executor.clean(handle)
        await asyncio.sleep(delay_s)
        job = self.held.make_job(await self.supply.stage(again=True))
        await self.held.prepare(job)
        return await self.held.start(job, handle.start + 1)

    def _restarts(self) -> int:
        since = datetime.now(UTC) - RESTARTS_WITHIN
        return sum(1 for item in self.held.record.reports if item.kind == "restart" and item.at > since)

    async def _until_it_ends(self, handle: Handle) -> tuple[Exit, CannotStart | None]:
        waiting = asyncio.create_task(self.held.executor.wait(handle))
        becoming = asyncio.create_task(self._become_ready(handle))
        try:
            await asyncio.wait({waiting, becoming}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done() and (error := becoming.exception()):
                if isinstance(error, CannotStart):
                    return Exit(None), error
                raise error
            return await waiting, None
        finally:
            await cancel(becoming)
            await cancel(waiting)

    async def _become_ready(self, handle: Handle) -> None:
        """Probe until the tool answers, open the way to it, and say so.

        Raises:
            CannotStart: probe_timeout.
        """
        probe = self.held.tool.front.probe or Probe(type="tcp")
        self.held.progress(90.0, "waiting for the tool to answer")
        try:
            async with asyncio.timeout(probe.timeout_s):
                endpoint = await self._answering(handle, probe)
        except TimeoutError:
            where = f" on {probe.path}" if probe.type == "http" else ""
            raise CannotStart(
                "probe_timeout", f"the tool did not answer{where} within {probe.timeout_s:g} s"
            ) from None
        open_path = components.open_path(self.held.assignment)
        await self._open_way(endpoint, open_path)
        if not self._said_ready(handle):
            self.held.say("ready", body={"open_path": open_path, "start": handle.start})

    async def _open_way(self, endpoint: str, open_path: str) -> None:
        """The tool is well without a way; why nobody gets to it is the run's reason until there is one."""
        said = ""
        while True:
            try:
                await self.held.around.ways.open(self.held.assignment.run, endpoint, open_path)
                return
            except Unavailable as error:
                if error.detail != said:
                    said = error.detail
                    self.held.state("running", "starting", f"waiting for the edge: {said}")
                await asyncio.sleep(AGAIN_S)

    def _said_ready(self, handle: Handle) -> bool:
        """A tool that was ready before its runner was restarted has not become ready again."""
        reports = self.held.record.reports
        return any(item.kind == "ready" and item.body.get("start") == handle.start for item in reports)

    async def _answering(self, handle: Handle, probe: Probe) -> str:
        pause_s = min(PROBE_FIRST_S, probe.interval_s)
        while True:
            with contextlib.suppress(CannotStart):
                endpoint = await self.held.executor.endpoint(handle)
                if await probing.answers(endpoint, probe):
                    return endpoint
            await asyncio.sleep(pause_s)
            pause_s = min(probe.interval_s, pause_s * PROBE_GROWTH)
