"""Passes bytes between a loopback port and a tool's socket, for a proxy that has no unix sockets.

A port on loopback is open to every user of the machine, so a connection must begin with a request
that carries a pass, which only the proxy is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alongside.edge.proxy import Address, Counters, Door
from alongside.edge.sockets import short_path

PASS = "X-Alongside-Pass"
HEAD_MAX_BYTES = 65_536
CHUNK_BYTES = 65_536
#: for the request's head; the proxy sends it at once
HEAD_S = 30.0


@dataclass
class _Slot:
    requests: int = 0
    bytes: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)


class _Listener:
    """A loopback port whose connections end with it."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, host: str) -> int:
        self._server = await asyncio.start_server(self._accept, host, 0, limit=HEAD_MAX_BYTES)
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # one side went away, or spoke no HTTP
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


class Forwarder(_Listener):
    """To one unix socket of our own; whoever may send a request to the edge may send it here."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with short_path(self._path) as path:
            inner = await asyncio.open_unix_connection(path)
        await _join((reader, writer), inner, _Slot())


class Relay(_Listener):
    """To the tool whose door the pass belongs to."""

    def __init__(self) -> None:
        super().__init__()
        self._doors: dict[str, Door] = {}
        self._passes: dict[str, str] = {}
        self._slots: dict[int, _Slot] = defaultdict(_Slot)

    def add(self, doors: Iterable[Door]) -> None:
        for door in doors:
            self._doors[door.key] = door
            self._passes.setdefault(door.key, secrets.token_hex(16))

    def drop(self, doors: Iterable[Door]) -> None:
        for door in doors:
            self._doors.pop(door.key, None)
            self._passes.pop(door.key, None)

    def open(self, run: str, secret: str) -> str | None:
        """The pass of the door that this secret opens."""
        return self._passes.get(f"{run}:{hashlib.sha256(secret.encode()).hexdigest()}")

    def close(self, slots: Iterable[int]) -> int:
        writers = [writer for slot in slots for writer in self._slots[slot].writers]
        for writer in writers:
            writer.transport.abort()
        return len(writers)

    def counters(self, slots: Iterable[int]) -> Mapping[int, Counters]:
        return {
            slot: Counters(len(one.writers), one.requests, one.bytes)
            for slot, one in ((slot, self._slots[slot]) for slot in slots)
        }

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_S):
            head = await reader.readuntil(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        marked = [line for line in lines if line.lower().startswith(PASS.lower().encode() + b":")]
        given = marked[0].partition(b":")[2].strip().decode("latin-1") if len(marked) == 1 else ""
        door = next((self._doors[key] for key, known in self._passes.items() if known == given), None)
        if door is None:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        slot = self._slots[door.slot]
        slot.requests += 1
        slot.writers.add(writer)
        try:
            try:
                inner = await _connect(door.address)
            except OSError:
                writer.write(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            inner[1].write(b"\r\n".join(line for line in lines if line not in marked))
            await _join((reader, writer), inner, slot)
        finally:
            slot.writers.discard(writer)


_Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _connect(address: Address) -> _Ends:
    if address.kind == "unix":
        with short_path(Path(address.path)) as path:
            return await asyncio.open_unix_connection(path)
    return await asyncio.open_connection(address.ip, address.port)


async def _join(outer: _Ends, inner: _Ends, slot: _Slot) -> None:
    """Both directions until both are over; an error of one ends the other."""
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(outer[0], inner[1], slot))
            both.create_task(_pump(inner[0], outer[1], slot))
    except* OSError:
        pass
    finally:
        inner[1].close()
        with contextlib.suppress(OSError):
            await inner[1].wait_closed()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, slot: _Slot) -> None:
    while chunk := await source.read(CHUNK_BYTES):
        slot.bytes += len(chunk)
        sink.write(chunk)
        await sink.drain()
    with contextlib.suppress(OSError):
        sink.write_eof()
