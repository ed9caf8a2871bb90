"""Folders that tools write in: homes and data folders that outlive attempts, and outputs of attempts.

homes/<account>/<run>/home    the tool's, owned by its uid
homes/<account>/<run>/data    the runner's: seats for mounts, and copies owned by the tool's uid
outputs/<run>/<attempt>       owned by the tool's uid until it has ended
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alongside.config import RunnerSettings
from alongside.runner.copying import Copier, CopyStopped
from alongside.runner.disk import read_json, write_json
from alongside.runner.executors import CannotStart
from alongside.spec.wire import Assignment


@dataclass(frozen=True)
class Places:
    uid: int
    gid: int
    home: Path | None = None
    data: Path | None = None
    output: Path | None = None


class Homes:
    def __init__(self, settings: RunnerSettings, work_dir: Path) -> None:
        self.work_dir = work_dir
        self.first_uid = settings.tool_uid

    def places(self, assignment: Assignment) -> Places:
        """The folders of an attempt, made if they are not there; what is in them stays."""
        uid, gid = self._ids(assignment.owner.account)
        if assignment.tool.kind == "task":
            output = self.work_dir / "outputs" / assignment.run / str(assignment.attempt)
            return Places(uid, gid, output=self._make(output, uid, gid))
        folder = self.work_dir / "homes" / _segment(assignment.owner.account) / _segment(assignment.run)
        return Places(
            uid,
            gid,
            home=self._make(folder / "home", uid, gid, mode=0o700),
            data=self._make(folder / "data", os.getuid(), os.getgid()),
        )

    def remove(self, assignment: Assignment) -> None:
        """Take away everything of a run that its owner deleted for good; no process of it is left."""
        self.remove_run(assignment.owner.account, assignment.run)

    def remove_run(self, account: str, run: str) -> None:
        for folder in (
            self.work_dir / "homes" / _segment(account) / _segment(run),
            self.work_dir / "outputs" / _segment(run),
        ):
            shutil.rmtree(folder, ignore_errors=True)

    def outputs(self, run: str) -> list[str]:
        """The attempts that left outputs, by the names under which the edge serves them."""
        folder = self.work_dir / "outputs" / _segment(run)
        return [f"{run}-{entry.name}" for entry in folder.iterdir()] if folder.is_dir() else []

    def _ids(self, account: str) -> tuple[int, int]:
        """One uid per account, given in the order in which accounts come and kept for good."""
        if os.getuid() != 0:
            return os.getuid(), os.getgid()
        table = self.work_dir / "uids.json"
        known: dict[str, int] = read_json(table) or {}
        if account not in known:
            known[account] = max(known.values(), default=self.first_uid - 1) + 1
            write_json(table, known)
        return known[account], known[account]

    def _make(self, folder: Path, uid: int, gid: int, mode: int = 0o755) -> Path:
        if not folder.exists():
            folder.mkdir(parents=True, mode=mode)
            if os.getuid() == 0:
                os.chown(folder, uid, gid)
        return folder.absolute()


def seat(data: Path, name: str, kind: str) -> None:
    """An entry in a data folder for a mount to sit on; what a person's copy left there stays."""
    path = data / checked_name(name)
    if path.is_symlink():
        path.unlink()
    if not path.exists():
        if kind == "folder":
            path.mkdir()
        else:
            path.touch()


def unseat(data: Path, name: str) -> None:
    """Take an entry away: a seat that nothing sits on, or a copy with what was changed in it."""
    path = data / checked_name(name)
    if not _present(path):
        return
    if stat.S_ISDIR(path.lstat().st_mode):
        shutil.rmtree(path)
    else:
        path.unlink()


def copied(data: Path, name: str) -> bool:
    """Whether there is a copy already, from an earlier attempt: it may hold somebody's changes."""
    path = data / checked_name(name)
    if path.is_symlink() or not path.exists():
        return False
    return any(path.iterdir()) if path.is_dir() else path.stat().st_size > 0


def copy(
    source: Path, places: Places, name: str, progress: Callable[[int], None], stop: threading.Event
) -> None:
    """A writable copy of a dataset in the data folder, complete or not at all.

    It is made beside the data folder and renamed into it, so a tool that already runs never sees half
    of it and cannot lead the runner elsewhere by a link.

    Raises:
        CannotStart: disk_full, data_missing.
    """
    assert places.data is not None, "only interactive runs have a data folder"
    target = places.data / checked_name(name)
    partial = places.data.parent / f".copy-{name}"
    _remove(partial)
    copier = Copier(places.uid, places.gid, progress, stop)
    try:
        copier.copy(source, partial)
        if _present(target):
            unseat(places.data, name)
        partial.rename(target)
    except OSError as error:
        _remove(partial)
        raise _failed(error, source) from error
    except CopyStopped:
        _remove(partial)
        raise


def size(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())


def checked_name(name: str) -> str:
    """A dataset's name as one entry of a folder.

    Raises:
        CannotStart: it would lead elsewhere.
    """
    if not name or name in (".", "..") or "/" in name or "\0" in name or len(os.fsencode(name)) > 200:
        raise CannotStart("data_missing", f"{name!r} cannot be the name of a dataset's file or folder")
    return name


def _segment(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", text):
        raise CannotStart("internal", f"{text!r} is not an id")
    return text


def _present(path: Path) -> bool:
    return os.path.lexists(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _failed(error: OSError, source: Path) -> CannotStart:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CannotStart("disk_full", f"the disk is full: no space to copy {source.name}")
    return CannotStart("data_missing", f"cannot copy {source}: {error.strerror}")
