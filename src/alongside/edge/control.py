"""The control API of an edge, for the site's runners: a Unix socket that only our user can open."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web

from alongside import values
from alongside.edge.activity import Activity
from alongside.edge.drives import Drives
from alongside.edge.files import Tree, Trees
from alongside.edge.folders import Work, Works
from alongside.edge.proxy import Address
from alongside.edge.records import Route
from alongside.edge.replies import instant, problems
from alongside.edge.routes import Routes
from alongside.edge.shells import Shells
from alongside.edge.tickets import Trust
from alongside.errors import Fault, Invalid
from alongside.spec.files import Drive
from alongside.spec.ids import is_ulid

T = TypeVar("T")


@dataclass(frozen=True)
class _Keys:
    public_keys: list[str]


@dataclass(frozen=True)
class _Publish:
    address: str
    open_path: str = "/"


@dataclass(frozen=True)
class _Revoke:
    grantee: str | None = None


class Control:
    """Parses, calls one operation, answers."""

    def __init__(
        self,
        routes: Routes,
        shells: Shells,
        trust: Trust,
        trees: Trees,
        works: Works,
        drives: Drives,
        health: Callable[[], Mapping[str, object]],
    ) -> None:
        self._routes = routes
        self._shells = shells
        self._trust = trust
        self._trees = trees
        self._works = works
        self._drives = drives
        self._health = health

    def app(self) -> web.Application:
        app = web.Application(middlewares=[problems], client_max_size=1 << 20)
        app.router.add_get("/healthz", self.health)
        app.router.add_put("/trust", self.trust)
        app.router.add_get("/routes", self.list)
        app.router.add_put("/routes/{run}", self.publish)
        app.router.add_delete("/routes/{run}", self.withdraw)
        app.router.add_post("/routes/{run}/revoke", self.revoke)
        app.router.add_get("/activity", self.activity)
        app.router.add_post("/files/trees", self.add_tree)
        app.router.add_delete("/files/trees/{name}", self.remove_tree)
        app.router.add_put("/files/work", self.put_work)
        app.router.add_put("/files/drives", self.put_drive)
        app.router.add_delete("/files/drives/{id}", self.remove_drive)
        return app

    async def health(self, _request: web.Request) -> web.Response:
        return web.json_response(dict(self._health()))

    async def trust(self, request: web.Request) -> web.Response:
        self._trust.replace((await _body(request, _Keys)).public_keys)
        return web.Response(status=204)

    async def list(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": [_route(route) for route in self._routes.all()]})

    async def publish(self, request: web.Request) -> web.Response:
        run = request.match_info["run"]
        body = await _body(request, _Publish)
        faults = [] if is_ulid(run) else [Fault("run", "expected the id of a run")]
        if not body.open_path.startswith("/"):
            faults.append(Fault("open_path", "must begin with /"))
        if faults:
            raise Invalid(faults)
        route = await self._routes.publish(run, Address.parse(body.address), body.open_path)
        return web.json_response(_route(route))

    async def withdraw(self, request: web.Request) -> web.Response:
        keep = request.query.get("keep_secrets", "") in ("1", "true")
        await self._routes.withdraw(request.match_info["run"], keep_secrets=keep)
        return web.Response(status=204)

    async def revoke(self, request: web.Request) -> web.Response:
        grantee = (await _body(request, _Revoke)).grantee
        run, now = request.match_info["run"], time.time()
        shells = await self._shells.revoke(run, grantee, now)
        closed = shells + await self._routes.revoke(run, grantee, now)
        return web.json_response({"closed": closed})

    async def activity(self, _request: web.Request) -> web.Response:
        now = time.time()
        await self._routes.observe(now)
        return web.json_response(
            {
                run: {**_activity(seen), "people": self._routes.people(run, now)}
                for run, seen in self._routes.activity().items()
            }
        )

    async def add_tree(self, request: web.Request) -> web.Response:
        self._trees.add(await _body(request, Tree))
        return web.Response(status=204)

    async def remove_tree(self, request: web.Request) -> web.Response:
        self._trees.remove(request.match_info["name"])
        return web.Response(status=204)

    async def put_work(self, request: web.Request) -> web.Response:
        self._works.put(await _body(request, Work))
        return web.Response(status=204)

    async def put_drive(self, request: web.Request) -> web.Response:
        self._drives.put(await _body(request, Drive), time.time())
        return web.Response(status=204)

    async def remove_drive(self, request: web.Request) -> web.Response:
        self._drives.remove(request.match_info["id"])
        return web.Response(status=204)


async def _body(request: web.Request, kind: type[T]) -> T:
    try:
        data: Any = json.loads(await request.read() or b"{}")
    except ValueError:
        raise Invalid([Fault("", "the body is not JSON")]) from None
    return values.load(kind, data)


def _route(route: Route) -> dict[str, object]:
    """Without the hashes of the secrets: nobody needs them."""
    return {
        "run": route.run,
        "address": route.address,
        "open_path": route.open_path,
        "grantees": sorted({item.grantee for item in route.secrets}),
    }


def _activity(seen: Activity) -> dict[str, object]:
    return {
        "at": None if seen.at is None else instant(seen.at),
        "connections": seen.connections,
        "requests": seen.requests,
        "bytes": seen.bytes,
    }
