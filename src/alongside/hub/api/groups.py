"""Doors for groups of people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import accounts, files, shares
from alongside.hub.api.guard import door, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.accounts import Group

doors = APIBlueprint("groups", __name__, tag="Groups")


@values.strict
@dataclass(frozen=True)
class GroupBody:
    name: Annotated[str, Field(pattern=accounts.LABEL_PATTERN)]


@values.strict
@dataclass(frozen=True)
class Membership:
    #: managers see and steer what the group does; null leaves it as it is
    manager: bool | None = None


@door(doors, "GET", "/groups", needs="admin", query=Paging, answers={200: Page[Group]})
def list_groups(tx: Tx, query: Paging) -> Page[Group]:
    """All groups with the ids of their members."""
    return query.page(accounts.group_page(tx, query.after, query.fetch), lambda group: group.id)


@door(
    doors,
    "POST",
    "/groups",
    needs="admin",
    body=GroupBody,
    answers={201: Group},
    problems=(errors.NameTaken,),
)
def create_group(tx: Tx, body: GroupBody) -> Group:
    """Make an empty group."""
    return accounts.create_group(tx, body.name, hub().clock())


@door(doors, "GET", "/groups/<id>", needs="admin", answers={200: Group}, problems=(errors.GroupUnknown,))
def get_group(tx: Tx, id: str) -> Group:
    """One group."""
    return accounts.get_group(tx, id)


@door(
    doors,
    "PATCH",
    "/groups/<id>",
    needs="admin",
    body=GroupBody,
    answers={200: Group},
    problems=(errors.GroupUnknown, errors.NameTaken),
)
def edit_group(tx: Tx, id: str, body: GroupBody) -> Group:
    """Rename a group."""
    before = accounts.get_group(tx, id)
    renamed = accounts.rename_group(tx, id, body.name)
    if renamed.name != before.name:
        _take_back_drives(tx, before)
    return renamed


@door(doors, "DELETE", "/groups/<id>", needs="admin", answers={204: None}, problems=(errors.GroupUnknown,))
def delete_group(tx: Tx, id: str) -> None:
    """Remove a group; its members stay, without what they had through it."""
    group = accounts.get_group(tx, id)
    shares.group_removed(tx, id, hub().clock())
    accounts.remove_group(tx, id)
    _take_back_drives(tx, group)


@door(
    doors,
    "PUT",
    "/groups/<id>/members/<account_id>",
    needs="admin",
    body=Membership,
    body_optional=True,
    answers={200: Group},
    problems=(errors.GroupUnknown, errors.AccountUnknown),
)
def add_group_member(tx: Tx, id: str, account_id: str, body: Membership) -> Group:
    """Put a person into a group, or make a member its manager."""
    return accounts.add_member(tx, id, account_id, manager=body.manager)


@door(
    doors,
    "DELETE",
    "/groups/<id>/members/<account_id>",
    needs="admin",
    answers={200: Group},
    problems=(errors.GroupUnknown,),
)
def remove_group_member(tx: Tx, id: str, account_id: str) -> Group:
    """Take a person out of a group."""
    left = accounts.remove_member(tx, id, account_id)
    shares.left_group(tx, id, account_id, hub().clock())
    files.left(tx, account_id, hub().clock(), group=left.name)
    return left


def _take_back_drives(tx: Tx, group: Group) -> None:
    """The folder of a group goes by its name."""
    for member in group.members:
        files.left(tx, member, hub().clock(), group=group.name)
