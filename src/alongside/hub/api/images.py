"""Doors for images that a site is to have before the first launch asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import images
from alongside.hub.api.guard import caller, door, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.images import ImagePull

doors = APIBlueprint("images", __name__, tag="Sites")


@values.strict
@dataclass(frozen=True)
class WantedImage:
    """Either an image, or a tool whose images are meant."""

    image: Annotated[str | None, Field(pattern=images.NAME_PATTERN)] = None
    #: name, or name@version
    tool: Annotated[str | None, Field(max_length=200)] = None


@door(
    doors,
    "GET",
    "/sites/<name>/images",
    needs="admin",
    query=Paging,
    answers={200: Page[ImagePull]},
    problems=(errors.SiteUnknown,),
)
def list_images(tx: Tx, name: str, query: Paging) -> Page[ImagePull]:
    """Images that were asked for in the last days, per runner: how far each is, or why it is not there."""
    return query.page(images.page(tx, caller(), name, query.after, query.fetch), lambda item: item.id)


@door(
    doors,
    "POST",
    "/sites/<name>/images",
    needs="admin",
    body=WantedImage,
    answers={202: Page[ImagePull]},
    problems=(errors.SiteUnknown, errors.ToolUnknown, errors.ToolVersionUnknown, errors.Conflict),
)
def pull_image(tx: Tx, name: str, body: WantedImage) -> Page[ImagePull]:
    """Have an image fetched by each runner of a site ahead of the first launch; one that is there is done."""
    found = images.pull(tx, caller(), name, hub().clock(), image=body.image, tool=body.tool)
    return Page(tuple(found))
