"""The doorkeeper: who asks, with which right, and what leaves as answer or as problem document.

A door is a function decorated with `door`; it parses nothing and checks no rights itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal

import structlog
from apiflask import APIBlueprint
from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from alongside import errors, values
from alongside.errors import Fault, Invalid, Problem
from alongside.hub import accounts, retries
from alongside.hub.api import reading
from alongside.hub.doors import PROBLEM_JSON, SAFE_METHODS, Door, Hub, Media, document_of
from alongside.spec.accounts import Caller, Scope

CSRF_HEADER = "X-CSRF-Token"

log = structlog.get_logger("alongside.hub")


@dataclass(frozen=True)
class Answer:
    """A door's answer where the value alone does not say it: another status, or headers."""

    value: Any = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def hub() -> Hub:
    return current_app.extensions["alongside"]


def caller() -> Caller:
    """Who asks. Only inside doors that need a scope."""
    return g.caller


def visitor() -> Caller | None:
    """Who asks at a door that is open to everyone; None when nobody is signed in."""
    try:
        return _authenticated()
    except errors.Unauthenticated:
        return None


def admitted() -> Caller | None:
    """Who asks at a door that does more for those who may; None for anyone else."""
    return g.get("caller")


def address() -> str:
    """The other side's address; the edge on this machine says whom it speaks for."""
    peer = request.remote_addr or ""
    forwarded = request.headers.get("X-Forwarded-For", "")
    if peer in {"127.0.0.1", "::1"} and forwarded:
        return forwarded.rpartition(",")[2].strip()
    return peer


def csrf_token() -> str:
    """What this session's unsafe requests must repeat; empty for a token."""
    return g.get("csrf", "")


def given(body: Any) -> dict[str, Any]:
    """The members of a PATCH body that the request really named, null included."""
    return {name: getattr(body, name) for name in g.members if hasattr(body, name)}


