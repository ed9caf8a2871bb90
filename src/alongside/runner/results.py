"""What an attempt leaves when it has ended, on its way to the hub: its outputs' list, copies and log."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from alongside.errors import Problem, Unavailable
from alongside.runner import artifacts
from alongside.runner.held import Held
from alongside.runner.logs import AWAY_S, LogPump

log = structlog.get_logger()

#: what a hub takes in one piece
ARTIFACTS_PER_REPORT = 200
#: longest wait for the hub to take the end of a log before the end itself is reported
FLUSH_S = 5.0


class Results:
    def __init__(self, held: Held, pump: LogPump) -> None:
        self.held = held
        self.pump = pump

    async def collect(self) -> None:
        """Seal the outputs of a task, and report what there is."""
        job = self.held.job
        if job is None or job.output is None:
            return
        found, cut = await asyncio.to_thread(artifacts.manifest, job.output)
        await asyncio.to_thread(artifacts.seal, job.output)
        if not found:
            return
        message = f"only the first {artifacts.FILES_MAX} files are listed" if cut else ""
        for first in range(0, len(found), ARTIFACTS_PER_REPORT):
            piece = found[first : first + ARTIFACTS_PER_REPORT]
            self.held.say("artifacts", message=message, body={"artifacts": piece})
        with contextlib.suppress(Unavailable):
            await self.held.around.ways.serve_tree(self.held.record.key, job.output)

    async def hurry(self) -> None:
        """Have the hub know log and files before it hears of the end, if it listens now."""
        self.pump.look()
        with contextlib.suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(FLUSH_S):
                await self._send()

    async def deliver(self) -> None:
        """Stay until the hub has heard and got everything; the runner then forgets the attempt."""
        await self.held.record.heard.wait()
        while True:
            try:
                await self._send()
                return
            except Unavailable:
                await asyncio.sleep(AWAY_S)

    async def _send(self) -> None:
        await self.pump.flush()
        await self._send_copies()

    async def _send_copies(self) -> None:
        """Copies of small files for the hub; those it has already are sent again after a restart only."""
        listed = [
            item
            for report in self.held.record.reports
            if report.kind == "artifacts"
            for item in report.body["artifacts"]
        ]
        sent_mark = self.held.record.folder / "artifacts.sent"
        if not listed or sent_mark.exists() or (output := self.held.places().output) is None:
            return
        for item in listed:
            if item["size_bytes"] < artifacts.COPY_BYTES_MAX:
                content = await asyncio.to_thread(artifacts.content, output, item["path"])
                try:
                    await self.held.around.hub.artifact(self.held.assignment, item["path"], content)
                except Unavailable:
                    raise
                except Problem as refusal:
                    # the site keeps the file
                    log.warning("artifact not taken", path=item["path"], reason=refusal.detail)
        with contextlib.suppress(OSError):
            sent_mark.touch()
