"""Small web applications that stand for tools: one that echoes, one that means harm."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import web


class EchoTool:
    """Answers with what it was sent, so that a test sees what the edge let through."""

    def __init__(self, name: str) -> None:
        self.name = name
        #: requests seen, as (method, path with query)
        self.seen: list[tuple[str, str]] = []

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_get("/ws", self._socket)
        app.router.add_route("*", "/{path:.*}", self._echo)
        return app

    async def _echo(self, request: web.Request) -> web.Response:
        self.seen.append((request.method, request.path_qs))
        body = await request.read()
        answer = {
            "tool": self.name,
            "path": request.path_qs,
            "headers": {key: ", ".join(request.headers.getall(key)) for key in request.headers},
            "length": len(body),
        }
        return web.json_response(answer)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        self.seen.append((request.method, request.path_qs))
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        async for message in answer:
            if message.type is aiohttp.WSMsgType.TEXT:
                await answer.send_str(f"{self.name}: {message.data}")
        return answer


class HostileTool(EchoTool):
    """Tries to set cookies for its neighbours and to widen its service worker."""

    SET_COOKIES = (
        "plain=1; Path=/",
        "wide=1; Domain=localhost; Path=/",
        "Wider=1; path=/; DOMAIN=.localhost; HttpOnly",
        "twice=1; Domain=evil.localhost; Domain=localhost; Path=/",
        "thrice=1; domain=a;Domain = b ;\tdoMain=c",
        "spaced=1; \t domain \t=localhost; Secure",
        "alongside_run=stolen; Path=/",
        "__Host-alongside_run=stolen; Path=/; Secure",
        "alongside_session=stolen; Path=/",
    )

    async def _echo(self, request: web.Request) -> web.Response:
        answer = await super()._echo(request)
        for cookie in self.SET_COOKIES:
            answer.headers.add("Set-Cookie", cookie)
        answer.headers["Service-Worker-Allowed"] = "/"
        answer.headers["Clear-Site-Data"] = '"cookies"'
        answer.headers["Alt-Svc"] = 'h2="evil.example:443"'
        answer.headers["X-Mine"] = "stays"
        return answer


@contextlib.asynccontextmanager
async def served(app: web.Application, path: Path | None = None) -> AsyncIterator[str]:
    """Serve on a unix socket, or on a free loopback port; yields the address as the edge writes it."""
    runner = web.AppRunner(app, shutdown_timeout=0.1, handle_signals=False)
    await runner.setup()
    try:
        if path is not None:
            await web.UnixSite(runner, str(path)).start()
            yield f"unix:{path}"
        else:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"tcp:127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
