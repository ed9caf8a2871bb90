"""Doors for access tags: granted to people and groups, put on datasets, tools and sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast, get_args

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import accounts, files
from alongside.hub.api.guard import door, given, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.accounts import Tag

doors = APIBlueprint("tags", __name__, tag="Access tags")

Label = Annotated[str, Field(pattern=accounts.LABEL_PATTERN)]
Description = Annotated[str, Field(max_length=2000)]


@values.strict
@dataclass(frozen=True)
class NewTag:
    name: Label
    description: Description = ""


@values.strict
@dataclass(frozen=True)
class TagEdit:
    """Members that are left out stay as they are."""

    name: Label | None = None
    description: Description | None = None


@door(doors, "GET", "/tags", needs="admin", query=Paging, answers={200: Page[Tag]})
def list_tags(tx: Tx, query: Paging) -> Page[Tag]:
    """All access tags, with who holds them and what carries them."""
    return query.page(accounts.tag_page(tx, query.after, query.fetch), lambda tag: tag.id)


@door(doors, "POST", "/tags", needs="admin", body=NewTag, answers={201: Tag}, problems=(errors.NameTaken,))
def create_tag(tx: Tx, body: NewTag) -> Tag:
    """Make an access tag that nobody holds yet."""
    return accounts.create_tag(tx, body.name, body.description, hub().clock())


@door(doors, "GET", "/tags/<id>", needs="admin", answers={200: Tag}, problems=(errors.TagUnknown,))
def get_tag(tx: Tx, id: str) -> Tag:
    """One access tag."""
    return accounts.get_tag(tx, id)


@door(
    doors,
    "PATCH",
    "/tags/<id>",
    needs="admin",
    body=TagEdit,
    answers={200: Tag},
    problems=(errors.TagUnknown, errors.NameTaken),
)
def edit_tag(tx: Tx, id: str, body: TagEdit) -> Tag:
    """Change a tag's name or description."""
    return accounts.edit_tag(
        tx, id, {name: value for name, value in given(body).items() if value is not None}
    )


@door(
    doors,
    "DELETE",
    "/tags/<id>",
    needs="admin",
    answers={204: None},
    problems=(errors.TagUnknown, errors.InUse),
)
def delete_tag(tx: Tx, id: str) -> None:
    """Remove a tag that nothing carries any more."""
    accounts.remove_tag(tx, id)


@door(
    doors,
    "PUT",
    "/tags/<id>/accounts/<account_id>",
    needs="admin",
    answers={200: Tag},
    problems=(errors.TagUnknown, errors.AccountUnknown),
)
def grant_tag_to_account(tx: Tx, id: str, account_id: str) -> Tag:
    """Grant a tag to a person."""
    return accounts.grant_to_account(tx, id, account_id)


@door(
    doors,
    "DELETE",
    "/tags/<id>/accounts/<account_id>",
    needs="admin",
    answers={200: Tag},
    problems=(errors.TagUnknown,),
)
def take_tag_from_account(tx: Tx, id: str, account_id: str) -> Tag:
    """Take a tag from a person."""
    tag = accounts.take_from_account(tx, id, account_id)
    files.left(tx, account_id, hub().clock())
    return tag


@door(
    doors,
    "PUT",
    "/tags/<id>/groups/<group_id>",
    needs="admin",
    answers={200: Tag},
    problems=(errors.TagUnknown, errors.GroupUnknown),
)
def grant_tag_to_group(tx: Tx, id: str, group_id: str) -> Tag:
    """Grant a tag to everyone in a group."""
    return accounts.grant_to_group(tx, id, group_id)


@door(
    doors,
    "DELETE",
    "/tags/<id>/groups/<group_id>",
    needs="admin",
    answers={200: Tag},
    problems=(errors.TagUnknown,),
)
def take_tag_from_group(tx: Tx, id: str, group_id: str) -> Tag:
    """Take a tag from a group."""
    tag = accounts.take_from_group(tx, id, group_id)
    for member in accounts.get_group(tx, group_id).members:
        files.left(tx, member, hub().clock())
    return tag


@door(
    doors,
    "PUT",
    "/tags/<id>/things/<kind>/<thing>",
    needs="admin",
    answers={200: Tag},
    problems=(errors.TagUnknown, errors.NotFound),
)
def put_tag_on(tx: Tx, id: str, kind: str, thing: str) -> Tag:
    """Put a tag on a dataset (by id), tool or site (by name): only its holders see it from now on."""
    return accounts.put_tag_on(tx, id, _kind(kind), thing)


@door(
    doors,
    "DELETE",
    "/tags/<id>/things/<kind>/<thing>",
    needs="admin",
    answers={200: Tag},
    problems=(errors.TagUnknown, errors.NotFound),
)
def take_tag_off(tx: Tx, id: str, kind: str, thing: str) -> Tag:
    """Take a tag off a dataset (by id), tool or site (by name)."""
    return accounts.take_tag_off(tx, id, _kind(kind), thing)


def _kind(text: str) -> accounts.ThingKind:
    if text not in get_args(accounts.ThingKind):
        raise errors.NotFound(f"tags are put on {', '.join(get_args(accounts.ThingKind))}, not on {text!r}")
    return cast(accounts.ThingKind, text)
