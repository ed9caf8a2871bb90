"""Doors for runners: they register here; people look at them and drain them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import sites
from alongside.hub.api.guard import caller, door, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.sites import Runner
from alongside.spec.wire import Registered, Registration

doors = APIBlueprint("runners", __name__, tag="Runners")

Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/=-]{0,62}$")]


@values.strict
@dataclass(frozen=True)
class RunnerEdit:
    """Members that are left out stay as they are."""

    #: finish what it has, take nothing new
    draining: bool | None = None
    #: labels beside those that it came with; tools, launches and classes may require them
    added_labels: Annotated[tuple[Label, ...], Field(max_length=100)] | None = None


@door(
    doors,
    "POST",
    "/runners/register",
    needs=None,
    body=Registration,
    answers={201: Registered},
    problems=(errors.Unauthenticated, errors.NameTaken),
)
def register_runner(tx: Tx, body: Registration) -> Registered:
    """Join a site with its registration token; the runner's own token is shown this once."""
    return sites.register(tx, body, hub().clock())


@door(doors, "GET", "/runners", query=Paging, answers={200: Page[Runner]})
def list_runners(tx: Tx, query: Paging) -> Page[Runner]:
    """Runners of the sites that I may use."""
    return query.page(sites.runner_page(tx, query.after, query.fetch, caller()), lambda runner: runner.id)


@door(doors, "GET", "/runners/<id>", answers={200: Runner}, problems=(errors.RunnerUnknown,))
def get_runner(tx: Tx, id: str) -> Runner:
    """One runner: what it can do, what is free, and (for administrators) what it runs."""
    return sites.runner(tx, id, caller())


@door(
    doors,
    "PATCH",
    "/runners/<id>",
    needs="admin",
    body=RunnerEdit,
    answers={200: Runner},
    problems=(errors.RunnerUnknown,),
)
def edit_runner(tx: Tx, id: str, body: RunnerEdit) -> Runner:
    """Drain a runner or let it take work again; put labels on it."""
    return sites.edit_runner(tx, id, draining=body.draining, added_labels=body.added_labels)


@door(
    doors,
    "DELETE",
    "/runners/<id>",
    needs="admin",
    answers={204: None},
    problems=(errors.RunnerUnknown, errors.InUse),
)
def delete_runner(tx: Tx, id: str) -> None:
    """Remove a runner that holds nothing; its token is refused from now on."""
    sites.remove_runner(tx, id)
