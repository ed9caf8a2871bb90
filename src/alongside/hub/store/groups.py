"""Rows of groups and access tags: who is in which, and what carries which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, delete, insert, select, update

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import (
    datasets,
    group_members,
    groups,
    sites,
    tag_accounts,
    tag_groups,
    tag_things,
    tags,
    tools,
)
from alongside.hub.store.visibility import ThingKind
from alongside.spec.accounts import Group, Tag

#: what callers name each kind of thing by
NAMED_BY: dict[ThingKind, Column[str]] = {
    "dataset": datasets.c.id,
    "tool": tools.c.name,
    "site": sites.c.name,
}


def get(tx: Tx, group_id: str) -> Group | None:
    found = _groups(tx, groups.c.id == group_id)
    return found[0] if found else None


def by_name(tx: Tx, name: str) -> Group | None:
    found = _groups(tx, groups.c.name == name)
    return found[0] if found else None


def page(tx: Tx, after: str | None, limit: int) -> list[Group]:
    return _groups(tx, groups.c.id > (after or ""), limit)


def add(tx: Tx, group: Group) -> None:
    tx.execute(insert(groups).values(id=group.id, name=group.name, created_at=group.created_at))


def rename(tx: Tx, group_id: str, name: str) -> None:
    tx.execute(update(groups).where(groups.c.id == group_id).values(name=name))


def remove(tx: Tx, group_id: str) -> None:
    tx.execute(delete(groups).where(groups.c.id == group_id))


def add_member(tx: Tx, group_id: str, account_id: str) -> None:
    _link(tx, group_members, group_id=group_id, account_id=account_id)


def set_manager(tx: Tx, group_id: str, account_id: str, *, manager: bool) -> None:
    tx.execute(
        update(group_members)
        .where(group_members.c.group_id == group_id, group_members.c.account_id == account_id)
        .values(manager=manager)
    )


def managed(tx: Tx, account_id: str) -> list[str]:
    """Ids of the groups that this account manages."""
    query = select(group_members.c.group_id).where(
        group_members.c.account_id == account_id, group_members.c.manager.is_(True)
    )
    return list(tx.execute(query.order_by(group_members.c.group_id)).scalars())


def remove_member(tx: Tx, group_id: str, account_id: str) -> None:
    _unlink(tx, group_members, group_id=group_id, account_id=account_id)


def names_of(tx: Tx, account_id: str) -> tuple[str, ...]:
    """The groups that an account is in, by name."""
    return names_of_many(tx, [account_id]).get(account_id, ())


def names_of_many(tx: Tx, account_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Those of these accounts that are in groups."""
    query = (
        select(group_members.c.account_id, groups.c.name)
        .join(groups, groups.c.id == group_members.c.group_id)
        .where(group_members.c.account_id.in_(account_ids))
        .order_by(groups.c.name)
    )
    found: dict[str, tuple[str, ...]] = {}
    for row in tx.execute(query):
        found[row.account_id] = (*found.get(row.account_id, ()), row.name)
    return found


def tag(tx: Tx, tag_id: str) -> Tag | None:
    found = _tags(tx, tags.c.id == tag_id)
    return found[0] if found else None


def tag_named(tx: Tx, name: str) -> Tag | None:
    found = _tags(tx, tags.c.name == name)
    return found[0] if found else None


def tag_page(tx: Tx, after: str | None, limit: int) -> list[Tag]:
    return _tags(tx, tags.c.id > (after or ""), limit)


def add_tag(tx: Tx, new: Tag) -> None:
    tx.execute(
        insert(tags).values(id=new.id, name=new.name, description=new.description, created_at=new.created_at)
    )


def change_tag(tx: Tx, tag_id: str, members: dict[str, Any]) -> None:
    if members:
        tx.execute(update(tags).where(tags.c.id == tag_id).values(**members))


def remove_tag(tx: Tx, tag_id: str) -> None:
    tx.execute(delete(tags).where(tags.c.id == tag_id))


def grant_to_account(tx: Tx, tag_id: str, account_id: str) -> None:
    _link(tx, tag_accounts, tag_id=tag_id, account_id=account_id)


def take_from_account(tx: Tx, tag_id: str, account_id: str) -> None:
    _unlink(tx, tag_accounts, tag_id=tag_id, account_id=account_id)


def grant_to_group(tx: Tx, tag_id: str, group_id: str) -> None:
    _link(tx, tag_groups, tag_id=tag_id, group_id=group_id)


def take_from_group(tx: Tx, tag_id: str, group_id: str) -> None:
    _unlink(tx, tag_groups, tag_id=tag_id, group_id=group_id)


def put_on(tx: Tx, tag_id: str, kind: ThingKind, thing_id: str) -> None:
    _link(tx, tag_things, tag_id=tag_id, kind=kind, thing_id=thing_id)


def take_off(tx: Tx, tag_id: str, kind: ThingKind, thing_id: str) -> None:
    _unlink(tx, tag_things, tag_id=tag_id, kind=kind, thing_id=thing_id)


def thing_id(tx: Tx, kind: ThingKind, name: str) -> str | None:
    """The id of what callers call `name`: a tool or a site by its name, a dataset by its id."""
    named_by = NAMED_BY[kind]
    return tx.execute(select(named_by.table.c.id).where(named_by == name)).scalar()


def _link(tx: Tx, table: Table, **keys: str) -> None:
    there = [table.c[name] == value for name, value in keys.items()]
    if tx.execute(select(table).where(*there)).first() is None:
        tx.execute(insert(table).values(**keys))


def _unlink(tx: Tx, table: Table, **keys: str) -> None:
    tx.execute(delete(table).where(*(table.c[name] == value for name, value in keys.items())))


def _groups(tx: Tx, condition: ColumnElement[bool], limit: int | None = None) -> list[Group]:
    rows = tx.execute(select(groups).where(condition).order_by(groups.c.id).limit(limit)).all()
    ids = [row.id for row in rows]
    members = _lists(tx, group_members, "group_id", "account_id", ids)
    managers = _lists(tx, group_members, "group_id", "account_id", ids, group_members.c.manager.is_(True))
    return [
        Group(row.id, row.name, row.created_at, members.get(row.id, ()), managers.get(row.id, ()))
        for row in rows
    ]


def _tags(tx: Tx, condition: ColumnElement[bool], limit: int | None = None) -> list[Tag]:
    rows = tx.execute(select(tags).where(condition).order_by(tags.c.id).limit(limit)).all()
    ids = [row.id for row in rows]
    accounts_of = _lists(tx, tag_accounts, "tag_id", "account_id", ids)
    groups_of = _lists(tx, tag_groups, "tag_id", "group_id", ids)
    things: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for kind, named_by in sorted(NAMED_BY.items()):
        query = (
            select(tag_things.c.tag_id, named_by.label("name"))
            .join(tag_things, (tag_things.c.kind == kind) & (tag_things.c.thing_id == named_by.table.c.id))
            .where(tag_things.c.tag_id.in_(ids))
        )
        for row in tx.execute(query.order_by(named_by)):
            things[row.tag_id].append((kind, row.name))
    return [
        Tag(
            row.id,
            row.name,
            row.description,
            row.created_at,
            accounts_of.get(row.id, ()),
            groups_of.get(row.id, ()),
            tuple(things[row.id]),
        )
        for row in rows
    ]


def _lists(
    tx: Tx, table: Table, key: str, value: str, ids: Collection[str], *more: ColumnElement[bool]
) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    query = select(table).where(table.c[key].in_(ids), *more).order_by(table.c[value])
    for row in tx.execute(query).mappings():
        found[row[key]] += (row[value],)
    return dict(found)
