"""A person's WebSocket to a tool that beats and echoes (`tool_programs.SERVER`), held open across faults."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from urllib.parse import urlsplit

import aiohttp

from support.visitors import Visitor

PATIENCE_S = 60.0


class OpenSocket:
    """The same connection from `with` to its end: beats are numbered by the tool, per connection."""

    def __init__(self, visitor: Visitor, url: str) -> None:
        self._url = url
        self._cookie = visitor.cookie_header(url)
        self._runner = asyncio.Runner()
        self.beats: list[int] = []

    def __enter__(self) -> OpenSocket:
        self._runner.run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._close())
        self._runner.close()

    def say(self, text: str) -> None:
        """Send a text and wait for its echo; raises when the connection is not the same any more."""
        self._runner.run(asyncio.wait_for(self._say(text), PATIENCE_S))
        assert self.beats == list(range(1, len(self.beats) + 1)), "a beat was lost or another tool beats"

    async def _open(self) -> None:
        parts = urlsplit(self._url)
        self._http = aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(
            f"http://127.0.0.1:{parts.port}/ws",
            headers={"Host": parts.netloc, "Cookie": self._cookie, "Origin": f"http://{parts.netloc}"},
        )

    async def _close(self) -> None:
        await self._socket.close()
        await self._http.close()

    async def _say(self, text: str) -> None:
        await self._socket.send_str(text)
        while True:
            message = await self._socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, f"the socket ended: {message}"
            if message.data == f"echo {text}":
                return
            self.beats.append(int(message.data.removeprefix("beat ")))

    def seconds_until_closed(self, within_s: float) -> float:
        """How long the other side keeps it open; raises TimeoutError when that is longer."""
        began = time.monotonic()
        self._runner.run(asyncio.wait_for(self._closed(), within_s))
        return time.monotonic() - began

    async def _closed(self) -> None:
        while (await self._socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
