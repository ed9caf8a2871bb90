"""Hands: one process per folder in use, which works as the folder's owner; the kernel decides what may be.

The folder is opened here and handed over as a descriptor, so its owner needs no way to it, and a
process that has dropped its rights can never be led back to a path.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from alongside.edge.hand import frames
from alongside.errors import (
    Conflict,
    EditConflict,
    Fault,
    Forbidden,
    Invalid,
    NameTaken,
    NotFound,
    Problem,
    Unavailable,
)

log = structlog.get_logger("edge")

#: a hand that nobody asks for anything ends
IDLE_S = 60.0
HANDS_MAX = 500
#: until a hand has answered a question whose answer is small
ANSWER_S = 120.0


@dataclass(frozen=True)
class Place:
    """A folder on this machine and as whom it is used."""

    path: str
    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    writable: bool = False
    #: the one name in it that may be seen; empty: all
    only: str = ""


@dataclass
class _Hand:
    process: asyncio.subprocess.Process
    control: socket.socket
    used: float = field(default_factory=time.monotonic)
    busy: int = 0


class Hands:
    def __init__(self) -> None:
        self._hands: dict[Place, _Hand] = {}
        self._starting: dict[Place, asyncio.Lock] = {}
        self._tending: asyncio.Task[None] | None = None

    async def close(self) -> None:
        if self._tending:
            self._tending.cancel()
        for place in list(self._hands):
            await self._dismiss(place)

    async def ask(self, place: Place, do: str, **question: Any) -> dict[str, Any]:
        """A question whose answer is all there is.

        Raises:
            Problem: as the hand says.
        """
        async with self.conversation(place, do, **question) as talk:
            return await talk.answer()

    @contextlib.asynccontextmanager
    async def conversation(self, place: Place, do: str, **question: Any) -> AsyncIterator[Talk]:
        hand, ours = await self._connected(place)
        hand.busy += 1
        try:
            ours.setblocking(False)
            talk = Talk(ours)
            await talk.say({"do": do, **question})
            yield talk
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Unavailable("the folder was closed meanwhile; try again") from error
        finally:
            hand.busy -= 1
            hand.used = time.monotonic()
            ours.close()

    async def _connected(self, place: Place) -> tuple[_Hand, socket.socket]:
        for _ in range(2):
            hand = await self._hand(place)
            ours, theirs = socket.socketpair()
            try:
                with theirs:
                    socket.send_fds(hand.control, [b"."], [theirs.fileno()])
                return hand, ours
            except OSError:  # somebody killed it
                ours.close()
                await self._dismiss(place)
        raise Unavailable("this folder cannot be opened just now; try again")

    async def _hand(self, place: Place) -> _Hand:
        async with self._starting.setdefault(place, asyncio.Lock()):
            hand = self._hands.get(place)
            if hand is None or hand.process.returncode is not None:
                if hand is not None:
                    hand.control.close()
                hand = self._hands[place] = await self._start(place)
            hand.used = time.monotonic()
        if self._tending is None:
            self._tending = asyncio.create_task(self._tend(), name="hands")
        return hand

    async def _start(self, place: Place) -> _Hand:
        if len(self._hands) >= HANDS_MAX:
            raise Unavailable("too many folders are open at this site; try again in a minute")
        try:
            root = os.open(place.path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            raise NotFound("this folder is not at the site (any more)") from None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            process = await asyncio.create_subprocess_exec(
                *_command(place, root, theirs.fileno()),
                pass_fds=(root, theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                cwd="/",
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(root)
        return _Hand(process, ours)

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(IDLE_S / 4)
            for place, hand in list(self._hands.items()):
                if not hand.busy and time.monotonic() - hand.used > IDLE_S:
                    await self._dismiss(place)

    async def _dismiss(self, place: Place) -> None:
        hand = self._hands.pop(place, None)
        self._starting.pop(place, None)
        if hand is None:
            return
        hand.control.close()
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            await asyncio.wait_for(hand.process.wait(), 2.0)
        if hand.process.returncode is None:
            hand.process.kill()
            await hand.process.wait()


class Talk:
    """One question to a hand, and what comes of it."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._loop = asyncio.get_running_loop()

    async def say(self, question: dict[str, Any]) -> None:
        await self._send(frames.framed(frames.encoded(question)))

    async def answer(self) -> dict[str, Any]:
        """
        Raises:
            Problem: what the hand refuses.
        """
        try:
            async with asyncio.timeout(ANSWER_S):
                found = frames.decoded(await self._frame())
        except (TimeoutError, frames.GaveUp):
            raise Unavailable("the site could not finish this; try again") from None
        if "error" in found:
            raise _problem(found["error"], found["detail"])
        return found

    async def pieces(self) -> AsyncIterator[bytes]:
        """
        Raises:
            GaveUp: they break off.
        """
        while piece := await self._frame():
            yield piece

    async def send(self, data: bytes) -> None:
        """What the hand does not take any more is passed over: its answer says why."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            view = memoryview(data)
            for start in range(0, len(view), frames.CHUNK_BYTES):
                await self._send(frames.framed(view[start : start + frames.CHUNK_BYTES]))

    async def finish(self) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await self._send(frames.END)

    async def _send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)

    async def _frame(self) -> bytes:
        length = frames.length_of(await self._exactly(frames.HEADER_BYTES))
        return await self._exactly(length) if length else b""

    async def _exactly(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            part = await self._loop.sock_recv(self._socket, count)
            if not part:
                raise frames.GaveUp
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _command(place: Place, root: int, control: int) -> list[str]:
    """Without site packages: a hand is ready in a few hundredths of a second."""
    package = str(Path(__file__).parents[2])
    begin = f"import sys; sys.path.insert(0, {package!r}); from alongside.edge.hand.process import main; "
    arguments = (place.uid, place.gid, list(place.groups), place.writable, place.only, root, control)
    return [sys.executable, "-S", "-E", "-s", "-c", begin + f"main{arguments!r}"]


def _problem(code: str, detail: str) -> Problem:
    match code:
        case "not_found" | "not_a_file":
            return NotFound(detail)
        case "forbidden":
            return Forbidden(detail)
        case "exists":
            return NameTaken(detail)
        case "changed":
            return EditConflict(detail)
        case "wrong_offset":
            return Conflict("the upload goes on elsewhere", offset=int(detail))
        case "conflict":
            return Conflict(detail)
        case "invalid":
            return Invalid([Fault("path", detail)])
        case "disk_full":
            return Unavailable(detail, reason_code="disk_full")
        case _:
            return Unavailable(detail)
