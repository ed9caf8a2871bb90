"""Joins a WebSocket with a program, a port or an ssh server in a run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from typing import Any

import aiohttp
from aiohttp import web

from alongside.runner.executors import Inside, Program
from alongside.runner.programs import SHELL, Terminal
from alongside.runner.shell import ssh
from alongside.runner.shell.places import Places
from alongside.runner.tasks import cancel
from alongside.spec.shells import OUTPUT, Wish

CHUNK = 65536
#: what a client may send to a program; more needs nothing but an escape sequence
SIGNALS = {
    name: int(getattr(signal, f"SIG{name}"))
    for name in ("HUP", "INT", "QUIT", "TERM", "KILL", "USR1", "USR2")
}


async def program(ws: web.WebSocketResponse, places: Places, run: str, wish: Wish) -> None:
    """Until the program has ended or the other side is gone.

    Raises:
        CannotEnter
    """
    async with places.program(run, _program(wish)) as inside:
        await ws.send_json({"started": True})
        listening = asyncio.create_task(_listen(ws, inside))
        telling = asyncio.create_task(_tell(ws, inside))
        try:
            await asyncio.wait({listening, telling}, return_when=asyncio.FIRST_COMPLETED)
            if telling.done() and not telling.exception() and not ws.closed:
                await ws.send_json({"exit": await inside.wait()})
        except ConnectionError:
            pass  # it does not want to know
        finally:
            await cancel(listening)
            await cancel(telling)


async def ssh_session(ws: web.WebSocketResponse, places: Places, run: str, key: ssh.Key) -> None:
    """An ssh connection, over bytes of the WebSocket."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=ours)
    serving = asyncio.create_task(ssh.serve(theirs, places, run, key))
    sending = asyncio.create_task(_send(ws, reader))
    listening = asyncio.create_task(_receive(ws, writer))
    try:
        await ws.send_json({"started": True})
        await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
    except ConnectionError:
        pass
    finally:
        writer.close()
        for task in (sending, listening, serving):
            await cancel(task)


def _program(wish: Wish) -> Program:
    if wish.mode == "port":
        return Program(kind="port", port=wish.port)
    terminal = Terminal(wish.cols, wish.rows, wish.term) if wish.cols and wish.rows else None
    return Program(argv=wish.argv or SHELL, terminal=terminal)


async def _tell(ws: web.WebSocketResponse, inside: Inside) -> None:
    while piece := await inside.read():
        await ws.send_bytes(bytes((piece[0],)) + piece[1])


async def _listen(ws: web.WebSocketResponse, inside: Inside) -> None:
    async for message in ws:
        if message.type is aiohttp.WSMsgType.BINARY:
            await inside.write(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            await _obey(inside, message.data)


async def _obey(inside: Inside, text: str) -> None:
    """One control message; what is not understood is passed over, so that newer clients can speak to us."""
    with contextlib.suppress(ValueError, TypeError, KeyError, OSError):
        said: Any = json.loads(text)
        if "resize" in said:
            cols, rows = said["resize"]
            if 0 < int(cols) <= 2000 and 0 < int(rows) <= 2000:
                await inside.resize(int(cols), int(rows))
        if "signal" in said:
            await inside.signal(SIGNALS[said["signal"]])
        if said.get("end"):
            await inside.end_input()


async def _send(ws: web.WebSocketResponse, reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            await ws.send_bytes(bytes((OUTPUT,)) + data)


async def _receive(ws: web.WebSocketResponse, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        async for message in ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                writer.write(message.data)
                await writer.drain()
