"""Programs in a run, from here: a WebSocket to the run's own origin, opened with a ticket of the hub's."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from alongside import values
from alongside.client.answers import ShellAccess
from alongside.client.errors import CallFailed, Unreachable
from alongside.spec.shells import MESSAGE_MAX_BYTES, PROTOCOL, REVOKED_CODE, Wish

CONNECT_S = 20.0


class NotInside(CallFailed):
    """The program was not started in the run."""


class Shell:
    """One program, port or ssh server; its output arrives as (channel, bytes) and at last as an exit code."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws
        #: known once `output` is over
        self.exit_code: int | None = None

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """
        Raises:
            NotInside: it could not be started, or the access was revoked.
        """
        async for message in self._ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                yield message.data[0], message.data[1:]
            elif message.type is aiohttp.WSMsgType.TEXT:
                said = json.loads(message.data)
                if "error" in said:
                    raise NotInside(str(said["error"]))
                if "exit" in said:
                    self.exit_code = int(said["exit"])
        if self._ws.close_code == REVOKED_CODE:
            raise NotInside("the access was revoked")

    async def send(self, data: bytes) -> None:
        await self._ws.send_bytes(data)

    async def tell(self, **said: Any) -> None:
        """resize=(cols, rows), signal="INT", end=True."""
        await self._ws.send_json(said)

    async def leave(self) -> None:
        """End it without waiting for its end."""
        await self._ws.close()


@asynccontextmanager
async def opened(access: ShellAccess, wish: Wish) -> AsyncIterator[Shell]:
    """
    Raises:
        Unreachable: the run's site does not answer.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
    connector = aiohttp.TCPConnector(resolver=_Resolver())
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=True) as http:
        try:
            ws = await http.ws_connect(
                access.url, protocols=(PROTOCOL,), max_msg_size=2 * MESSAGE_MAX_BYTES, heartbeat=30
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unreachable(f"the run's site does not answer: {error}") from None
        async with ws:
            await ws.send_json({"ticket": access.ticket, **values.dump(wish)})
            yield Shell(ws)


class _Resolver(AbstractResolver):
    """`<run>.localhost` is this machine, which not every system's resolver knows (RFC 6761)."""

    def __init__(self) -> None:
        self._system = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        name = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
        return await self._system.resolve(name, port, family)

    async def close(self) -> None:
        await self._system.close()
