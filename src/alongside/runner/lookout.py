"""Looking at what interactive tools do, so that the hub knows which of them are idle.

What cannot be told is left out: then nobody is paused for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import structlog

from alongside.errors import Problem
from alongside.runner import kernels
from alongside.runner.attempts import Attempt
from alongside.runner.executors import CannotStart
from alongside.runner.holdings import Holdings
from alongside.runner.ways import EdgeWays
from alongside.spec import culling
from alongside.spec.culling import Seen, Signs

log = structlog.get_logger()

#: tools that are asked at the same time
AT_ONCE = 8
#: what was seen says nothing after so many looks that failed
LOOKS_MISSED_MAX = 3


class Lookout:
    def __init__(
        self,
        holdings: Holdings,
        ways: EdgeWays,
        look_s: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.holdings = holdings
        self.ways = ways
        #: people's shells and commands beside the tool's own pages, by run
        self.shells: Callable[[str], int] = lambda _run: 0
        self._look_s = look_s
        self._monotonic = monotonic
        self._seen: dict[str, Seen] = {}

    async def tend(self) -> None:
        """Forever: look at every tool that people can get to."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("tools not looked at")
            await asyncio.sleep(self._look_s)

    def activity(self) -> dict[str, dict[str, Any]]:
        """Per run, as a sync tells it: use by the edge's counters, and `idle_s` where nothing happens."""
        told = {run: dict(seen) for run, seen in self.ways.activity.items() if seen.get("at")}
        now = self._monotonic()
        for run, seen in self._seen.items():
            if seen.idle_since is not None and now - seen.signs.at < LOOKS_MISSED_MAX * self._look_s:
                told.setdefault(run, {})["idle_s"] = round(now - seen.idle_since, 1)
        return told

    async def look(self) -> None:
        """One look at each."""
        tools = {attempt.record.assignment.run: attempt for attempt in self._looked_at()}
        self._seen = {run: seen for run, seen in self._seen.items() if run in tools}
        if not tools:
            return
        try:
            counted = await self.ways.edge.activity()
        except Problem:
            counted = {}
        gate = asyncio.Semaphore(AT_ONCE)

        async def look_at(run: str, attempt: Attempt) -> None:
            async with gate:
                signs = await self._signs(run, attempt, counted.get(run))
            self._seen[run] = culling.look(self._seen.get(run), signs, attempt.held.tool.activity)

        await asyncio.gather(*(look_at(run, attempt) for run, attempt in tools.items()))

    def _looked_at(self) -> list[Attempt]:
        return [
            attempt
            for attempt in self.holdings.unfinished()
            if attempt.interactive
            and attempt.record.handle is not None
            and self.ways.is_open(attempt.record.assignment.run)
        ]

    async def _signs(self, run: str, attempt: Attempt, counted: dict[str, Any] | None) -> Signs:
        held, handle = attempt.held, attempt.record.handle
        assert handle is not None, "only such attempts are looked at"
        said = cpu_s = None
        if held.tool.activity == "jupyter":
            with contextlib.suppress(CannotStart, kernels.Silent):
                said = await kernels.ask(await held.executor.endpoint(handle), _base(attempt))
        try:
            cpu_s = await held.executor.cpu_s(handle)
        except Exception as error:
            log.warning("processor time not known", run=run, reason=str(error))
        return Signs(
            at=self._monotonic(),
            requests=counted.get("requests") if counted else None,
            bytes=counted.get("bytes") if counted else None,
            cpu_s=cpu_s,
            kernels=said,
            shells=self.shells(run),
        )


def _base(attempt: Attempt) -> str:
    """Where a Jupyter server's pages begin, by the address at which it is probed."""
    probe = attempt.held.tool.front.probe
    before, api, _ = (probe.path if probe else "").partition("/api")
    return before if api else ""
