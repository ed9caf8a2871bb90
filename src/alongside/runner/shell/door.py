"""Where the site's edge brings people who may have a shell: a Unix socket in the runner's work folder.

Only the edge's user can open it, and the edge asks for a ticket first; see docs/decisions/0013.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from pathlib import Path

import structlog
from aiohttp import WSMsgType, web

from alongside import values
from alongside.errors import Invalid
from alongside.runner.executors import CannotEnter
from alongside.runner.holdings import Holdings
from alongside.runner.shell import relay, ssh
from alongside.runner.shell.places import Places
from alongside.spec.ids import is_ulid
from alongside.spec.shells import GRANTEE_HEADER, MESSAGE_MAX_BYTES, PATH, SOCKET, Wish, faults

WISH_S = 10.0
SHUTDOWN_S = 2.0

log = structlog.get_logger()


class ShellDoor:
    """Open from `start` to `stop`; what was started through it ends with it."""

    def __init__(self, work_dir: Path, holdings: Holdings) -> None:
        self._work_dir = work_dir
        self._places = Places(holdings)
        self._server: web.AppRunner | None = None
        self._open: set[web.WebSocketResponse] = set()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get(PATH + "/{run}", self._serve)
        self._server = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S, handle_signals=False)
        await self._server.setup()
        await web.SockSite(self._server, _listener(self._work_dir)).start()

    async def stop(self) -> None:
        for ws in list(self._open):
            await ws.close()
        if self._server is not None:
            await self._server.cleanup()

    def open_in(self, run: str) -> int:
        """How many people's shells, commands and ports are open in a run."""
        return self._places.open_in(run)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        run, grantee = request.match_info["run"], request.headers.get(GRANTEE_HEADER, "")
        if not is_ulid(run):
            raise web.HTTPNotFound
        ws = web.WebSocketResponse(max_msg_size=MESSAGE_MAX_BYTES, heartbeat=30)
        await ws.prepare(request)
        self._open.add(ws)
        try:
            wish = await _wish(ws)
            log.info("shell opened", run=run, grantee=grantee, mode=wish.mode)
            with self._places.connection(run):
                if wish.mode == "ssh":
                    key = await asyncio.to_thread(ssh.host_key, self._work_dir, run)
                    await relay.ssh_session(ws, self._places, run, key)
                else:
                    await relay.program(ws, self._places, run, wish)
            log.info("shell closed", run=run, grantee=grantee, mode=wish.mode)
        except (CannotEnter, Invalid, TimeoutError) as error:
            with contextlib.suppress(ConnectionError):
                await ws.send_json({"error": str(error) or "nothing was asked for"})
        finally:
            self._open.discard(ws)
            await ws.close()
        return ws


async def _wish(ws: web.WebSocketResponse) -> Wish:
    """
    Raises:
        Invalid, TimeoutError
    """
    async with asyncio.timeout(WISH_S):
        message = await ws.receive()
    if message.type is not WSMsgType.TEXT:
        raise CannotEnter("nothing was asked for")
    try:
        wish = values.load(Wish, json.loads(message.data))
    except ValueError:
        raise CannotEnter("the wish is not JSON") from None
    if found := faults(wish):
        raise CannotEnter("; ".join(f"{member}: {why}" for member, why in found))
    return wish


def _listener(folder: Path) -> socket.socket:
    """By the folder's descriptor: the path of a socket may have 107 characters, and folders lie deep."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    (folder / SOCKET).unlink(missing_ok=True)
    descriptor = os.open(folder, os.O_PATH)
    mask = os.umask(0o177)
    try:
        bound.bind(f"/proc/self/fd/{descriptor}/{SOCKET}")
    finally:
        os.umask(mask)
        os.close(descriptor)
    return bound
