"""Homes: one per account and site, their sizes, their snapshots, and the folders they begin with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

HomeState = Literal["making", "ready", "failed"]
SnapshotState = Literal["making", "ready", "failed", "removing"]
#: `before_restore`: what a restore would otherwise have overwritten
SnapshotKind = Literal["manual", "before_restore"]
#: what a runner is asked to do with a home
Act = Literal["make", "repair", "measure", "snapshot", "restore", "forget", "remove"]

#: stands for the name of the account
NAME = "@@"
FOLDERS_MAX = 200
DEPTH_MAX = 16


@dataclass(frozen=True)
class Home:
    id: str
    account: str
    account_name: str
    #: name and title of the site
    site: str
    site_title: str
    #: `failed`: it could not be made or repaired; tools start all the same where they can
    state: HomeState
    reason: str
    #: whom its files belong to at the site; null until it is known
    uid: int | None
    gid: int | None
    #: null until it was measured
    size_bytes: int | None
    files: int | None
    #: null: no limit
    quota_bytes: int | None
    measured_at: datetime | None
    created_at: datetime
    #: what is being done with it now; empty: nothing
    busy: Act | Literal[""] = ""
    #: of that: 0 to 100, and in words
    progress: float = 0.0
    message: str = ""

    @property
    def is_full(self) -> bool:
        return (
            self.size_bytes is not None
            and self.quota_bytes is not None
            and self.size_bytes >= self.quota_bytes
        )


@dataclass(frozen=True)
class Snapshot:
    id: str
    home: str
    name: str
    kind: SnapshotKind
    state: SnapshotState
    reason: str
    created_at: datetime
    size_bytes: int | None = None
    files: int | None = None
    #: it shares its blocks with the home, and takes no room until these change
    shares_blocks: bool = False


def hierarchy(text: str, name: str) -> tuple[str, ...]:
    """Folders that a home begins with, from JSON: `{"ShinyApps": {"4.2": {}}}` or `["ShinyApps/4.2"]`.

    `@@` stands for the account's name. Each folder comes after the one it is in.

    Raises:
        ValueError: naming what is wrong.
    """
    if not text.strip():
        return ()
    try:
        template = json.loads(text)
    except ValueError as error:
        raise ValueError(f"the folders of a home are not JSON: {error}") from None
    found = dict.fromkeys(path.replace(NAME, name) for path in _paths(template, ()))
    if len(found) > FOLDERS_MAX:
        raise ValueError(f"a home begins with at most {FOLDERS_MAX} folders, not {len(found)}")
    return tuple(found)


def _paths(template: Any, above: tuple[str, ...]) -> Iterator[str]:
    if len(above) > DEPTH_MAX:
        raise ValueError(f"the folders of a home are more than {DEPTH_MAX} deep")
    if isinstance(template, dict):
        for name, below in cast(dict[str, Any], template).items():
            parts = (*above, *_parts(name))
            yield "/".join(parts)
            yield from _paths({} if below is None else below, parts)
    elif isinstance(template, list):
        for item in cast(list[Any], template):
            if isinstance(item, str):
                yield "/".join((*above, *_parts(item)))
            else:
                yield from _paths(item, above)
    else:
        raise ValueError(f"{template!r} is no folder: write names with {{}} or a list of paths")


def _parts(path: str) -> list[str]:
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part or len(part.encode()) > 200 for part in parts):
        raise ValueError(f"{path!r} cannot be a folder in a home")
    return parts
