"""Doors to queued requests about runs: what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors
from alongside.hub import runs
from alongside.hub.api.guard import caller, door
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.runs import Action

doors = APIBlueprint("actions", __name__, tag="Runs")


@dataclass(frozen=True)
class ActionQuery(Paging):
    #: only actions on this run
    run: Annotated[str | None, Field(max_length=64)] = None


@door(doors, "GET", "/actions", query=ActionQuery, answers={200: Page[Action]}, problems=(errors.RunUnknown,))
def list_actions(tx: Tx, query: ActionQuery) -> Page[Action]:
    """Actions on my runs, newest first."""
    found = runs.actions(tx, caller(), run_id=query.run, after=query.after, limit=query.fetch)
    return query.page(found, lambda action: action.id)


@door(doors, "GET", "/actions/<action_id>", answers={200: Action}, problems=(errors.ActionUnknown,))
def get_action(tx: Tx, action_id: str) -> Action:
    """One action: its state, and why."""
    return runs.action(tx, caller(), action_id)
