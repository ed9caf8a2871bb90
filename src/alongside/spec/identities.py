"""Who an account is at a site: a uid, a gid and groups, by which its file systems allow and refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Source = Literal["assigned", "table", "nss", "single"]
"""`assigned`: one uid per account, given by the runner; `table`: as the site wrote down; `nss`: as the
machine knows people (files, LDAP); `single`: everybody is the same."""

SOURCES: tuple[Source, ...] = ("assigned", "table", "nss", "single")

#: the numbers that the kernel keeps for itself
ID_MAX = 4_294_967_294
_NAME = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._@-]{0,127}")


@dataclass(frozen=True)
class Identity:
    """`groups` maps names to gids beside the account's own gid."""

    uid: int
    gid: int
    groups: tuple[tuple[str, int], ...] = ()

    @property
    def gids(self) -> tuple[int, ...]:
        """Supplementary groups as the kernel takes them."""
        return tuple(sorted({gid for _, gid in self.groups} - {self.gid}))


@dataclass(frozen=True)
class Folder:
    """A folder of the site that the members of one group see."""

    group: str
    path: str
    read_only: bool = False

    @property
    def place(self) -> str:
        """Where it is, relative to the home."""
        return f"{'shared' if self.read_only else 'groups'}/{self.group}"


def table(lines: Iterable[str]) -> dict[str, Identity]:
    """Entries `name:uid:gid[:group=gid group=gid …]`; blank lines and those from # on count for nothing.

    Raises:
        ValueError: naming the entry that is wrong.
    """
    found: dict[str, Identity] = {}
    for line in lines:
        text = line.partition("#")[0].strip()
        if not text:
            continue
        parts = [part.strip() for part in text.split(":")]
        if len(parts) not in (3, 4) or not _NAME.fullmatch(parts[0]):
            raise ValueError(f"{text!r} is not name:uid:gid or name:uid:gid:group=gid …")
        if parts[0] in found:
            raise ValueError(f"{parts[0]} is in the table twice")
        groups = re.split(r"[\s;+]+", parts[3]) if len(parts) == 4 and parts[3] else []
        found[parts[0]] = Identity(
            _number(parts[1], text), _number(parts[2], text), tuple(_group(item, text) for item in groups)
        )
    return found


def folders(entries: Iterable[str]) -> tuple[Folder, ...]:
    """Entries `group=/path` and `group=/path:ro`.

    Raises:
        ValueError: naming the entry that is wrong.
    """
    found: list[Folder] = []
    for entry in entries:
        group, equals, path = entry.partition("=")
        read_only = path.endswith(":ro")
        path = path.removesuffix(":ro").removesuffix(":rw")
        if not equals or not _NAME.fullmatch(group) or not path.startswith("/") or "\0" in path:
            raise ValueError(f"{entry!r} is not group=/folder or group=/folder:ro")
        made = Folder(group, path, read_only)
        if any(made.place == other.place for other in found):
            raise ValueError(f"{group} has two folders at {made.place}")
        found.append(made)
    return tuple(found)


def _group(item: str, entry: str) -> tuple[str, int]:
    name, equals, gid = item.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise ValueError(f"{item!r} in {entry!r} is not group=gid")
    return name, _number(gid, entry)


def _number(text: str, entry: str) -> int:
    """Never 0: nothing that a person makes belongs to root."""
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 0 < int(text) <= ID_MAX:
        raise ValueError(f"{text!r} in {entry!r} is not an id from 1 to {ID_MAX}")
    return int(text)
