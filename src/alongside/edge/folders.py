"""Where the folders of a site's runners lie, told by the runners, and who uses them as whom."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from alongside import values
from alongside.edge.hands import Place
from alongside.edge.records import replace_file
from alongside.errors import Fault, Invalid, NotFound, Unavailable
from alongside.spec.files import Folder

#: for people who have no home here and look at a dataset
NOBODY = 65_534
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
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

    def place(self, folder: Folder) -> Place:
        """
        Raises:
            NotFound: it is not here.
            Unavailable: its runner was never heard of.
        """
        work = self._works.get(folder.runner)
        if work is None:
            raise Unavailable("the runner of this folder has not come by yet; try again in a moment")
        path = _path(work, folder)
        try:
            found = path.stat()
        except OSError:
            raise NotFound(_MISSING[folder.kind]) from None
        if folder.kind == "dataset" and not path.is_dir():
            return replace(_as_whom(str(path.parent), folder, work, found), only=path.name)
        return _as_whom(str(path), folder, work, found)


def _path(work: Work, folder: Folder) -> Path:
    base = Path(work.work_dir)
    match folder.kind:
        case "home" if _ID.fullmatch(folder.name):
            return base / "homes" / folder.name
        case "outputs" if match := _OUTPUTS.fullmatch(folder.name):
            return base / "outputs" / match[1] / match[2]
        case "dataset":
            return _dataset(work, folder.name)
        case _:
            raise NotFound(_MISSING[folder.kind])


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


def _as_whom(path: str, folder: Folder, work: Work, found: os.stat_result) -> Place:
    if os.getuid() != 0:
        return Place(path, os.getuid(), os.getgid(), writable=folder.writable)
    if folder.kind in ("home", "outputs"):
        if found.st_uid == 0:
            raise Unavailable("this folder has no owner at the site yet")
        return Place(path, found.st_uid, found.st_gid, writable=folder.writable)
    try:
        home = (Path(work.work_dir) / "homes" / folder.account).stat()
    except OSError:
        return Place(path, NOBODY, NOBODY, writable=False)
    return Place(path, home.st_uid or NOBODY, home.st_gid or NOBODY, writable=folder.writable)


_MISSING = {
    "home": "you have no home at this site yet: it is made when you first launch a tool there",
    "group": "this group has no folder at this site",
    "outputs": "the outputs of this run are not at the site any more",
    "dataset": "this dataset is not where it was registered, or the site does not open that folder",
}
