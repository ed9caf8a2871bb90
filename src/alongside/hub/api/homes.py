"""Doors to homes: how large they are, their snapshots, and making, mending and restoring them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import homes
from alongside.hub.api.guard import caller, door, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.homes import Home, Snapshot

doors = APIBlueprint("homes", __name__, tag="Homes")

SiteName = Annotated[str, Field(max_length=63)]
KNOWN = (errors.HomeUnknown,)


@dataclass(frozen=True)
class HomesQuery(Paging):
    #: everybody's; for administrators
    everyone: bool = False
    site: Annotated[str | None, Field(max_length=63)] = None


@values.strict
@dataclass(frozen=True)
class NewHome:
    site: SiteName


@values.strict
@dataclass(frozen=True)
class HomeEdit:
    #: null: what holds for the account; 0: no limit
    quota_gb: Annotated[float | None, Field(ge=0, le=1_000_000)]


@values.strict
@dataclass(frozen=True)
class NewSnapshot:
    #: empty: the time
    name: Annotated[str, Field(max_length=100)] = ""


@door(doors, "GET", "/homes", query=HomesQuery, answers={200: Page[Home]})
def list_homes(tx: Tx, query: HomesQuery) -> Page[Home]:
    """Your homes, one per site where you worked, with their sizes and quotas."""
    found = homes.page(
        tx,
        caller(),
        hub().config,
        everyone=query.everyone,
        site=query.site,
        after=query.after,
        limit=query.fetch,
    )
    return query.page(found, lambda home: home.id)


@door(
    doors,
    "POST",
    "/homes",
    needs="run",
    body=NewHome,
    answers={201: Home},
    problems=(errors.SiteUnknown, errors.Conflict),
)
def make_home(tx: Tx, body: NewHome) -> Home:
    """Have a home at a site before anything is launched there; one that is there stays as it is."""
    return homes.make(tx, caller(), body.site, hub().clock(), hub().config)


@door(doors, "GET", "/homes/<id>", answers={200: Home}, problems=KNOWN)
def get_home(tx: Tx, id: str) -> Home:
    """One home."""
    return homes.get(tx, caller(), id, hub().config)


@door(doors, "PATCH", "/homes/<id>", needs="admin", body=HomeEdit, answers={200: Home}, problems=KNOWN)
def edit_home(tx: Tx, id: str, body: HomeEdit) -> Home:
    """Give one home a quota of its own."""
    quota = None if body.quota_gb is None else int(body.quota_gb * 1e9)
    return homes.set_quota(tx, caller(), id, quota, hub().clock(), hub().config)


@door(doors, "POST", "/homes/<id>/measure", needs="run", answers={202: Home}, problems=KNOWN)
def measure_home(tx: Tx, id: str) -> Home:
    """Have the site look how large a home is now."""
    return homes.measure(tx, caller(), id, hub().clock(), hub().config)


@door(
    doors,
    "POST",
    "/homes/<id>/repair",
    needs="run",
    answers={202: Home},
    problems=(*KNOWN, errors.StateConflict),
)
def repair_home(tx: Tx, id: str) -> Home:
    """Make what is missing in a home, and give its owner what is theirs."""
    return homes.repair(tx, caller(), id, hub().clock(), hub().config)


@door(doors, "GET", "/homes/<id>/snapshots", query=Paging, answers={200: Page[Snapshot]}, problems=KNOWN)
def list_snapshots(tx: Tx, id: str, query: Paging) -> Page[Snapshot]:
    """The snapshots of a home, newest first."""
    found = homes.snapshots(tx, caller(), id, query.after, query.fetch)
    return query.page(found, lambda snapshot: snapshot.id)


@door(
    doors,
    "POST",
    "/homes/<id>/snapshots",
    needs="run",
    body=NewSnapshot,
    answers={202: Snapshot},
    problems=(*KNOWN, errors.StateConflict, errors.QuotaExceeded),
)
def take_snapshot(tx: Tx, id: str, body: NewSnapshot) -> Snapshot:
    """Keep a home as it is now."""
    return homes.take_snapshot(tx, caller(), id, body.name.strip(), hub().clock(), hub().config)


@door(
    doors,
    "POST",
    "/homes/<id>/snapshots/<snapshot>/restore",
    needs="run",
    answers={202: Home},
    problems=(*KNOWN, errors.SnapshotUnknown, errors.StateConflict),
)
def restore_snapshot(tx: Tx, id: str, snapshot: str) -> Home:
    """Make a home what it was; what it is now becomes a snapshot first, so that this can be undone."""
    return homes.restore(tx, caller(), id, snapshot, hub().clock(), hub().config)


@door(
    doors,
    "DELETE",
    "/homes/<id>/snapshots/<snapshot>",
    needs="run",
    answers={202: Snapshot},
    problems=(*KNOWN, errors.SnapshotUnknown, errors.StateConflict),
)
def delete_snapshot(tx: Tx, id: str, snapshot: str) -> Snapshot:
    """Delete a snapshot; it is listed until the site has removed it."""
    return homes.forget_snapshot(tx, caller(), id, snapshot, hub().clock())
