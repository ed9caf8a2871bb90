"""Where the folders of a site's runners lie, told by the runners, and who uses them as whom."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alongside import values
from alongside.edge.hands import Place
from alongside.edge.records import replace_file
from alongside.errors import Fault, Invalid, NotFound, Unavailable
from alongside.spec.files import Folder

#: for people who have no home here and look at a dataset
NOBODY = 65_534
_OUTPUTS = re.compile(r"([0-9a-z]{26})/([0-9]{1,6})")


@dataclass(frozen=True)
class Work:
    """A runner's disk."""

    runner: str
    work_dir: str
    #: where datasets may lie
    data_roots: tuple[str, ...] = ()


class Works:
    """The disks of this site's runners, kept on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._works: dict[str, Work] = {}
        if path.exists():
            known = (values.load(Work, item) for item in json.loads(path.read_text()))
            self._works = {work.runner: work for work in known}

    def put(self, work: Work) -> None:
        """
        Raises:
            Invalid: there is no such folder.
        """
        if not Path(work.work_dir).is_absolute() or not Path(work.work_dir).is_dir():
            raise Invalid([Fault("work_dir", "must be an existing folder, as an absolute path")])
        if self._works.get(work.runner) != work:
            self._works[work.runner] = work
            items = [values.dump(item) for item in self._works.values()]
            replace_file(self._path, json.dumps(items).encode())

    def work_dir(self, runner: str) -> str:
        """
        Raises:
            Unavailable: this runner was never heard of.
        """
        if runner not in self._works:
            raise Unavailable("the run's runner is not known to this edge yet; try again in a moment")
        return self._works[runner].work_dir

    def place(self, folder: Folder) -> Place:
        """
        Raises:
            NotFound: it is not here.
            Unavailable: its runner was never heard of.
        """
        work = self._works.get(folder.runner)
        if work is None:
            raise Unavailable("the runner of this folder has not come by yet; try again in a moment")
        who = _known(work, folder.account)
        match folder.kind:
            case "home" if who is not None and folder.name == folder.account:
                return _as(who, who["home"], folder.writable)
            case "group" if who is not None:
                shared = [item for item in who["folders"] if item["group"] == folder.name]
                if shared:
                    item = min(shared, key=lambda item: item["read_only"])
                    return _as(who, item["path"], folder.writable and not item["read_only"])
            case "outputs" if match := _OUTPUTS.fullmatch(folder.name):
                return _owned(Path(work.work_dir) / "outputs" / match[1] / match[2])
            case "dataset":
                path = _dataset(work, folder.name)
                if path.is_dir():
                    return _as(who, str(path), writable=False)
                return replace(_as(who, str(path.parent), writable=False), only=path.name)
            case _:
                pass
        raise NotFound(_MISSING[folder.kind])


def _known(work: Work, account: str) -> dict[str, Any] | None:
    """Who an account is at the site, as its runner wrote it down; see `runner.identities`."""
    try:
        found = json.loads((Path(work.work_dir) / "identities.json").read_text()).get(account)
    except FileNotFoundError:
        return None
    return found if found and Path(found["home"]).is_dir() else None


def _as(who: dict[str, Any] | None, path: str, writable: bool) -> Place:
    if os.getuid() != 0:
        return Place(path, os.getuid(), os.getgid(), writable=writable)
    if who is None:
        return Place(path, NOBODY, NOBODY)
    return Place(path, who["uid"], who["gid"], tuple(who["groups"]), writable)


def _owned(path: Path) -> Place:
    """Outputs belong to whoever the account was when the attempt ran."""
    try:
        found = path.stat()
    except OSError:
        raise NotFound(_MISSING["outputs"]) from None
    if os.getuid() == 0 and found.st_uid == 0:
        raise Unavailable("these outputs have no owner at the site")
    return Place(str(path), found.st_uid, found.st_gid)


def _dataset(work: Work, name: str) -> Path:
    """In one of the folders that the site opens, wherever links on the way lead."""
    try:
        real = Path(name).resolve(strict=True)
        roots = [Path(root).resolve() for root in (*work.data_roots, f"{work.work_dir}/datasets")]
    except (OSError, RuntimeError):
        raise NotFound(_MISSING["dataset"]) from None
    if not any(real.is_relative_to(root) for root in roots):
        raise NotFound(_MISSING["dataset"])
    return real


_MISSING = {
    "home": "you have no home at this site yet: it is made when you first launch a tool there",
    "group": "this group has no folder at this site",
    "outputs": "the outputs of this run are not at the site any more",
    "dataset": "this dataset is not where it was registered, or the site does not open that folder",
}
