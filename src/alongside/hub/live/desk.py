"""What live doors share: the dispatcher behind them, who calls, and how answers and problems leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import structlog
from aiohttp import hdrs, web

from alongside import errors, values
from alongside.errors import Problem
from alongside.hub import accounts
from alongside.hub.clockwork import Incoming
from alongside.hub.doors import PROBLEM_JSON, Hub, Tx, document_of
from alongside.hub.live.broadcast import Broadcast
from alongside.spec.accounts import Caller
from alongside.spec.wire import SyncAnswer

T = TypeVar("T")

KEEPALIVE_S = 15.0

log = structlog.get_logger("alongside.dispatcher")


class Desk(Protocol):
    """The dispatcher as its doors know it."""

    hub: Hub
    broadcast: Broadcast

    async def sync(self, incoming: Incoming) -> SyncAnswer:
        """Take a runner's sync in the next turn."""
        ...

    async def newest(self, runner: str, after: int, within_s: float) -> int:
        """The runner's newest outbox number, as soon as it is beyond `after` or the time is over."""
        ...

    async def read(self, look: Callable[[Tx], T]) -> T:
        """Look at the store, beside the event loop."""
        ...

    async def write(self, act: Callable[[Tx], T]) -> T:
        """Change the store in the writer's thread, in a transaction of its own."""
        ...

    async def file(self, act: Callable[[], T]) -> T:
        """Work on files, one thing after another, beside the event loop."""
        ...


DESK: web.AppKey[Desk] = web.AppKey("desk", Desk)  # type: ignore[type-abstract]


def desk(request: web.Request) -> Desk:
    return request.app[DESK]


def bearer(request: web.Request) -> str:
    """
    Raises:
        Unauthenticated: there is no bearer token.
    """
    kind, _, secret = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        raise errors.Unauthenticated("send `Authorization: Bearer <token>`")
    return secret.strip()


async def caller(request: web.Request) -> Caller:
    """The person who asks, by token or cookie. These doors only look, so no CSRF token is needed.

    Raises:
        Unauthenticated, Forbidden
    """
    now = desk(request).hub.clock()
    if hdrs.AUTHORIZATION in request.headers:
        secret = bearer(request)
        found = await desk(request).read(lambda tx: accounts.by_token(tx, secret, now))
    else:
        cookie = request.cookies.get(desk(request).hub.session_cookie)
        if not cookie:
            raise errors.Unauthenticated
        found = await desk(request).read(lambda tx: accounts.by_session(tx, cookie, now))
    if "read" not in found.caller.scopes:
        raise errors.Forbidden("this needs the scope 'read'", scope="read")
    return found.caller


def number(request: web.Request, name: str, default: int | None = None, *, least: int = 0) -> int:
    """A whole number from the query.

    Raises:
        Invalid: it is missing or none.
    """
    text = request.query.get(name)
    if text is None and default is not None:
        return default
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 15 or int(text) < least:
        raise errors.Invalid([errors.Fault(name, f"must be a whole number from {least} on")])
    return int(text)


def answer(value: Any) -> web.Response:
    return web.Response(body=values.dump_json(value), content_type="application/json")


@web.middleware
async def tell_problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Let every error leave as a problem document."""
    try:
        return await handler(request)
    except Problem as problem:
        return _problem(request, problem)
    except web.HTTPException as error:
        return _problem(request, _from_aiohttp(error), error)
    except (ConnectionResetError, asyncio.CancelledError):
        raise
    except Exception as error:
        log.error("request.failed", method=request.method, path=request.path, exc_info=error)
        return _problem(request, errors.InternalError())


@asynccontextmanager
async def stream(request: web.Request) -> AsyncIterator[web.StreamResponse]:
    """An answer of server-sent events; a client that goes away ends it quietly."""
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8",
            hdrs.CACHE_CONTROL: "no-store",
            # Proxies in front must not collect events before they pass them on.
            "X-Accel-Buffering": "no",
        }
    )
    await response.prepare(request)
    try:
        yield response
        await response.write_eof()
    except (ConnectionResetError, BrokenPipeError):
        pass


async def send(response: web.StreamResponse, data: Any, *, event: str = "", key: str = "") -> None:
    head = f"event: {event}\n" if event else ""
    head += f"id: {key}\n" if key else ""
    await response.write(f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode())


async def keep_alive(response: web.StreamResponse) -> None:
    await response.write(b": still here\n\n")


def _problem(request: web.Request, problem: Problem, source: web.HTTPException | None = None) -> web.Response:
    document = document_of(problem, request.path)
    headers = {}
    if isinstance(problem, errors.Unauthenticated):
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="alongside"'
    if source is not None and (allow := source.headers.get(hdrs.ALLOW)):
        headers[hdrs.ALLOW] = allow
    return web.Response(
        status=document["status"],
        body=json.dumps(document).encode(),
        content_type=PROBLEM_JSON,
        headers=headers,
    )


def _from_aiohttp(error: web.HTTPException) -> Problem:
    match error.status:
        case 404:
            return errors.NotFound("there is nothing at this address")
        case 405:
            return errors.MethodNotAllowed("this address does not take that method")
        case 413:
            return errors.TooLarge()
        case status if status >= 500:
            return errors.InternalError()
        case _:
            return errors.BadRequest(error.reason)
