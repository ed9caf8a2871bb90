"""Which uid, gid and groups an account has at this site.

Whoever was asked about stands in `identities.json` of the work folder, for the site's other
processes (the edge, which opens a home as its owner does):

    {"<account id>": {"name": "ann", "uid": 64000, "gid": 64000, "groups": [60000],
                      "home": "/srv/homes/…", "folders": [{"group": "physics", "path": "/nfs/physics",
                      "read_only": false, "place": "groups/physics"}]}}
"""

from __future__ import annotations

import fcntl
import grp
import os
import pwd
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alongside.config import RunnerSettings
from alongside.errors import Misconfigured
from alongside.runner.disk import read_json, write_json
from alongside.runner.jobs import CannotStart
from alongside.spec import identities
from alongside.spec.identities import Folder, Identity
from alongside.spec.wire import Owner

#: what the machine says of a person is asked again after so long
FRESH_S = 60.0
#: people that a machine knows below this are its services
PEOPLE_FROM = 1000


class Identities:
    """Blocking: the machine may ask an LDAP server. Used from several threads."""

    def __init__(self, settings: RunnerSettings, work_dir: Path) -> None:
        self.settings = settings
        self.book = work_dir / "identities.json"
        self._uids = Path(settings.identity_book or work_dir / "uids.json")
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, Identity]] = {}
        if settings.identity not in identities.SOURCES:
            known = ", ".join(identities.SOURCES)
            raise Misconfigured(
                f"runner.identity is {settings.identity!r}; it can be {known}", setting="runner.identity"
            )
        try:
            self.folders = identities.folders(settings.group_folders)
            self._table = identities.table(_table_lines(settings.identity_table))
        except (OSError, ValueError) as error:
            raise Misconfigured(str(error)) from None

    def of(self, owner: Owner) -> Identity:
        """
        Raises:
            CannotStart: the site knows no such person, or this runner cannot be them.
        """
        found = self._of(owner)
        if os.getuid() != 0 and found.uid != os.getuid():
            raise CannotStart(
                "identity_unknown",
                f"{owner.name} is uid {found.uid} at this site, and a runner that is not root can only be "
                f"uid {os.getuid()}",
            )
        return found

    def folders_of(self, owner: Owner) -> tuple[Folder, ...]:
        """Folders of the groups that somebody is in at the hub."""
        return tuple(folder for folder in self.folders if folder.group in owner.groups)

    def note(self, owner: Owner, identity: Identity, home: Path) -> None:
        """Write down who somebody is here and where their home lies."""
        entry = {
            "name": owner.name,
            "uid": identity.uid,
            "gid": identity.gid,
            "groups": list(identity.gids),
            "home": str(home),
            "folders": [
                {"group": item.group, "path": item.path, "read_only": item.read_only, "place": item.place}
                for item in self.folders_of(owner)
            ],
        }
        with self._lock:
            known: dict[str, Any] = read_json(self.book) or {}
            if known.get(owner.account) != entry:
                write_json(self.book, {**known, owner.account: entry})

    def noted(self, account: str) -> int | None:
        """The uid that an account had when somebody last asked."""
        known: dict[str, Any] = read_json(self.book) or {}
        return known.get(account, {}).get("uid")

    def forget(self, account: str) -> None:
        with self._lock:
            known: dict[str, Any] = read_json(self.book) or {}
            if known.pop(account, None) is not None:
                write_json(self.book, known)

    def _of(self, owner: Owner) -> Identity:
        match self.settings.identity:
            case "table":
                found = self._table.get(owner.name)
                if found is None:
                    raise CannotStart(
                        "identity_unknown", f"this site has no entry for {owner.name} (runner.identity_table)"
                    )
                return found
            case "nss":
                return self._asked(owner.name)
            case "single":
                return self._own() or Identity(self.settings.tool_uid, self.settings.tool_uid)
            case _:
                return self._own() or self._assigned(owner)

    def _own(self) -> Identity | None:
        """A runner that is not root is nobody else."""
        return None if os.getuid() == 0 else Identity(os.getuid(), os.getgid())

    def _asked(self, name: str) -> Identity:
        with self._lock:
            seen, found = self._seen.get(name, (float("-inf"), None))
        if found is None or time.monotonic() - seen > FRESH_S:
            found = _person(name)
            with self._lock:
                self._seen[name] = (time.monotonic(), found)
        return found

    def _assigned(self, owner: Owner) -> Identity:
        """One uid per account and one gid per group with a folder, in the order in which they come.

        Kept for good, and under a lock: several runners of a site may share the book.
        """
        wanted = [folder.group for folder in self.folders_of(owner)]
        with self._lock, _locked(self._uids):
            known: dict[str, int] = read_json(self._uids) or {}
            added = dict(known)
            _give(added, owner.account, self.settings.tool_uid)
            for group in wanted:
                _give(added, f"group:{group}", self.settings.tool_gid)
            if added != known:
                write_json(self._uids, added)
        uid = added[owner.account]
        return Identity(uid, uid, tuple((group, added[f"group:{group}"]) for group in wanted))


def _give(book: dict[str, int], key: str, first: int) -> None:
    if key not in book:
        given = [number for other, number in book.items() if (":" in other) == (":" in key)]
        book[key] = max(given, default=first - 1) + 1


def _person(name: str) -> Identity:
    """As getent says: from files, LDAP or whatever this machine is told to ask."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise CannotStart("identity_unknown", f"this site's machines know nobody called {name}") from None
    if found.pw_uid < PEOPLE_FROM or found.pw_gid == 0:
        raise CannotStart("identity_unknown", f"{name} is no person at this site but uid {found.pw_uid}")
    groups: list[tuple[str, int]] = []
    for gid in os.getgrouplist(name, found.pw_gid):
        if gid not in (0, found.pw_gid):
            groups.append((_group_name(gid), gid))
    return Identity(found.pw_uid, found.pw_gid, tuple(groups))


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _table_lines(setting: tuple[str, ...]) -> Iterator[str]:
    """Entries of the setting itself, and the lines of files that it names."""
    for entry in setting:
        if entry.startswith("/"):
            yield from Path(entry).read_text().splitlines()
        else:
            yield entry


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.with_name(f".{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
