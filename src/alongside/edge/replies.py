"""How the edge's own doors answer: problem documents for programs, small pages for people."""

from __future__ import annotations

import errno
import html
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from aiohttp import web

from alongside import errors

log = structlog.get_logger("edge")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_STATUS: tuple[tuple[type[errors.Problem], int], ...] = (
    (errors.Invalid, 422),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.EditConflict, 412),
    (errors.Conflict, 409),
    (errors.TooLarge, 413),
    (errors.Unavailable, 503),
)
_NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
#: what a file may do in a browser: nothing, whatever it says it is, on a host that serves the files of all
INERT = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Referrer-Policy": "no-referrer",
}


def instant(seconds: float) -> str:
    """Unix seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def preflight(*, methods: str, headers: str) -> web.Response:
    """What a page of another origin asks before it sends more than a plain request."""
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": headers,
            "Access-Control-Max-Age": "600",
        },
    )


def status_of(error: errors.Problem) -> int:
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem(
    error: errors.Problem, headers: dict[str, str] | None = None, *, status: int | None = None
) -> web.Response:
    """An RFC 9457 document; some protocols have a status of their own for it."""
    status = status or status_of(error)
    body = {
        "type": "about:blank",
        "title": error.title,
        "status": status,
        "detail": error.detail,
        "code": error.code,
        **error.extra,
    }
    extra = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return web.json_response(
        body,
        status=status,
        content_type="application/problem+json",
        headers={**_NO_STORE, **extra, **(headers or {})},
    )


def page(status: int, title: str, sentence: str, link: str, link_text: str) -> web.Response:
    """A page with one thing to do; it loads nothing and may not be framed."""
    title, sentence, link, link_text = (html.escape(text) for text in (title, sentence, link, link_text))
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{title}</title><style>body{{font:1rem/1.5 system-ui;'
        "max-width:34rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}</style>"
        f'<h1>{title}</h1><p>{sentence}</p><p><a href="{link}">{link_text}</a></p></html>'
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return web.Response(
        text=text,
        status=status,
        content_type="text/html",
        headers={**_NO_STORE, "Content-Security-Policy": policy},
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers every error of a handler with a problem document."""
    try:
        return await handler(request)
    except errors.Problem as error:
        return problem(error)
    except web.HTTPClientError as error:
        body = {"type": "about:blank", "title": error.reason, "status": error.status}
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        body["code"] = error.reason.lower().replace(" ", "_")
        return web.json_response(
            body, status=error.status, content_type="application/problem+json", headers=headers
        )
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            log.error("the disk is full", why=str(error))
            return problem(errors.Unavailable("the disk of this site is full"))
        if isinstance(error, ConnectionError):
            raise  # the client went away
        log.exception("a file could not be used", path=request.path)
        return problem(errors.Problem("the edge could not use a file; its log says more"))
