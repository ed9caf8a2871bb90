"""Doors for tools: publish, list with where each can run, check a specification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apiflask import APIBlueprint

from alongside import errors
from alongside.errors import Fault
from alongside.hub import tools
from alongside.hub.api.guard import Answer, caller, door, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.tools import ToolVersion

doors = APIBlueprint("tools", __name__, tag="Tools")

YAML = {"application/yaml": tools.from_yaml}


@dataclass(frozen=True)
class Validation:
    ok: bool
    #: everything that is wrong, at once
    faults: tuple[Fault, ...]


@door(doors, "GET", "/tools", query=Paging, answers={200: Page[tools.Tool]})
def list_tools(tx: Tx, query: Paging) -> Page[tools.Tool]:
    """Tools that I may use, by name, each with where it can run."""
    found = tools.listing(tx, caller(), after=query.after, limit=query.fetch)
    return query.page(found, lambda tool: tool.name)


@door(
    doors,
    "POST",
    "/tools",
    needs="publish",
    body=dict[str, Any],
    readers=YAML,
    answers={201: ToolVersion, 200: ToolVersion},
    problems=(errors.VersionPublished,),
)
def publish_tool(tx: Tx, body: dict[str, Any]) -> Answer:
    """Publish a tool version (a ToolSpec, as JSON or YAML); 200 when the same one is published already."""
    version, new = tools.publish(tx, caller(), body, hub().clock())
    return Answer(version, 201 if new else 200)


@door(
    doors,
    "POST",
    "/tools/validate",
    body=dict[str, Any],
    readers=YAML,
    answers={200: Validation},
    tx="none",
)
def validate_tool(body: dict[str, Any]) -> Validation:
    """What is wrong with a specification; nothing is published."""
    try:
        tools.read(body)
    except errors.Invalid as error:
        return Validation(False, error.faults)
    return Validation(True, ())


@door(doors, "GET", "/tools/<name>", answers={200: tools.Tool}, problems=(errors.ToolUnknown,))
def get_tool(tx: Tx, name: str) -> tools.Tool:
    """One tool with its latest version and where it can run."""
    return tools.get(tx, caller(), name)


@door(
    doors,
    "DELETE",
    "/tools/<name>",
    needs="publish",
    answers={204: None},
    problems=(errors.ToolUnknown, errors.InUse),
)
def delete_tool(tx: Tx, name: str) -> None:
    """Forget a tool from which no run was made."""
    tools.delete(tx, caller(), name)


@door(
    doors,
    "GET",
    "/tools/<name>/versions/<version>",
    answers={200: ToolVersion},
    problems=(errors.ToolUnknown, errors.ToolVersionUnknown),
)
def get_tool_version(tx: Tx, name: str, version: str) -> ToolVersion:
    """One version of a tool."""
    return tools.find(tx, caller(), f"{name}@{version}")


@door(
    doors,
    "DELETE",
    "/tools/<name>/versions/<version>",
    needs="publish",
    answers={204: None},
    problems=(errors.ToolUnknown, errors.ToolVersionUnknown, errors.InUse),
)
def delete_tool_version(tx: Tx, name: str, version: str) -> None:
    """Forget a version from which no run was made; with its last version the tool goes too."""
    tools.delete_version(tx, caller(), name, version)
