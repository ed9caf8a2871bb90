"""Which things a query may show: those without a tag, and those with a tag that the caller holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from sqlalchemy import ColumnElement, exists, or_, select, true

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import sites, tag_things, tags
from alongside.spec.accounts import Caller

ThingKind = Literal["dataset", "tool", "site"]


def visible(kind: ThingKind, thing_id: ColumnElement[Any], caller: Caller) -> ColumnElement[bool]:
    """A condition for the things of one kind; administrators see all of them."""
    if caller.is_admin:
        return true()
    tagged = select(tag_things.c.tag_id).where(tag_things.c.kind == kind, tag_things.c.thing_id == thing_id)
    held = tagged.join(tags, tags.c.id == tag_things.c.tag_id).where(tags.c.name.in_(sorted(caller.tags)))
    return or_(~exists(tagged), exists(held))


def tag_names(tx: Tx, kind: ThingKind, thing_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The tags on each of these things, by name; things without tags are left out."""
    query = (
        select(tag_things.c.thing_id, tags.c.name)
        .join(tags, tags.c.id == tag_things.c.tag_id)
        .where(tag_things.c.kind == kind, tag_things.c.thing_id.in_(list(thing_ids)))
        .order_by(tags.c.name)
    )
    found: dict[str, tuple[str, ...]] = {}
    for thing, name in tx.execute(query):
        found[thing] = (*found.get(thing, ()), name)
    return found


def put_tags(tx: Tx, kind: ThingKind, thing_id: str, names: Iterable[str]) -> list[str]:
    """Make these the tags of a thing; answers the names that are no tag, and changes nothing then."""
    wanted = set(names)
    ids = {
        name: tag for tag, name in tx.execute(select(tags.c.id, tags.c.name).where(tags.c.name.in_(wanted)))
    }
    unknown = sorted(wanted - ids.keys())
    if not unknown:
        tx.execute(tag_things.delete().where(tag_things.c.kind == kind, tag_things.c.thing_id == thing_id))
        if ids:
            tx.execute(
                tag_things.insert(),
                [{"tag_id": tag, "kind": kind, "thing_id": thing_id} for tag in ids.values()],
            )
    return unknown


def existing_tags(tx: Tx, names: Iterable[str]) -> frozenset[str]:
    return frozenset(tx.execute(select(tags.c.name).where(tags.c.name.in_(list(names)))).scalars())


def visible_sites(tx: Tx, caller: Caller, names: Iterable[str]) -> dict[str, str]:
    """The ids of these sites by name, as far as they exist and the caller may see them."""
    query = select(sites.c.name, sites.c.id).where(
        sites.c.name.in_(list(names)), visible("site", sites.c.id, caller)
    )
    return {row.name: row.id for row in tx.execute(query)}
