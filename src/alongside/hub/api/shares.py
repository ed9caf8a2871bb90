"""Doors for sharing: let somebody into a run, shut them out, see who is in, and what others share with me."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import shares
from alongside.hub.api.guard import caller, door, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.sharing import Present, RunShare, SharedRun, ShareKind

doors = APIBlueprint("shares", __name__, tag="Sharing")

GONE = (errors.RunUnknown, errors.ShareUnknown)


@values.strict
@dataclass(frozen=True)
class ShareBody:
    """With whom, and for how long."""

    kind: ShareKind
    #: of the person or group; left out for a code
    name: Annotated[str | None, Field(max_length=128)] = None
    #: seconds until it ends by itself; null: when it is revoked
    lasts_s: Annotated[float | None, Field(gt=0, le=31_536_000)] = None


@values.strict
@dataclass(frozen=True)
class Code:
    code: Annotated[str, Field(max_length=200)]


@dataclass(frozen=True)
class NewShare:
    """A share, and for a code what opens it: both are shown this once."""

    share: RunShare
    code: str | None
    #: page of the web app that redeems the code; it follows a `#`, so that no server reads it
    link: str | None


@door(
    doors,
    "GET",
    "/runs/<run_id>/shares",
    query=Paging,
    answers={200: Page[RunShare]},
    problems=(errors.RunUnknown,),
)
def list_shares(tx: Tx, run_id: str, query: Paging) -> Page[RunShare]:
    """With whom I share a run, oldest first."""
    found = [share for share in shares.listing(tx, caller(), run_id) if share.id > (query.after or "")]
    return query.page(found[: query.fetch], lambda share: share.id)


@door(
    doors,
    "POST",
    "/runs/<run_id>/shares",
    needs="run",
    body=ShareBody,
    answers={201: NewShare},
    problems=(errors.RunUnknown, errors.QuotaExceeded),
    secret=True,
)
def share_run(tx: Tx, run_id: str, body: ShareBody) -> NewShare:
    """Let a person, a group or whoever has a code open a run; sharing again sets the end anew."""
    made = shares.share(tx, caller(), run_id, body.kind, body.name, body.lasts_s, hub().clock())
    link = None if made.code is None else f"{hub().config.hub.url.rstrip('/')}/share#{made.code}"
    return NewShare(made.share, made.code, link)


@door(doors, "DELETE", "/runs/<run_id>/shares/<share_id>", needs="run", answers={204: None}, problems=GONE)
def revoke_share(tx: Tx, run_id: str, share_id: str) -> None:
    """End a share; whoever is in by it is out within a second."""
    shares.revoke(tx, caller(), run_id, share_id, hub().clock())


@door(
    doors,
    "DELETE",
    "/runs/<run_id>/shares/<share_id>/members/<account_id>",
    needs="run",
    answers={204: None},
    problems=GONE,
)
def revoke_share_member(tx: Tx, run_id: str, share_id: str, account_id: str) -> None:
    """Shut out one person of a group, or one who came by a code; the others stay."""
    shares.shut_out(tx, caller(), run_id, share_id, account_id, hub().clock())


@door(
    doors,
    "GET",
    "/runs/<run_id>/presence",
    query=Paging,
    answers={200: Page[Present]},
    problems=(errors.RunUnknown,),
)
def list_present(tx: Tx, run_id: str, query: Paging) -> Page[Present]:
    """Who is in a run of mine, then who was."""
    return Page(tuple(shares.present(tx, caller(), run_id)[: query.limit]))


@door(
    doors,
    "POST",
    "/shares/redeem",
    needs="run",
    body=Code,
    answers={200: SharedRun},
    problems=(errors.ShareUnknown, errors.StateConflict),
)
def redeem_code(tx: Tx, body: Code) -> SharedRun:
    """Come in by a code that somebody gave me."""
    return shares.redeem(tx, caller(), body.code, hub().clock())


@door(doors, "GET", "/shared-runs", query=Paging, answers={200: Page[SharedRun]})
def list_shared_runs(tx: Tx, query: Paging) -> Page[SharedRun]:
    """Runs of others that are shared with me, newest first."""
    found = shares.shared_with(tx, caller(), hub().clock(), after=query.after, limit=query.fetch)
    return query.page(found, lambda run: run.id)


@door(doors, "GET", "/shared-runs/<run_id>", answers={200: SharedRun}, problems=(errors.RunUnknown,))
def get_shared_run(tx: Tx, run_id: str) -> SharedRun:
    """A run that is shared with me: I can open it, and no more."""
    return shares.shared_run(tx, caller(), run_id, hub().clock())
