"""Doors for people who watch the whole hub: one stream of hints, and identifiers that may yet be known."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from alongside import values
from alongside.errors import DatasetUnknown, Fault, IdentifierUnknown, Invalid, Problem
from alongside.hub import classroom, datasets, resolver, sites, tools
from alongside.hub.doors import Tx
from alongside.hub.live import desk as live
from alongside.hub.live.broadcast import Hint
from alongside.spec.accounts import Caller

SITES_SHOWN = 500
#: who manages which group changes rarely
CLASSES_READ_S = 60.0


async def events(request: web.Request) -> web.StreamResponse:
    """Server-sent hints about what the caller may see: `{kind, key}` says what to read again."""
    desk = live.desk(request)
    caller = await live.caller(request)
    with desk.broadcast.listening() as hints:
        async with live.stream(request) as response:
            await live.send(response, {"kind": "hello", "key": caller.account.id})
            classes = Classes(desk, caller.account.id)
            while True:
                try:
                    hint = await asyncio.wait_for(hints.get(), live.KEEPALIVE_S)
                except TimeoutError:
                    # A session that has ended, or a token that was revoked, ends its streams.
                    try:
                        caller = await live.caller(request)
                    except Problem:
                        break
                    await live.keep_alive(response)
                    continue
                if hint is None:
                    break
                for group in await classes.of(hint):
                    await live.send(response, {"kind": "class", "key": group})
                if hint.kind != "log" and await _concerns(desk, caller, hint):
                    await live.send(response, {"kind": hint.kind, "key": hint.key, **hint.detail})
    return response


class Classes:
    """The groups that somebody manages, and who is in them: read again now and then."""

    def __init__(self, desk: live.Desk, account: str) -> None:
        self._desk = desk
        self._account = account
        self._groups: dict[str, list[str]] = {}
        self._read_at = float("-inf")

    async def of(self, hint: Hint) -> list[str]:
        """The classes in which something happened."""
        if hint.kind != "run" or hint.account is None:
            return []
        now = asyncio.get_running_loop().time()
        if now - self._read_at > CLASSES_READ_S:
            self._read_at = now
            self._groups = await self._desk.read(lambda tx: classroom.groups_of_members(tx, self._account))
        return self._groups.get(hint.account, [])


async def resolve(request: web.Request) -> web.Response:
    """What an identifier names, waiting a few seconds for it to become known."""
    desk = live.desk(request)
    caller = await live.caller(request)
    text = request.query.get("id", "")
    if not text or "\0" in text:
        raise Invalid([Fault("id", "is missing" if not text else "holds a NUL character")])
    loop = asyncio.get_running_loop()
    until = loop.time() + desk.hub.config.dispatcher.wait_s
    with desk.broadcast.listening() as hints:
        while True:
            try:
                return web.json_response(await desk.read(lambda tx: _resolution(tx, caller, text)))
            except (IdentifierUnknown, DatasetUnknown):
                if not await _dataset_changed(hints, until - loop.time()):
                    raise


ROUTES = (
    web.get("/live/v1/events", events),
    web.get("/live/v1/resolve", resolve),
)


def _resolution(tx: Tx, caller: Caller, text: str) -> dict[str, Any]:
    """The same as GET /api/v1/resolve answers."""
    dataset = resolver.resolve(tx, caller, text)
    places = resolver.whereabouts(dataset, sites.page(tx, None, SITES_SHOWN, caller))
    return {
        "dataset": {**values.dump(dataset), "size_bytes": dataset.size_bytes},
        "sites": [values.dump(place) for place in places],
    }


async def _dataset_changed(hints: asyncio.Queue[Hint | None], within_s: float) -> bool:
    try:
        async with asyncio.timeout(max(0.0, within_s)):
            while (hint := await hints.get()) is not None:
                if hint.kind == "dataset":
                    return True
            return False
    except TimeoutError:
        return False


async def _concerns(desk: live.Desk, caller: Caller, hint: Hint) -> bool:
    """Whether the caller may know of this."""
    if caller.is_admin:
        return True
    if hint.account is not None:
        return hint.account == caller.account.id
    return await desk.read(lambda tx: _may_see(tx, caller, hint))


def _may_see(tx: Tx, caller: Caller, hint: Hint) -> bool:
    try:
        match hint.kind:
            case "dataset":
                datasets.get(tx, caller, hint.key)
            case "runner":
                sites.runner(tx, hint.key, caller)
            case "tool":
                tools.get(tx, caller, hint.key)
            case _:
                return False
    except Problem:
        return False
    return True
