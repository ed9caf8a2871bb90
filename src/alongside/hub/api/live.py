"""What the dispatcher's doors take and answer: they are in the OpenAPI document too, but not served here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from alongside import errors
from alongside.errors import Problem
from alongside.hub.api.datasets import Resolved
from alongside.hub.doors import Door, Media
from alongside.spec.wire import VERSION, Session, Sync, SyncAnswer

EVENTS = Media("text/event-stream")
BYTES = Media("application/octet-stream", {})
RUNNER = "/live/v1/runners/{id}"
ATTEMPT = "/live/v1/attempts/{run}/{attempt}"

Whole = Annotated[int, Field(ge=0, le=10**15 - 1)]


@dataclass(frozen=True)
class SessionRequest:
    version: int = VERSION


@dataclass(frozen=True)
class Newest:
    #: number of the newest item of the runner's outbox
    seq: int


@dataclass(frozen=True)
class LogSize:
    #: bytes of the log that the hub holds
    size: int


@dataclass(frozen=True)
class After:
    after: Whole = 0


@dataclass(frozen=True)
class Offset:
    offset: Whole


@dataclass(frozen=True)
class Asked:
    #: in any form; percent-encoded it must fit into a request line of 8 kB
    id: Annotated[str, Field(min_length=1, max_length=800)]


@dataclass(frozen=True)
class LogFrom:
    #: 0: the latest one
    attempt: Whole = 0
    offset: Whole = 0


@dataclass(frozen=True)
class OidcStart:
    #: a path of this hub to go on to
    next: Annotated[str, Field(max_length=2000)] = "/"


@dataclass(frozen=True)
class OidcBack:
    state: Annotated[str, Field(max_length=2000)] = ""
    code: Annotated[str, Field(max_length=2000)] = ""


def _door(
    method: str,
    path: str,
    name: str,
    about: str,
    answers: dict[int, Any],
    *problems: type[Problem],
    credential: str = "account",
    **more: Any,
) -> Door:
    # Bodies are read whatever their Content-Type says.
    return Door(
        method,
        path,
        name,
        needs="read" if credential == "account" else None,
        answers=answers,
        problems=(*problems, errors.Unauthenticated, errors.Invalid),
        summary=about,
        tag="Live",
        credential=credential,
        **more,
    )


DOORS = (
    _door(
        "POST",
        f"{RUNNER}/session",
        "open_runner_session",
        "Begin a runner's next epoch; calls of an older one get 409 from now on.",
        {200: Session},
        credential="runner",
        body=SessionRequest,
    ),
    _door(
        "POST",
        f"{RUNNER}/sync",
        "sync_runner",
        "Offer, holdings, reports and acknowledgements in; outbox, verdicts and answers out. Never parked.",
        {200: SyncAnswer},
        errors.EpochStale,
        credential="runner",
        body=Sync,
    ),
    _door(
        "GET",
        f"{RUNNER}/wait",
        "wait_for_runner_outbox",
        "Parked until the runner's outbox goes beyond `after`, or a few seconds. Takes nothing out.",
        {200: Newest},
        credential="runner",
        query=After,
    ),
    _door(
        "PUT",
        f"{ATTEMPT}/log",
        "put_attempt_log",
        "Bytes of an attempt's log from `offset` on; what the hub holds already is skipped.",
        {200: LogSize},
        errors.Conflict,
        errors.NotFound,
        errors.Forbidden,
        credential="attempt",
        query=Offset,
        body=BYTES,
    ),
    _door(
        "PUT",
        f"{ATTEMPT}/artifacts/{{path}}",
        "put_attempt_artifact",
        "The hub's copy of a small artifact.",
        {204: None},
        errors.Conflict,
        errors.NotFound,
        errors.Forbidden,
        credential="attempt",
        body=BYTES,
    ),
    _door(
        "GET",
        "/live/v1/runs/{id}/progress",
        "follow_run_progress",
        "Server-sent events {progress, message, state, word, ready?, failed?, url?} until ready or ended.",
        {200: EVENTS},
        errors.RunUnknown,
    ),
    _door(
        "GET",
        "/live/v1/runs/{id}/log",
        "follow_run_log",
        "Server-sent events `log` {offset, text}, and `end` after the last byte.",
        {200: EVENTS},
        errors.RunUnknown,
        errors.LogUnknown,
        query=LogFrom,
    ),
    _door(
        "GET",
        "/live/v1/events",
        "follow_events",
        "Server-sent hints {kind, key} about what to read again; one stream for a whole browser.",
        {200: EVENTS},
    ),
    _door(
        "GET",
        "/live/v1/resolve",
        "wait_for_identifier",
        "What an identifier names, waiting a few seconds for it to become known.",
        {200: Resolved},
        errors.IdentifierUnknown,
        query=Asked,
    ),
    Door(
        "GET",
        "/live/v1/oidc/start",
        "start_oidc",
        needs=None,
        answers={303: None},
        query=OidcStart,
        problems=(errors.NotFound, errors.Unauthenticated),
        summary="Off to the OpenID Connect provider; for browsers.",
        tag="Live",
    ),
    Door(
        "GET",
        "/live/v1/oidc/callback",
        "end_oidc",
        needs=None,
        answers={303: None},
        query=OidcBack,
        problems=(errors.NotFound,),
        summary="Back from the provider: signs in, or goes to the sign-in page with the reason.",
        tag="Live",
    ),
)
