"""Datasets of containers: made read-only first, then put where the container's mounts follow.

As root only. `job.data` becomes a mount of its own that is shared; the container has it as a slave,
so what is mounted below it later arrives there, and nothing travels back.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import struct
from pathlib import Path

from alongside.runner.executors import CannotMount, Mount
from alongside.runner.sandbox import mounts

_MS_PRIVATE, _MS_SHARED = 1 << 18, 1 << 20
_UCRED = struct.Struct("3i")
_libc = ctypes.CDLL(None, use_errno=True)


class MountFolder:
    """The executor's own folder of one attempt; what must be unmounted is written there first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def stage(self, mount: Mount) -> Path:
        """A private read-only view of a dataset, which the engine then binds."""
        target = self.folder / "mounts" / mount.name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        if mount.kind == "folder":
            target.mkdir(exist_ok=True)
        else:
            target.touch()
        show(mount.source, target)
        return target

    def share(self, data: Path) -> None:
        """Let mounts below `data` reach the containers that have it."""
        (self.folder / "data").write_text(str(data))
        if not _is_mount(data):
            mounts.place(mounts.clone(data.resolve(), read_only=False), data)
        # private first: otherwise it stays in one group with the file system it is part of
        for kind in (_MS_PRIVATE, _MS_SHARED):
            if _libc.mount(b"none", os.fsencode(data), None, kind, None) < 0:
                code = ctypes.get_errno()
                raise OSError(code, os.strerror(code), str(data))

    def take_down(self) -> None:
        """Unmount everything of this attempt and forget it. The datasets themselves are untouched."""
        try:
            data = Path((self.folder / "data").read_text())
        except FileNotFoundError:
            data = None
        for root in (data, self.folder):
            if root is not None:
                for target in reversed(_mounts_below(root)):
                    mounts.take_away(target)
        if _mounts_below(self.folder):
            raise OSError(f"something is still mounted below {self.folder}")
        shutil.rmtree(self.folder, ignore_errors=True)


def show(source: Path, target: Path) -> None:
    """Mount `source` read-only at `target`, unless it is there already."""
    if _is_mount(target):
        if _same(source, target):
            return
        mounts.take_away(target)
    tree = mounts.clone(source, read_only=True)
    try:
        mounts.place(tree, target)
    finally:
        os.close(tree)


def hide(target: Path) -> None:
    while _is_mount(target):
        mounts.take_away(target)


def arrived(pid: int, target: str) -> bool:
    """Whether the container whose first process is `pid` sees a read-only mount at `target`."""
    for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
        fields = line.split()
        if _unescaped(fields[4]) == target:
            return "ro" in fields[5].split(",")
    return False


def is_root() -> bool:
    return os.geteuid() == 0


def refused(folder: Path, engine: Path) -> str:
    """Why nothing can be mounted into the containers of `engine`, by trying it; empty if it can."""
    if not is_root():
        return "only a runner started as root can mount into a running container"
    if not _same_view(engine):
        return "the Docker Engine does not see what this runner mounts"
    probe = folder / f"probe-{os.getpid()}"
    try:
        probe.mkdir(parents=True, exist_ok=True)
        probe = probe.resolve()
        show(probe, probe)
        hide(probe)
        probe.rmdir()
    except OSError as error:
        return f"this machine does not let the runner mount ({error.strerror})"
    return ""


def checked(pid: int, target: str) -> None:
    try:
        seen = arrived(pid, target)
    except OSError:
        raise CannotMount("the tool is not running") from None
    if not seen:
        raise CannotMount("the Docker Engine does not follow the mounts of this runner")


def _same_view(engine: Path) -> bool:
    """Whether the process that listens for the engine has the same mount namespace as this one."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.settimeout(5.0)
            client.connect(str(engine))
            credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
            pid, _, _ = _UCRED.unpack(credentials)
            ours, theirs = Path("/proc/self/ns/mnt"), Path(f"/proc/{pid}/ns/mnt")
            return ours.readlink() == theirs.readlink()
        except OSError:
            return False


def _same(source: Path, target: Path) -> bool:
    one, other = source.stat(), target.stat()
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _is_mount(path: Path) -> bool:
    return path in _mounts_below(path)


def _mounts_below(root: Path) -> list[Path]:
    """Mount points at and below `root`, in the order they were made."""
    found: list[Path] = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        path = Path(_unescaped(line.split()[4]))
        if path == root or root in path.parents:
            found.append(path)
    return found


def _unescaped(text: str) -> str:
    """mountinfo writes space, tab, newline and backslash as octal."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
