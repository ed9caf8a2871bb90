"""Doors for those who look after a group: how far everybody is, and acts on all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.errors import Fault, Invalid
from alongside.hub import classroom
from alongside.hub.api.guard import caller, door, hub
from alongside.hub.doors import Tx
from alongside.spec.classroom import ClassAct, ClassGroup, ClassPage, Outcome

doors = APIBlueprint("classroom", __name__, tag="Classes")

Id = Annotated[str, Field(max_length=26)]
Tool = Annotated[str, Field(max_length=128)]


@dataclass(frozen=True)
class ClassQuery:
    #: the newest run of this tool; left out: of any interactive tool
    tool: Tool | None = None


@values.strict
@dataclass(frozen=True)
class ClassActBody:
    kind: ClassAct
    tool: Tool | None = None
    #: only these members; null: all
    accounts: Annotated[tuple[Id, ...] | None, Field(max_length=5000)] = None
    #: of extend
    seconds: Annotated[float, Field(gt=0, le=31_536_000)] | None = None
    #: of message
    title: Annotated[str, Field(max_length=200)] = ""
    text: Annotated[str, Field(max_length=4000)] = ""


@dataclass(frozen=True)
class ClassOutcome:
    #: for how many it was done
    done: int
    outcomes: tuple[Outcome, ...]


@door(doors, "GET", "/classes", answers={200: tuple[ClassGroup, ...]})
def list_classes(tx: Tx) -> tuple[ClassGroup, ...]:
    """Groups that you manage; all of them for administrators."""
    return tuple(classroom.groups(tx, caller()))


@door(
    doors,
    "GET",
    "/groups/<id>/class",
    query=ClassQuery,
    answers={200: ClassPage},
    problems=(errors.GroupUnknown,),
)
def get_class(tx: Tx, id: str, query: ClassQuery) -> ClassPage:
    """Of each member of a group that you manage: the newest run, and why it is not ready."""
    return classroom.page(tx, caller(), id, query.tool, hub().clock())


@door(
    doors,
    "POST",
    "/groups/<id>/class",
    needs="run",
    body=ClassActBody,
    answers={200: ClassOutcome},
    problems=(errors.GroupUnknown,),
    tx="none",
)
def act_on_class(id: str, body: ClassActBody) -> ClassOutcome:
    """Stop, extend or retry the runs of all members whom that concerns, or send all a message."""
    if body.kind == "extend" and body.seconds is None:
        raise Invalid([Fault("seconds", "is missing")])
    if body.kind == "message" and not body.title.strip():
        raise Invalid([Fault("title", "is missing")])
    with hub().database.read() as tx:
        members = classroom.concerned(
            tx, caller(), id, body.kind, hub().clock(), tool=body.tool, only=body.accounts
        )
    outcomes: list[Outcome] = []
    wish = {"seconds": body.seconds, "title": body.title, "text": body.text}
    for begin in range(0, len(members), classroom.ACTED_AT_ONCE):
        part = members[begin : begin + classroom.ACTED_AT_ONCE]
        with hub().database.write() as tx:
            outcomes += classroom.act(
                tx, caller(), id, body.kind, part, wish, hub().clock(), config=hub().config
            )
    return ClassOutcome(sum(outcome.ok for outcome in outcomes), tuple(outcomes))
