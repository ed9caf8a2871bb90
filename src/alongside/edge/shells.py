"""The door to shells on a run's own origin: a WebSocket that begins with a ticket, joined with the runner's.

The hub's pages open it from their own origin, which no other path of a run allows; a shell needs a ticket
of its own kind, used once, never a cookie, so another site's page has nothing to come with.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp import WSMsgType, web

from alongside.edge.folders import Works
from alongside.edge.origin import Origins
from alongside.edge.replies import problem
from alongside.edge.sockets import short_path
from alongside.edge.tickets import ShellTicket, Trust, UsedTickets
from alongside.errors import Forbidden, Problem, Unauthenticated, Unavailable
from alongside.spec.shells import GRANTEE_HEADER, MESSAGE_MAX_BYTES, PATH, PROTOCOL, REVOKED_CODE, SOCKET

TICKET_S = 10.0
CONNECT_S = 5.0
#: everybody, as in a route's revocations
ANYBODY = ""
REVOKED = "this access was revoked"
#: for somebody who does not listen
TELL_S = 0.3

log = structlog.get_logger("edge")


class Shells:
    """Lets people in, and out again when their access is revoked."""

    def __init__(self, trust: Trust, used: UsedTickets, works: Works, origins: Origins) -> None:
        self._trust = trust
        self._used = used
        self._works = works
        self._origins = origins
        hub = urlsplit(origins.hub_url)
        self._hub_origin = f"{hub.scheme}://{hub.netloc}".lower()
        self._open: dict[web.WebSocketResponse, ShellTicket] = {}
        #: (run, person) to the moment up to which tickets are void; tickets live for a minute
        self._revoked: dict[tuple[str, str], float] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def route(self) -> web.RouteDef:
        return web.get(PATH, self.serve)

    async def revoke(self, run: str, grantee: str | None, now: float) -> int:
        """Close a person's shells (None: everybody's); how many there were."""
        self._revoked = {key: at for key, at in self._revoked.items() if at > now - 3600}
        self._revoked[run, grantee or ANYBODY] = now
        theirs = [
            ws for ws, ticket in self._open.items() if ticket.run == run and grantee in (None, ticket.grantee)
        ]
        for ws in theirs:
            # not waited for: whoever does not answer must not keep the others in
            closing = asyncio.create_task(_close(ws))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        return len(theirs)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        run = request.host.partition(".")[0].lower()
        origin = request.headers.get("Origin", "").lower()
        own = f"{self._origins.scheme}://{request.host}".lower()
        if origin and origin not in (own, self._hub_origin):
            return problem(Forbidden("Requests from another origin are refused."))
        ws = web.WebSocketResponse(
            protocols=(PROTOCOL,), max_msg_size=MESSAGE_MAX_BYTES, heartbeat=30, timeout=1.0
        )
        if not ws.can_prepare(request):
            return problem(Forbidden("Shells are opened as WebSockets, by Alongside's page and commands."))
        await ws.prepare(request)
        try:
            ticket, wish = await self._admitted(ws, run)
            self._open[ws] = ticket
            await self._join(ws, ticket, wish)
        except (Problem, TimeoutError) as error:
            said = error.detail if isinstance(error, Problem) else "no ticket came"
            with contextlib.suppress(ConnectionError):
                await ws.send_json({"error": said})
        finally:
            self._open.pop(ws, None)
            await ws.close()
        return ws

    async def _admitted(self, ws: web.WebSocketResponse, run: str) -> tuple[ShellTicket, dict[str, Any]]:
        async with asyncio.timeout(TICKET_S):
            message = await ws.receive()
        try:
            wish: Any = json.loads(message.data) if message.type is WSMsgType.TEXT else None
            text = wish.pop("ticket")
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Unauthenticated("the first message must be a JSON object with the ticket") from None
        now = time.time()
        ticket = self._trust.shell(str(text), now)
        if ticket.run != run:
            raise Unauthenticated("the ticket is for another run")
        shut_out = (self._revoked.get((run, name), 0.0) for name in (ticket.grantee, ANYBODY))
        if ticket.issued_at <= max(shut_out):
            raise Unauthenticated(REVOKED)
        self._used.claim(ticket, now)
        return ticket, wish

    async def _join(self, ws: web.WebSocketResponse, ticket: ShellTicket, wish: dict[str, Any]) -> None:
        folder = self._works.work_dir(ticket.runner)
        with short_path(Path(folder) / SOCKET) as socket:
            connector = aiohttp.UnixConnector(path=socket)
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
            async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
                try:
                    there = await http.ws_connect(
                        f"http://runner{PATH}/{ticket.run}",
                        headers={GRANTEE_HEADER: ticket.grantee},
                        max_msg_size=2 * MESSAGE_MAX_BYTES,
                    )
                except (aiohttp.ClientError, OSError, TimeoutError):
                    raise Unavailable("the run's runner does not answer; try again in a moment") from None
                async with there:
                    await there.send_json(wish)
                    await _relay(ws, there)


async def _relay(here: web.WebSocketResponse, there: aiohttp.ClientWebSocketResponse) -> None:
    """Both ways until either side is done."""
    ways = {asyncio.create_task(_pump(here, there)), asyncio.create_task(_pump(there, here))}
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


_End = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _pump(source: _End, sink: _End) -> None:
    with contextlib.suppress(ConnectionError):
        async for message in source:
            if message.type is WSMsgType.BINARY:
                await sink.send_bytes(message.data)
            elif message.type is WSMsgType.TEXT:
                await sink.send_str(message.data)


async def _close(ws: web.WebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError):
        # in words, because the code of a closing may be lost to a connection that ends at once
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TELL_S):
                await ws.send_json({"error": REVOKED})
        await ws.close(code=REVOKED_CODE, message=REVOKED.encode())
