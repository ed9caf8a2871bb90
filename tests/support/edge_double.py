"""An edge for runners under test: its control API on a Unix socket, with routes that are only remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web


class EdgeDouble:
    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.routes: dict[str, dict[str, Any]] = {}
        self.trusted: list[str] = []
        #: (run, keep_secrets) in the order in which ways were closed
        self.closed: list[tuple[str, bool]] = []
        self.revoked: list[tuple[str, str | None]] = []
        self.trees: dict[str, str] = {}
        #: publishes nothing, and says this
        self.full = ""

    async def __aenter__(self) -> EdgeDouble:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_put("/trust", self._trust)
        app.router.add_get("/routes", self._list)
        app.router.add_put("/routes/{run}", self._publish)
        app.router.add_delete("/routes/{run}", self._withdraw)
        app.router.add_post("/routes/{run}/revoke", self._revoke)
        app.router.add_get("/activity", self._activity)
        app.router.add_post("/files/trees", self._tree)
        app.router.add_delete("/files/trees/{name}", self._remove_tree)
        self._server = web.AppRunner(app, shutdown_timeout=0.1)
        await self._server.setup()
        await web.UnixSite(self._server, str(self.socket)).start()

    async def stop(self) -> None:
        await self._server.cleanup()

    async def _trust(self, request: web.Request) -> web.Response:
        self.trusted = (await request.json())["public_keys"]
        return web.Response(status=204)

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response({"items": [{"run": run, **route} for run, route in self.routes.items()]})

    async def _publish(self, request: web.Request) -> web.Response:
        if self.full:
            body = {"code": "unavailable", "detail": self.full}
            return web.json_response(body, status=503, content_type="application/problem+json")
        self.routes[request.match_info["run"]] = await request.json()
        return web.json_response({})

    async def _withdraw(self, request: web.Request) -> web.Response:
        self.routes.pop(request.match_info["run"], None)
        self.closed.append((request.match_info["run"], "keep_secrets" in request.query))
        return web.Response(status=204)

    async def _revoke(self, request: web.Request) -> web.Response:
        self.revoked.append((request.match_info["run"], (await request.json())["grantee"]))
        return web.json_response({"closed": 1})

    async def _activity(self, _: web.Request) -> web.Response:
        seen = {"at": "2026-01-01T00:00:00Z", "connections": 1, "requests": 1, "bytes": 10}
        return web.json_response(dict.fromkeys(self.routes, seen))

    async def _tree(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.trees[body["name"]] = body["path"]
        return web.Response(status=204)

    async def _remove_tree(self, request: web.Request) -> web.Response:
        self.trees.pop(request.match_info["name"], None)
        return web.Response(status=204)
