"""Doors to banners: what everybody is shown above every page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import AwareDatetime, Field

from alongside import errors, values
from alongside.hub import banners
from alongside.hub.api.guard import door, given, hub
from alongside.hub.doors import Tx
from alongside.spec.banners import Banner, Level

doors = APIBlueprint("banners", __name__, tag="Status")

Text = Annotated[str, Field(min_length=1, max_length=banners.TEXT_MAX)]
Site = Annotated[str, Field(max_length=128)]


@values.strict
@dataclass(frozen=True)
class BannerBody:
    text: Text
    level: Level = "info"
    site: Site | None = None
    #: null: now
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    no_launch_from: AwareDatetime | None = None
    #: also send a notice to those who have something running there
    tell: bool = False


@values.strict
@dataclass(frozen=True)
class BannerEdit:
    """Members that are left out stay as they are."""

    text: Text | None = None
    level: Level | None = None
    ends_at: AwareDatetime | None = None
    no_launch_from: AwareDatetime | None = None


@door(doors, "GET", "/banners", needs=None, answers={200: tuple[Banner, ...]})
def list_banners(tx: Tx) -> tuple[Banner, ...]:
    """What is shown now. Everybody may ask."""
    return tuple(banners.shown(tx, hub().clock()))


@door(doors, "GET", "/banners/all", needs="admin", answers={200: tuple[Banner, ...]})
def list_all_banners(tx: Tx) -> tuple[Banner, ...]:
    """What is shown now or later."""
    return tuple(banners.current(tx, hub().clock()))


@door(
    doors,
    "POST",
    "/banners",
    needs="admin",
    body=BannerBody,
    answers={201: Banner},
    problems=(errors.SiteUnknown,),
)
def create_banner(tx: Tx, body: BannerBody) -> Banner:
    """Show everybody something; from `no_launch_from` on, nothing new is launched there."""
    return banners.create(
        tx,
        hub().clock(),
        level=body.level,
        text=body.text,
        site=body.site,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        no_launch_from=body.no_launch_from,
        tell=body.tell,
    )


@door(
    doors,
    "PATCH",
    "/banners/<id>",
    needs="admin",
    body=BannerEdit,
    answers={200: Banner},
    problems=(errors.BannerUnknown, errors.SiteUnknown),
)
def edit_banner(tx: Tx, id: str, body: BannerEdit) -> Banner:
    """Change the words or the times; null takes a time away."""
    members = given(body)
    for name in ("text", "level"):
        if members.get(name, "") is None:
            members.pop(name)
    return banners.edit(tx, id, members)


@door(doors, "DELETE", "/banners/<id>", needs="admin", answers={204: None}, problems=(errors.BannerUnknown,))
def delete_banner(tx: Tx, id: str) -> None:
    """Take a banner down; what it forbade is allowed again."""
    banners.remove(tx, id)
