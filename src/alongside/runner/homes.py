"""Folders that tools write in: homes of accounts, data folders of runs, and outputs of attempts.

homes/<account>/home          the account's, owned by its uid; elsewhere with `runner.homes_dir`
homes/<account>/snapshots     see `snapshots`
runs/<run>/data               the runner's: seats for mounts, and copies owned by the tool's uid
outputs/<run>/<attempt>       owned by the tool's uid until it has ended

An older version gave each run a home of its own, homes/<account>/<run>/home with data/ beside it: a
run that has one goes on with it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from alongside.config import RunnerSettings
from alongside.runner import keeping, seats
from alongside.runner.copying import Copier, CopyStopped
from alongside.runner.disk import is_full
from alongside.runner.identities import Identities
from alongside.runner.jobs import CannotStart, Shown
from alongside.spec.identities import Folder, Identity
from alongside.spec.wire import Assignment, Owner

log = structlog.get_logger()


@dataclass(frozen=True)
class Places:
    uid: int
    gid: int
    home: Path | None = None
    data: Path | None = None
    output: Path | None = None
    gids: tuple[int, ...] = ()
    folders: tuple[Shown, ...] = ()


class Homes:
    def __init__(self, settings: RunnerSettings, work_dir: Path) -> None:
        self.work_dir = work_dir
        self.homes_dir = settings.homes_dir
        self.identities = Identities(settings, work_dir)

    def places(self, assignment: Assignment) -> Places:
        """The folders of an attempt, made if they are not there; what is in them stays.

        Raises:
            CannotStart: identity_unknown, home_unusable.
        """
        owner = assignment.owner
        who = self.identities.of(owner)
        if assignment.tool.kind == "task":
            output = self.work_dir / "outputs" / _segment(assignment.run) / str(assignment.attempt)
            return Places(who.uid, who.gid, output=self._make(output, who.uid, who.gid), gids=who.gids)
        former = self._of_run(owner.account, assignment.run)
        folder = former if (former / "home").is_dir() else self.work_dir / "runs" / _segment(assignment.run)
        home = folder / "home" if folder == former else self.make(owner)
        folders = tuple(self._shared(owner, who))
        for place in ("data", *(item.place for item in folders)):
            # a file system that lets nobody but the owner in makes it as the owner, with the mount
            with contextlib.suppress(PermissionError):
                seats.below(home, place, who.uid, who.gid)
        return Places(
            who.uid,
            who.gid,
            home=home.absolute(),
            data=self._make(folder / "data", os.getuid(), os.getgid()),
            gids=who.gids,
            folders=folders,
        )

    def make(self, owner: Owner) -> Path:
        """The home of an account, made if it is not there.

        Raises:
            CannotStart: identity_unknown, home_unusable.
        """
        who, home = self.identities.of(owner), self.place(owner)
        try:
            if not home.exists():
                home.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
                home.mkdir(mode=0o700)
            found = home.stat()
            if not stat.S_ISDIR(found.st_mode):
                raise CannotStart("home_unusable", f"{home} is no folder")
            # at a place of the site's own, a folder of root's with something in it is not ours to give away
            ours = not self.homes_dir or not any(home.iterdir())
            if found.st_uid == 0 and os.getuid() == 0 and ours:
                os.chown(home, who.uid, who.gid)
            elif found.st_uid != who.uid:
                raise CannotStart(
                    "home_unusable",
                    f"the home {home} belongs to uid {found.st_uid}, and {owner.name} is uid {who.uid} here",
                )
            with contextlib.suppress(PermissionError):
                seats.below(home, keeping.R_LIBRARY, who.uid, who.gid)
        except OSError as error:
            if is_full(error):
                raise
            reason = f"the home {home} cannot be made: {error.strerror}"
            raise CannotStart("home_unusable", reason) from None
        self.identities.note(owner, who, home.absolute())
        return home

    def place(self, owner: Owner) -> Path:
        """Where an account's home is, or would be."""
        if not self.homes_dir:
            return (self.work_dir / "homes" / _segment(owner.account) / "home").absolute()
        pattern = self.homes_dir if "{" in self.homes_dir else f"{self.homes_dir.rstrip('/')}/{{name}}"
        plain = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._@-]{0,127}", owner.name)
        name = owner.name if plain else owner.account
        return Path(pattern.replace("{name}", name).replace("{account}", _segment(owner.account)))

    def snapshots(self, owner: Owner) -> Path:
        """Where copies of an account's home are: the owner may use them, and nobody else finds them."""
        return (self.work_dir / "homes" / _segment(owner.account) / "snapshots").absolute()

    def give_back(self, owner: Owner) -> None:
        """Give an account what became root's, or still is whom it was mapped to before, in its home.

        Raises:
            CannotStart: identity_unknown.
        """
        who, home, before = self.identities.of(owner), self.place(owner), self.identities.noted(owner.account)
        if os.getuid() != 0 or not home.is_dir():
            return
        # a folder of root's at a place of the site's own was never this account's
        known = {who.uid, before} if self.homes_dir and before is None else {0, who.uid, before}
        if home.stat().st_uid not in known:
            return
        strays = {0, before} - {who.uid, None}
        for _, folders, files, inside in os.fwalk(home, follow_symlinks=False):
            for name in (*folders, *files):
                with contextlib.suppress(OSError):
                    found = os.stat(name, dir_fd=inside, follow_symlinks=False)
                    # a file with other names may be somebody's at one of these
                    if found.st_uid in strays and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
                        os.chown(name, who.uid, who.gid, dir_fd=inside, follow_symlinks=False)
        os.chown(home, who.uid, who.gid)
        home.chmod(0o700)

    def remove_account(self, account: str) -> None:
        """Homes and snapshots of an account in the work folder, and what is known of it."""
        shutil.rmtree(self.work_dir / "homes" / _segment(account), ignore_errors=True)
        self.identities.forget(account)

    def remove(self, assignment: Assignment) -> None:
        """Take away everything of a run that its owner deleted for good; no process of it is left."""
        self.remove_run(assignment.owner.account, assignment.run)

    def remove_run(self, account: str, run: str) -> None:
        """The home stays: it is the account's."""
        for folder in (
            self._of_run(account, run),
            self.work_dir / "runs" / _segment(run),
            self.work_dir / "outputs" / _segment(run),
        ):
            shutil.rmtree(folder, ignore_errors=True)

    def outputs(self, run: str) -> list[str]:
        """The attempts that left outputs, by the names under which the edge serves them."""
        folder = self.work_dir / "outputs" / _segment(run)
        return [f"{run}-{entry.name}" for entry in folder.iterdir()] if folder.is_dir() else []

    def _of_run(self, account: str, run: str) -> Path:
        return self.work_dir / "homes" / _segment(account) / _segment(run)

    def _shared(self, owner: Owner, who: Identity) -> list[Shown]:
        """Folders of the owner's groups that are there; one that is away keeps nobody from working."""
        found: list[Shown] = []
        gids = dict(who.groups)
        for folder in self.identities.folders_of(owner):
            try:
                _group_folder(folder, gids.get(folder.group))
            except OSError as error:
                log.error("group folder not usable", group=folder.group, path=folder.path, reason=str(error))
            else:
                found.append(Shown(Path(folder.path), folder.place, folder.read_only))
        return found

    def _make(self, folder: Path, uid: int, gid: int, mode: int = 0o755) -> Path:
        if not folder.exists():
            folder.mkdir(parents=True, mode=mode)
            if os.getuid() == 0:
                os.chown(folder, uid, gid)
        return folder.absolute()


#: POSIX ACL entries as the kernel keeps them: version 2, then (tag, permissions, id) each
_ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, permissions, 0xFFFFFFFF) for tag, permissions in ((1, 7), (4, 7), (32, 0))
)


def _group_folder(folder: Folder, gid: int | None) -> None:
    """Make a group's folder if the site has not: for its members, and what is made in it is theirs all."""
    path = Path(folder.path)
    if path.is_dir():
        return
    path.mkdir(mode=0o700)
    if os.getuid() == 0 and gid is not None:
        os.chown(path, -1, gid)
        path.chmod(0o2770)
        # where there are ACLs, not even a program's umask keeps the others out
        with contextlib.suppress(OSError):
            os.setxattr(path, "system.posix_acl_default", _ACL)


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
