"""Doors that links from outside lead to: into a run of mine, and the badge that such links wear.

Nothing here launches: a GET that carries a cookie must not start anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from alongside import errors
from alongside.hub import grants
from alongside.hub.api.badges import badge
from alongside.hub.api.guard import Answer, door, hub, visitor
from alongside.hub.doors import Media

doors = APIBlueprint("launch", __name__, tag="Links")


@dataclass(frozen=True)
class OpenQuery:
    #: path to open inside the tool instead of the one asked for at launch
    path: Annotated[str | None, Field(max_length=2000)] = None


@dataclass(frozen=True)
class BadgeQuery:
    text: Annotated[str, Field(max_length=200)] = "Launch"


@door(doors, "GET", "/open/<run_id>", needs=None, query=OpenQuery, answers={303: None}, tx="none")
def open_run(run_id: str, query: OpenQuery) -> Response:
    """On to the run's own address with a one-time ticket, or to its page while it is not ready."""
    who = visitor()
    if who is None:
        return _on_to(f"/sign-in?next={quote(request.full_path.rstrip('?'), safe='')}")
    if "run" not in who.scopes:
        # Neither a look nor a token that reads changes anything, and a tool's own page could.
        return _on_to(f"/runs/{quote(run_id, safe='')}")
    now = hub().clock()
    try:
        with hub().database.read() as tx:
            access = grants.access(
                tx, who, run_id, query.path, now, config=hub().config, keyring=hub().keyring
            )
    except (errors.RunUnknown, errors.StateConflict):
        return _on_to(f"/runs/{quote(run_id, safe='')}")
    return _on_to(access.ticket_url)


@door(
    doors,
    "GET",
    "/badge.svg",
    needs=None,
    query=BadgeQuery,
    answers={200: Media("image/svg+xml; charset=utf-8")},
    tx="none",
)
def get_badge(query: BadgeQuery) -> Answer:
    """A badge for pages that link to a launch."""
    headers = {
        "Cache-Control": "public, max-age=86400",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(badge(query.text), headers=headers)


def _on_to(address: str) -> Response:
    # The address holds a ticket: no cache may keep it, and the tool must not learn where it came from.
    headers = {"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(status=303, headers=headers)
