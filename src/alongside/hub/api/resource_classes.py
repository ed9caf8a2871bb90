"""Doors for resource classes: the sizes of machine that a site offers, and to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import resource_classes
from alongside.hub.api.guard import caller, door, given, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.sites import ResourceClass
from alongside.spec.tools import Resources

doors = APIBlueprint("resource_classes", __name__, tag="Sites")

Title = Annotated[str, Field(max_length=200)]
Description = Annotated[str, Field(max_length=5000)]
Names = Annotated[tuple[Annotated[str, Field(max_length=128)], ...], Field(max_length=100)]
Lifetime = Annotated[float | None, Field(gt=0, le=31_536_000)]
Position = Annotated[int, Field(ge=0, le=10_000)]
PROBLEMS = (errors.SiteUnknown, errors.ResourceClassUnknown)


@values.strict
@dataclass(frozen=True)
class NewResourceClass:
    name: Annotated[str, Field(pattern=resource_classes.NAME_PATTERN)]
    cpus: Annotated[float, Field(gt=0, le=100_000)]
    memory_gb: Annotated[float, Field(gt=0, le=1_000_000)]
    gpus: Annotated[int, Field(ge=0, le=10_000)] = 0
    disk_gb: Annotated[float, Field(ge=0, le=10_000_000)] = 0.0
    title: Title = ""
    description: Description = ""
    #: null: no limit of its own
    lifetime_s: Lifetime = None
    #: labels of the runners that serve it
    labels: Names = ()
    #: names of groups and of account classes; both empty: everyone may use it
    groups: Names = ()
    account_classes: Names = ()
    position: Position = 0


@values.strict
@dataclass(frozen=True)
class ResourceClassEdit:
    """Members that are left out stay as they are; a lifetime of null takes the limit away."""

    cpus: Annotated[float | None, Field(gt=0, le=100_000)] = None
    memory_gb: Annotated[float | None, Field(gt=0, le=1_000_000)] = None
    gpus: Annotated[int | None, Field(ge=0, le=10_000)] = None
    disk_gb: Annotated[float | None, Field(ge=0, le=10_000_000)] = None
    title: Title | None = None
    description: Description | None = None
    lifetime_s: Lifetime = None
    labels: Names | None = None
    groups: Names | None = None
    account_classes: Names | None = None
    position: Position | None = None


SIZES = ("cpus", "memory_gb", "gpus", "disk_gb")


@door(
    doors,
    "GET",
    "/sites/<name>/classes",
    query=Paging,
    answers={200: Page[ResourceClass]},
    problems=(errors.SiteUnknown,),
)
def list_resource_classes(tx: Tx, name: str, query: Paging) -> Page[ResourceClass]:
    """The sizes of machine that a site offers; a preview of a launch says which of them I may use."""
    found = resource_classes.page(tx, caller(), name, query.after, query.fetch)
    return query.page(found, lambda item: item.id)


@door(
    doors,
    "POST",
    "/sites/<name>/classes",
    needs="admin",
    body=NewResourceClass,
    answers={201: ResourceClass},
    problems=(errors.SiteUnknown, errors.NameTaken),
)
def create_resource_class(tx: Tx, name: str, body: NewResourceClass) -> ResourceClass:
    """Offer a size of machine at a site. From the first one on, runs there have to fit into one."""
    members = {item: value for item, value in given(body).items() if item != "name" and item not in SIZES}
    members["resources"] = Resources(body.cpus, body.memory_gb, body.gpus, body.disk_gb)
    members["title"] = body.title or body.name
    return resource_classes.create(tx, name, body.name, members, hub().clock())


@door(
    doors,
    "GET",
    "/sites/<name>/classes/<class_name>",
    needs="admin",
    answers={200: ResourceClass},
    problems=PROBLEMS,
)
def get_resource_class(tx: Tx, name: str, class_name: str) -> ResourceClass:
    """One class of a site."""
    return resource_classes.get(tx, name, class_name)


@door(
    doors,
    "PATCH",
    "/sites/<name>/classes/<class_name>",
    needs="admin",
    body=ResourceClassEdit,
    answers={200: ResourceClass},
    problems=PROBLEMS,
)
def edit_resource_class(tx: Tx, name: str, class_name: str, body: ResourceClassEdit) -> ResourceClass:
    """Change a class; runs keep what they were given."""
    wanted = {item: value for item, value in given(body).items() if value is not None or item == "lifetime_s"}
    now = resource_classes.get(tx, name, class_name).resources
    sizes: dict[str, Any] = {item: wanted.pop(item, getattr(now, item)) for item in SIZES}
    return resource_classes.edit(tx, name, class_name, {**wanted, "resources": Resources(**sizes)})


@door(
    doors,
    "DELETE",
    "/sites/<name>/classes/<class_name>",
    needs="admin",
    answers={204: None},
    problems=PROBLEMS,
)
def delete_resource_class(tx: Tx, name: str, class_name: str) -> None:
    """Offer it no longer; runs that have it keep it."""
    resource_classes.remove(tx, name, class_name)
