"""An attempt's log on its way to the hub, by byte offset, and the progress that it tells."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from alongside.errors import Problem, Unavailable
from alongside.runner import log_file
from alongside.runner.disk import read_json, write_json
from alongside.runner.hub_client import HubClient, LogBeyondEnd
from alongside.runner.log_file import KEPT_BYTES
from alongside.spec.wire import Assignment

PIECE_BYTES = 256 * 1024
#: longest line that is looked at for progress
LINE_BYTES = 4096
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
        self._cuts = Cuts(log.with_name("cuts.json"))
        self._refused = False
        self._asked = False
        self._turn = asyncio.Lock()

    @property
    def done(self) -> bool:
        """Whether the hub has everything that is there now (or does not want it)."""
        return self._refused or self.sent >= self.size()

    def size(self) -> int:
        """How long the log is at the hub once all that is here now was sent."""
        return self._cuts.there(self._length())

    def _length(self) -> int:
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
        if self._asked or (size := self._length()) <= PIECE_BYTES:
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
        """Keep the log small, and hear progress lines; a hub that is away does not hide them."""
        length = self._length()
        if length > 2 * KEPT_BYTES:
            with self.log.open("r+b") as file:
                log_file.keep_ends(file.fileno())
        if self.progress is None or length <= self._seen:
            return
        if length - self._seen > PIECE_BYTES:
            # of a flood only the newest line counts
            self._seen, self._rest = length - PIECE_BYTES, b""
        with self.log.open("rb") as file:
            file.seek(self._seen)
            grown = self._rest + file.read(PIECE_BYTES)
            self._seen = file.tell()
        *lines, rest = grown.split(b"\n")
        self._rest = rest[:LINE_BYTES]
        told = [found for line in lines if (found := _PROGRESS.match(line.rstrip()))]
        if told:
            self.progress(min(100.0, float(told[-1][1])), (told[-1][2] or b"").decode(errors="replace")[:500])

    def _read(self) -> bytes:
        """What the hub gets next: a piece of the log, or a note about a part that is not there any more."""
        self._cuts.forget_after(self.sent)
        with self.log.open("rb") as file:
            while True:
                note, offset = self._cuts.here(self.sent)
                if note:
                    return note
                found = log_file.data_after(file.fileno(), offset)
                if found == offset:
                    if piece := log_file.read(file.fileno(), offset, PIECE_BYTES):
                        return piece
                    continue
                self._cuts.add(self.sent, offset, found)


class Cuts:
    """Parts of a log that the hub never gets, because they were gone before they could be sent.

    From there on offsets at the hub are not those of the file; kept on disk, for the next runner.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        #: (offset at the hub, offset in the file after the cut, note), in order
        self._cuts: list[tuple[int, int, str]] = [
            (at, after, note) for at, after, note in read_json(path) or ()
        ]

    def add(self, at: int, gone_from: int, after: int) -> None:
        note = (
            f"\n[{after - gone_from} bytes of this log were left out: they came faster than they were sent]\n"
        )
        self._cuts.append((at, after, note))
        self._keep()

    def here(self, at: int) -> tuple[bytes, int]:
        """For an offset at the hub: the rest of a note, if it is in one, and the offset in the file."""
        for start, after, note in reversed(self._cuts):
            if at >= start:
                return note.encode()[at - start :], max(after, after + at - start - len(note))
        return b"", at

    def there(self, offset: int) -> int:
        """The offset at the hub of a place in the file."""
        for start, after, note in reversed(self._cuts):
            if offset >= after:
                return start + len(note) + offset - after
        return offset

    def forget_after(self, at: int) -> None:
        """A hub that lost the end of a log gets it again, as far as it is still here."""
        if any(start > at for start, _, _ in self._cuts):
            self._cuts = [cut for cut in self._cuts if cut[0] <= at]
            self._keep()

    def _keep(self) -> None:
        write_json(self.path, self._cuts)
