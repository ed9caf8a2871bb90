"""Tools as published: versions never change, and each tool is listed with where it can run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alongside import values
from alongside.errors import Forbidden, InUse, ToolUnknown, ToolVersionUnknown, VersionPublished
from alongside.hub import sites
from alongside.hub.store import changes, visibility
from alongside.hub.store import tools as store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.hub.tools.documents import read
from alongside.spec.accounts import Caller
from alongside.spec.runnable import Runnable, runnable
from alongside.spec.sites import Site
from alongside.spec.tools import ToolKind, ToolSpec, ToolVersion

SITES_SHOWN = 1000


@dataclass(frozen=True)
class Tool:
    """A tool as its card shows it."""

    name: str
    title: str
    description: str
    icon: str
    kind: ToolKind
    #: the version published last
    latest: ToolVersion
    #: newest first
    versions: tuple[str, ...]
    tags: tuple[str, ...]
    runnable: Runnable


def publish(tx: Tx, caller: Caller, document: Any, now: datetime) -> tuple[ToolVersion, bool]:
    """Make a tool version known; the same contents again give the same version, and False.

    Raises:
        Invalid: naming every fault.
        VersionPublished: this version exists with other contents; versions never change.
        Forbidden: the tool is another account's.
    """
    spec = read(document)
    digest = _digest(spec)
    tool = store.tool_id(tx, spec.name)
    if tool is None:
        tool = new_id(now)
        store.add_tool(tx, tool, spec.name, now)
    else:
        _refuse_stranger(tx, caller, tool, spec.name)
        earlier = store.version(tx, caller, spec.name, spec.version)
        if earlier is not None:
            if earlier.digest == digest:
                return earlier, False
            raise VersionPublished(
                f"{spec.name} {spec.version} is published with other contents; choose another version"
            )
    tags = visibility.tag_names(tx, "tool", [tool]).get(tool, ())
    published = ToolVersion(new_id(now), spec, now, caller.account.id, tags, digest)
    store.add_version(tx, tool, published)
    changes.note(tx, "tool", spec.name)
    return published, True


def find(tx: Tx, caller: Caller, wanted: str) -> ToolVersion:
    """The version that `name` (the latest one) or `name@version` means.

    Raises:
        ToolUnknown, ToolVersionUnknown: naming those that there are.
    """
    name, at, number = wanted.partition("@")
    known = store.versions(tx, caller, [name])
    if not known:
        raise ToolUnknown(f"there is no tool {name!r}", tool=name)
    if not at:
        return known[0]
    found = next((item for item in known if item.spec.version == number), None)
    if found is None:
        numbers = [item.spec.version for item in known]
        raise ToolVersionUnknown(
            f"the tool {name} has no version {number!r}; it has {', '.join(numbers[:5])}", versions=numbers
        )
    return found


def get(tx: Tx, caller: Caller, name: str) -> Tool:
    known = store.versions(tx, caller, [name])
    if not known:
        raise ToolUnknown(f"there is no tool {name!r}", tool=name)
    return _tool(known, sites.page(tx, None, SITES_SHOWN, caller))


def listing(tx: Tx, caller: Caller, *, after: str | None = None, limit: int = 100) -> list[Tool]:
    """Tools in order of their names, each with where it can run."""
    places = sites.page(tx, None, SITES_SHOWN, caller)
    grouped: dict[str, list[ToolVersion]] = {}
    for version in store.versions(tx, caller, store.names(tx, caller, after=after, limit=limit)):
        grouped.setdefault(version.spec.name, []).append(version)
    return [_tool(known, places) for known in grouped.values()]


def delete(tx: Tx, caller: Caller, name: str) -> None:
    """Forget a tool with all its versions.

    Raises:
        InUse: runs were made from it; their history needs it.
    """
    known = store.versions(tx, caller, [name])
    tool = store.tool_id(tx, name)
    if not known or tool is None:
        raise ToolUnknown(f"there is no tool {name!r}", tool=name)
    _refuse_stranger(tx, caller, tool, name)
    _refuse_used(tx, name, known)
    visibility.put_tags(tx, "tool", tool, ())
    store.remove_tool(tx, tool)
    changes.note(tx, "tool", name)


def delete_version(tx: Tx, caller: Caller, name: str, number: str) -> None:
    """Forget one version; with its last version the tool goes too."""
    if len(store.versions(tx, caller, [name])) == 1:
        find(tx, caller, f"{name}@{number}")
        delete(tx, caller, name)
        return
    version = find(tx, caller, f"{name}@{number}")
    _refuse_stranger(tx, caller, store.tool_id(tx, name) or "", name)
    _refuse_used(tx, f"{name} {number}", [version])
    store.remove_version(tx, version.id)
    changes.note(tx, "tool", name)


def _tool(known: list[ToolVersion], places: Iterable[Site]) -> Tool:
    latest = known[0]
    return Tool(
        name=latest.spec.name,
        title=latest.spec.title or latest.spec.name,
        description=latest.spec.description,
        icon=latest.spec.icon,
        kind=latest.spec.kind,
        latest=latest,
        versions=tuple(item.spec.version for item in known),
        tags=latest.tags,
        runnable=runnable(latest.spec, tuple(places)),
    )


_LATER_MEMBERS = {"lifetime_s": None, "idle_s": None, "activity": "traffic"}


def _digest(spec: ToolSpec) -> str:
    document = values.dump(spec)
    for name, blank in _LATER_MEMBERS.items():
        # What was published before there was such a member is the same document still.
        if document.get(name) == blank:
            del document[name]
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse_stranger(tx: Tx, caller: Caller, tool: str, name: str) -> None:
    if not caller.is_admin and store.first_publisher(tx, tool) != caller.account.id:
        raise Forbidden(f"the tool {name} belongs to another account; publish yours under another name")


def _refuse_used(tx: Tx, what: str, versions: list[ToolVersion]) -> None:
    count = store.runs_of(tx, [version.id for version in versions])
    if count:
        runs = "one run was" if count == 1 else f"{count} runs were"
        raise InUse(f"{runs} made from {what}; delete them first", runs=count)