def door(
    blueprint: APIBlueprint,
    method: str,
    rule: str,
    *,
    answers: Mapping[int, Any],
    needs: Scope | None = "read",
    body: Any = None,
    body_optional: bool = False,
    readers: Mapping[str, Callable[[bytes], Any]] | None = None,
    query: type[Any] | None = None,
    problems: tuple[type[Problem], ...] = (),
    if_match: bool = False,
    more_with: Scope | None = None,
    while_looking: bool = False,
    tx: Literal["auto", "none"] = "auto",
    secret: bool = False,
    before: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as one operation of the API.

    The function is called with `tx` (a read transaction for GET, a write transaction otherwise;
    none with `tx="none"`), the parts of the path by name, and, where declared, `body`, `query` and
    `revision` (from If-Match). It returns a value of the declared kind, or an `Answer`.

    `before(body=…)` does slow work, such as hashing a password, ahead of the transaction; its result
    arrives as `prepared`. `secret` keeps the answer out of the store that Idempotency-Key reads.
    `readers` turn other media types of the body into JSON-like data.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        described = Door(
            method=method,
            path=rule,
            name=function.__name__,
            needs=needs,
            answers=answers,
            body=body,
            body_media=tuple(readers or ()),
            body_optional=body_optional,
            query=query,
            problems=problems,
            if_match=if_match,
            more_with=more_with,
            while_looking=while_looking,
        )

        @wraps(function)
        def view(**path: str) -> Response:
            arguments = _arguments(described, path, readers or {})
            if before is not None:
                arguments["prepared"] = before(body=arguments.get("body"))
            if tx == "none":
                return _respond(described, function(**arguments))
            with _transaction(method) as connection:
                key = request.headers.get("Idempotency-Key") if method == "POST" and "caller" in g else None
                if key is None:
                    return _respond(described, function(tx=connection, **arguments))
                return _once(described, connection, key, secret, lambda: function(tx=connection, **arguments))

        view.door = described  # type: ignore[attr-defined]
        return blueprint.route(rule, methods=[method], endpoint=function.__name__)(
            blueprint.doc(operation_id=function.__name__)(view)
        )

    return decorate


def install(app: Flask) -> None:
    """Let every error leave as a problem document."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, lambda error: _problem(_from_werkzeug(error), error))
    app.register_error_handler(Exception, _unexpected)


def _transaction(method: str) -> Any:
    return hub().database.read() if method in SAFE_METHODS else hub().database.write()


def _arguments(
    described: Door, path: Mapping[str, str], readers: Mapping[str, Callable[[bytes], Any]]
) -> dict[str, Any]:
    if described.needs is not None:
        admit(described.needs, while_looking=described.while_looking)
    elif described.more_with is not None:
        who = visitor()
        if who is not None and described.more_with in who.scopes:
            admit(described.more_with)
    if any("\0" in part for part in path.values()):
        raise errors.NotFound
    arguments: dict[str, Any] = dict(path)
    if described.query is not None:
        arguments["query"] = values.load(described.query, reading.query(described.query))
    if described.if_match:
        arguments["revision"] = reading.revision()
    if described.body is not None:
        data = {} if described.body_optional and not request.get_data() else reading.body(readers)
        g.members = tuple(data) if isinstance(data, dict) else ()
        arguments["body"] = values.load(described.body, data)
    return arguments


def admit(scope: Scope, *, while_looking: bool = False) -> None:
    """Find out who asks and whether they may; the result is `caller()`."""
    g.caller = _authenticated()
    if g.caller.via == "session" and request.method not in SAFE_METHODS:
        sent = request.headers.get(CSRF_HEADER, "")
        if not accounts.csrf_matches(g.csrf, sent):
            raise errors.CsrfFailed(f"send the value of the cookie {hub().csrf_cookie} as {CSRF_HEADER}")
    if g.caller.looker is not None and request.method not in SAFE_METHODS and not while_looking:
        raise errors.ReadOnlyLook
    if scope not in g.caller.scopes:
        what = "this token" if g.caller.via == "token" else f"the role {g.caller.account.role}"
        raise errors.Forbidden(f"this needs the scope {scope!r}, which {what} does not carry", scope=scope)


def _authenticated() -> Caller:
    now = hub().clock()
    authorization = request.headers.get("Authorization")
    if authorization is not None:
        kind, _, secret = authorization.partition(" ")
        if kind.lower() != "bearer" or not secret.strip():
            raise errors.Unauthenticated("send `Authorization: Bearer <token>`")
        with hub().database.read() as tx:
            found = accounts.by_token(tx, secret.strip(), now)
        if accounts.use_is_worth_noting(found.last_used_at, now):
            with hub().database.write() as tx:
                accounts.note_use(tx, found.caller.credential, now)
        return found.caller
    cookie = request.cookies.get(hub().session_cookie)
    if not cookie:
        raise errors.Unauthenticated
    with hub().database.read() as tx:
        session = accounts.by_session(tx, cookie, now)
    g.csrf = session.csrf
    return session.caller


def _respond(described: Door, result: Any) -> Response:
    if isinstance(result, Response):
        return result
    answer = result if isinstance(result, Answer) else Answer(result)
    status = answer.status or next(iter(described.answers))
    kind = described.answers[status]
    if kind is None:
        response = Response(status=status)
        del response.headers["Content-Type"]
    elif isinstance(kind, Media):
        response = Response(answer.value, status, content_type=kind.type)
    else:
        response = Response(values.dump_as(kind, answer.value), status, content_type="application/json")
        if (revision := getattr(answer.value, "revision", None)) is not None:
            response.headers["ETag"] = f'"{revision}"'
    response.headers.update(answer.headers)
    return response


def _once(described: Door, tx: Any, key: str, secret: bool, act: Callable[[], Any]) -> Response:
    """Carry out a request with an Idempotency-Key, or give the answer it had the first time."""
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise Invalid([Fault("Idempotency-Key", "must be 1 to 255 printable ASCII characters")])
    route = f"{request.method} {request.path}"
    digest = hashlib.sha256(request.get_data() + b"\0" + request.query_string).hexdigest()
    stored = retries.earlier(tx, caller().account.id, key, route, digest)
    if stored is not None:
        return Response(
            stored.body, stored.status, headers={**stored.headers, "Idempotency-Replayed": "true"}
        )
    response = _respond(described, act())
    retries.remember(
        tx,
        caller().account.id,
        key,
        retries.Stored(
            route=route,
            request_hash=digest,
            status=response.status_code,
            headers={name: value for name, value in response.headers if name in {"Content-Type", "ETag"}},
            body=response.get_data(),
        ),
        secret=secret,
        now=hub().clock(),
    )
    return response


def _problem(problem: Problem, source: HTTPException | None = None) -> Response:
    document = document_of(problem, request.path)
    status = source.code if source is not None and source.code else document["status"]
    document["status"] = status
    if status >= 500:
        log.error("request.unanswered", method=request.method, path=request.path, exc_info=problem)
    response = Response(json.dumps(document), status, content_type=PROBLEM_JSON)
    if isinstance(problem, errors.Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="alongside"'
    if isinstance(problem, errors.RateLimited) and "retry_after_s" in problem.extra:
        response.headers["Retry-After"] = str(problem.extra["retry_after_s"])
    if source is not None and (allow := dict(source.get_headers()).get("Allow")):
        response.headers["Allow"] = allow
    return response


def _from_werkzeug(error: HTTPException) -> Problem:
    match error.code:
        case 404:
            return errors.NotFound("there is nothing at this address")
        case 405:
            return errors.MethodNotAllowed(f"{request.method} does nothing at this address")
        case 413:
            limit = current_app.config["MAX_CONTENT_LENGTH"]
            return errors.TooLarge(f"the body is larger than {limit} bytes", limit_bytes=limit)
        case 415:
            return errors.MediaTypeUnsupported()
        case code if code is not None and code >= 500:
            return errors.InternalError()
        case _:
            return errors.BadRequest(error.description)


def _unexpected(error: Exception) -> Response:
    problem = errors.InternalError()
    problem.__cause__ = error
    return _problem(problem)
