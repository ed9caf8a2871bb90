"""What every door shares, whichever framework it is built with: its description, and how a problem is told.

Also the one mapping from problems to HTTP.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field

from alongside import errors
from alongside.config import Config
from alongside.errors import Problem
from alongside.hub.accounts import Passwords
from alongside.hub.keyring import Keyring
from alongside.hub.store.database import Database
from alongside.hub.store.database import Tx as Tx
from alongside.spec.accounts import Scope

T = TypeVar("T")

PROBLEM_JSON = "application/problem+json"


@dataclass(frozen=True)
class Hub:
    """What a door is given: one of these per process."""

    config: Config
    database: Database
    #: the current time, in UTC
    clock: Callable[[], datetime]
    keyring: Keyring
    passwords: Passwords

    @property
    def https(self) -> bool:
        """Whether people reach the hub by https alone."""
        return self.config.hub.url.lower().startswith("https:")

    @property
    def session_cookie(self) -> str:
        return self._cookie("alongside_session")

    @property
    def csrf_cookie(self) -> str:
        return self._cookie("alongside_csrf")

    def _cookie(self, name: str) -> str:
        """Browsers take a `__Host-` name from this very host alone, and only by https."""
        return f"__Host-{name}" if self.https else name


@dataclass(frozen=True)
class Media:
    """An answer (or body) that is not JSON."""

    type: str
    #: members of the schema: text unless said otherwise
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True)
class Door:
    """One operation of the API, complete enough to write its part of the OpenAPI document."""

    method: str
    #: OpenAPI form once registered: `/api/v1/accounts/{id}`
    path: str
    name: str
    #: scope that the caller must hold; None means that anyone may ask
    needs: Scope | None
    #: status → kind of the answer: a type, a `Media`, or None for an empty one; the first is the usual one
    answers: Mapping[int, Any]
    body: Any = None
    #: further media types of the body beside application/json
    body_media: tuple[str, ...] = ()
    #: a request without a body is one with an empty object
    body_optional: bool = False
    query: type[Any] | None = None
    #: beyond those that follow from the rest (`problems_of`)
    problems: tuple[type[Problem], ...] = ()
    if_match: bool = False
    #: open to anyone, and does more for a caller who holds this scope
    more_with: Scope | None = None
    #: of an unsafe method: allowed to an administrator who looks as somebody else
    while_looking: bool = False
    #: of a door that is described here but served by another process; otherwise from its function
    summary: str = ""
    tag: str = ""
    #: what the bearer token is that of: `account`, `runner` or `attempt`
    credential: str = "account"


@dataclass(frozen=True)
class Paging:
    """Query of a list; lists with filters extend it."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[str | None, Field(max_length=200)] = None

    @property
    def after(self) -> str | None:
        """Key of the last item that the caller has seen."""
        if self.cursor is None:
            return None
        try:
            key = base64.b64decode(self.cursor, altchars=b"-_", validate=True).decode()
        except (binascii.Error, ValueError):
            key = "\0"
        if "\0" in key:
            raise errors.Invalid([errors.Fault("cursor", "is not one that a list gave out")])
        return key

    @property
    def fetch(self) -> int:
        """How many items to ask the room for: one more, to know whether there is a next page."""
        return self.limit + 1

    def page(self, items: Sequence[T], key: Callable[[T], str]) -> Page[T]:
        if len(items) <= self.limit:
            return Page(tuple(items))
        kept = tuple(items[: self.limit])
        return Page(kept, base64.urlsafe_b64encode(key(kept[-1]).encode()).decode())


@dataclass(frozen=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    #: cursor of the next page; null on the last one
    next: str | None = None


STATUS: Mapping[type[Problem], int] = {
    errors.Invalid: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.EditConflict: 412,
    errors.Conflict: 409,
    errors.QuotaExceeded: 403,
    errors.Unplaceable: 422,
    errors.PreconditionRequired: 428,
    errors.TooLarge: 413,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
    errors.BadRequest: 400,
    errors.MethodNotAllowed: 405,
    errors.MediaTypeUnsupported: 415,
    errors.Misconfigured: 500,
    errors.InternalError: 500,
    Problem: 500,
}

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def status_of(kind: type[Problem]) -> int:
    return next(STATUS[base] for base in kind.__mro__ if base in STATUS)


def document_of(problem: Problem, instance: str | None = None) -> dict[str, Any]:
    """The RFC 9457 problem document; its media type is PROBLEM_JSON."""
    document: dict[str, Any] = {
        "type": f"urn:alongside:problem:{problem.code}",
        "title": problem.title,
        "status": status_of(type(problem)),
        "detail": problem.detail,
        "code": problem.code,
    }
    if instance:
        document["instance"] = instance
    return {**problem.extra, **document}


def problems_of(door: Door) -> tuple[type[Problem], ...]:
    """Every problem that this door may answer with."""
    kinds: list[type[Problem]] = [errors.BadRequest, errors.InternalError, errors.Unavailable]
    if "{" in door.path:
        kinds += [errors.NotFound, errors.Invalid]
    if door.needs:
        kinds += [errors.Unauthenticated, errors.Forbidden]
        if door.method not in SAFE_METHODS:
            kinds += [errors.CsrfFailed, errors.ReadOnlyLook]
        if door.method == "POST":
            kinds += [errors.IdempotencyMismatch, errors.Invalid]
    if door.method not in SAFE_METHODS:
        kinds.append(errors.TooLarge)
    if door.body is not None:
        kinds += [errors.Invalid, errors.MediaTypeUnsupported]
    if door.query is not None:
        kinds.append(errors.Invalid)
    if door.if_match:
        kinds += [errors.EditConflict, errors.PreconditionRequired]
    return tuple(dict.fromkeys((*kinds, *door.problems)))
