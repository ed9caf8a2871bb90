"""An attempt's log on its way to the hub, by byte offset, and the progress that it tells."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from alongside.errors import Problem, Unavailable
from alongside.runner.hub_client import HubClient, LogBeyondEnd
from alongside.spec.wire import Assignment

PIECE_BYTES = 256 * 1024
LOOK_S = 0.3
AWAY_S = 2.0
_PROGRESS = re.compile(rb"^progress:\s*(\d+(?:\.\d+)?)%?(?:\s+(.*))?$")


class LogPump:
    """Sends what a log grows by. The hub knows how much it has, so nothing of this needs to be kept."""

    def __init__(
        self,
        hub: HubClient,
        assignment: Assignment,
        log: Path,
        progress: Callable[[float, str], None] | None = None,
    ) -> None:
        self.hub = hub
        self.assignment = assignment
        self.log = log
        self.progress = progress
        self.sent = 0
        self._seen = 0
        self._rest = b""
        self._refused = False
        self._asked = False
        self._turn = asyncio.Lock()

    @property
    def done(self) -> bool:
        """Whether the hub has everything that is there now (or does not want it)."""
        return self._refused or self.sent >= self.size()

    def size(self) -> int:
        """How long the log is now."""
        try:
            return self.log.stat().st_size
        except FileNotFoundError:
            return 0

    async def run(self) -> None:
        """Send forever; canceled by whoever started it."""
        while True:
            try:
                await self.flush()
                await asyncio.sleep(LOOK_S)
            except Unavailable:
                await asyncio.sleep(AWAY_S)

    async def flush(self) -> None:
        """Send all there is.

        Raises:
            Unavailable: the hub does not answer.
        """
        async with self._turn:
            await self._ask()
            while not self.done:
                piece = await asyncio.to_thread(self._read)
                try:
                    self.sent = await self.hub.log(self.assignment, self.sent, piece)
                except LogBeyondEnd as error:
                    self.sent = error.size
                except Unavailable:
                    raise
                except Problem:
                    # no run of this attempt there any more
                    self._refused = True

    async def _ask(self) -> None:
        """How much of a long log the hub has already; beyond its end it answers with its size."""
        if self._asked or (size := self.size()) <= PIECE_BYTES:
            return
        try:
            self.sent = await self.hub.log(self.assignment, size, b"")
        except LogBeyondEnd as error:
            self.sent = error.size
        except Unavailable:
            raise
        except Problem:
            self._refused = True
        self._asked = True

    def look(self) -> None:
        """Hear progress lines; reads on its own, so a hub that is away does not hide them."""
        if self.progress is None or self.size() <= self._seen:
            return
        with self.log.open("rb") as file:
            file.seek(self._seen)
            grown = self._rest + file.read(PIECE_BYTES)
            self._seen = file.tell()
        *lines, self._rest = grown.split(b"\n")
        told = [found for line in lines if (found := _PROGRESS.match(line.rstrip()))]
        if told:
            self.progress(min(100.0, float(told[-1][1])), (told[-1][2] or b"").decode(errors="replace")[:500])

    def _read(self) -> bytes:
        with self.log.open("rb") as file:
            file.seek(self.sent)
            return file.read(PIECE_BYTES)
