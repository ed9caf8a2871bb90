"""Groups of people and access tags: who may see what."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

from alongside.errors import Fault, GroupUnknown, InUse, Invalid, NameTaken, NotFound, TagUnknown
from alongside.hub.accounts import people
from alongside.hub.store import changes
from alongside.hub.store import groups as store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.hub.store.visibility import ThingKind as ThingKind
from alongside.spec.accounts import Caller, Group, Tag

LABEL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,99}$"
"""Names of groups and tags."""
#: in a message, of the things that carry a tag
NAMED_MAX = 5


def may_see(caller: Caller, tags: Collection[str]) -> bool:
    """The rule of visibility: what carries tags is seen by those who hold one of them."""
    return caller.is_admin or not tags or not caller.tags.isdisjoint(tags)


def create_group(tx: Tx, name: str, now: datetime) -> Group:
    """
    Raises:
        Invalid, NameTaken
    """
    _check(name)
    if store.by_name(tx, name):
        raise NameTaken(f"there is a group {name!r} already")
    group = Group(new_id(now), name, now)
    store.add(tx, group)
    return group


def get_group(tx: Tx, group_id: str) -> Group:
    """
    Raises:
        GroupUnknown: there is none.
    """
    group = store.get(tx, group_id)
    if group is None:
        raise GroupUnknown
    return group


def group_page(tx: Tx, after: str | None, limit: int) -> list[Group]:
    return store.page(tx, after, limit)


def rename_group(tx: Tx, group_id: str, name: str) -> Group:
    _check(name)
    group, other = get_group(tx, group_id), store.by_name(tx, name)
    if other is not None and other.id != group.id:
        raise NameTaken(f"there is a group {name!r} already")
    store.rename(tx, group_id, name)
    return get_group(tx, group_id)


def remove_group(tx: Tx, group_id: str) -> None:
    get_group(tx, group_id)
    store.remove(tx, group_id)
    _tell_placement(tx)


def add_member(tx: Tx, group_id: str, account_id: str, *, manager: bool | None = None) -> Group:
    """`manager` None leaves it as it is."""
    get_group(tx, group_id)
    people.get(tx, account_id)
    store.add_member(tx, group_id, account_id)
    if manager is not None:
        store.set_manager(tx, group_id, account_id, manager=manager)
    _tell_placement(tx)
    return get_group(tx, group_id)


def remove_member(tx: Tx, group_id: str, account_id: str) -> Group:
    get_group(tx, group_id)
    store.remove_member(tx, group_id, account_id)
    _tell_placement(tx)
    return get_group(tx, group_id)


def managed_groups(tx: Tx, account_id: str) -> list[str]:
    """Ids of the groups that this account manages."""
    return store.managed(tx, account_id)


def create_tag(tx: Tx, name: str, description: str, now: datetime) -> Tag:
    """
    Raises:
        Invalid, NameTaken
    """
    _check(name)
    if store.tag_named(tx, name):
        raise NameTaken(f"there is a tag {name!r} already")
    tag = Tag(new_id(now), name, description, now)
    store.add_tag(tx, tag)
    return tag


def get_tag(tx: Tx, tag_id: str) -> Tag:
    """
    Raises:
        TagUnknown: there is none.
    """
    tag = store.tag(tx, tag_id)
    if tag is None:
        raise TagUnknown
    return tag


def tag_page(tx: Tx, after: str | None, limit: int) -> list[Tag]:
    return store.tag_page(tx, after, limit)


def edit_tag(tx: Tx, tag_id: str, members: dict[str, Any]) -> Tag:
    tag = get_tag(tx, tag_id)
    if "name" in members:
        _check(members["name"])
        other = store.tag_named(tx, members["name"])
        if other is not None and other.id != tag.id:
            raise NameTaken(f"there is a tag {members['name']!r} already")
    store.change_tag(tx, tag_id, members)
    return get_tag(tx, tag_id)


def remove_tag(tx: Tx, tag_id: str) -> None:
    """
    Raises:
        TagUnknown: there is none.
        InUse: something carries it, which would be visible to everyone if this were its only one.
    """
    tag = get_tag(tx, tag_id)
    if tag.things:
        named = ", ".join(f"{kind} {name}" for kind, name in tag.things[:NAMED_MAX])
        more = len(tag.things) - NAMED_MAX
        named += f" and {more} more" if more > 0 else ""
        raise InUse(f"the tag {tag.name} is still on {named}; take it off first")
    store.remove_tag(tx, tag_id)
    _tell_placement(tx)


def grant_to_account(tx: Tx, tag_id: str, account_id: str) -> Tag:
    get_tag(tx, tag_id)
    people.get(tx, account_id)
    store.grant_to_account(tx, tag_id, account_id)
    _tell_placement(tx)
    return get_tag(tx, tag_id)


def take_from_account(tx: Tx, tag_id: str, account_id: str) -> Tag:
    get_tag(tx, tag_id)
    store.take_from_account(tx, tag_id, account_id)
    _tell_placement(tx)
    return get_tag(tx, tag_id)


def grant_to_group(tx: Tx, tag_id: str, group_id: str) -> Tag:
    get_tag(tx, tag_id)
    get_group(tx, group_id)
    store.grant_to_group(tx, tag_id, group_id)
    _tell_placement(tx)
    return get_tag(tx, tag_id)


def take_from_group(tx: Tx, tag_id: str, group_id: str) -> Tag:
    get_tag(tx, tag_id)
    store.take_from_group(tx, tag_id, group_id)
    _tell_placement(tx)
    return get_tag(tx, tag_id)


def put_tag_on(tx: Tx, tag_id: str, kind: ThingKind, thing: str) -> Tag:
    """`thing` is the name of a tool or site, or the id of a dataset.

    Raises:
        TagUnknown: there is no such tag.
        NotFound: there is no such thing.
    """
    get_tag(tx, tag_id)
    store.put_on(tx, tag_id, kind, _thing_id(tx, kind, thing))
    _tell_placement(tx)
    return get_tag(tx, tag_id)


def take_tag_off(tx: Tx, tag_id: str, kind: ThingKind, thing: str) -> Tag:
    """As `put_tag_on`."""
    get_tag(tx, tag_id)
    store.take_off(tx, tag_id, kind, _thing_id(tx, kind, thing))
    _tell_placement(tx)
    return get_tag(tx, tag_id)


def _tell_placement(tx: Tx) -> None:
    """The dispatcher knows by heart who may use which site."""
    changes.note(tx, "site", "")


def _thing_id(tx: Tx, kind: ThingKind, thing: str) -> str:
    found = store.thing_id(tx, kind, thing)
    if found is None:
        raise NotFound(
            f"no dataset has the id {thing}" if kind == "dataset" else f"there is no {kind} {thing!r}"
        )
    return found


def _check(name: str) -> None:
    if not re.fullmatch(LABEL_PATTERN, name):
        raise Invalid([Fault("name", "use at most 100 letters, digits, spaces and . - _ /")])
