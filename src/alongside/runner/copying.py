"""Copies of files and folders; no link is followed between a look and an open, as others may write there."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from alongside.runner.sandbox import mounts
from alongside.runner.seeing import Eyes

CHUNK_BYTES = 4 << 20
#: each level holds two descriptors open
DEPTH_MAX = 200


class CopyStopped(Exception):
    """Nobody wants the copy any more."""


class Copier:
    """Everything is opened once, below the descriptor of its folder, and looked at and read through that.

    What it makes belongs to `uid` and `gid` if the runner is root. `eyes`: whose rights decide what of the
    source may be read; without them, the runner's.
    """

    def __init__(
        self,
        uid: int,
        gid: int,
        progress: Callable[[int], None],
        stop: threading.Event,
        eyes: Eyes | None = None,
    ) -> None:
        self.uid = uid
        self.gid = gid
        self.progress = progress
        self.stop = stop
        self.eyes = eyes or Eyes()
        self.bytes = 0

    def copy(self, source: Path, target: Path) -> None:
        """
        Raises:
            OSError: also when a link is on the way to `source`.
            CopyStopped
        """
        folder = mounts.exactly(target.parent)
        try:
            self._copy(mounts.exactly(source), folder, target.name, 0)
        finally:
            os.close(folder)

    def copy_below(self, base: Path, parts: Sequence[str], target: Path) -> None:
        """As `copy`, of what is below a folder: on the way there, too, `eyes` have to be let through."""
        folder = mounts.exactly(target.parent)
        try:
            pinned = mounts.exactly(base)
            for part in parts:
                with self.eyes:
                    try:
                        inner = os.open(part, os.O_PATH | os.O_NOFOLLOW, dir_fd=pinned)
                    finally:
                        os.close(pinned)
                pinned = inner
            self._copy(pinned, folder, target.name, 0)
        finally:
            os.close(folder)

    def _copy(self, pinned: int, folder: int, name: str, depth: int) -> None:
        """Copy what `pinned` names, which is closed here, to `name` in a folder."""
        try:
            found = os.fstat(pinned)
            if stat.S_ISLNK(found.st_mode):
                os.symlink(os.readlink("", dir_fd=pinned), name, dir_fd=folder)
                if os.getuid() == 0:
                    os.chown(name, self.uid, self.gid, dir_fd=folder, follow_symlinks=False)
                return
            if not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode):
                return
            # the very thing that was looked at: this link of /proc leads to no other
            with self.eyes:
                source = os.open(f"/proc/self/fd/{pinned}", os.O_RDONLY)
        finally:
            os.close(pinned)
        try:
            if stat.S_ISDIR(found.st_mode):
                self._folder(source, folder, name, found, depth)
            else:
                self._file(source, folder, name, found)
        finally:
            os.close(source)

    def _folder(self, source: int, folder: int, name: str, found: os.stat_result, depth: int) -> None:
        if depth == DEPTH_MAX:
            raise OSError(errno.ELOOP, f"it is more than {DEPTH_MAX} levels deep")
        os.mkdir(name, mode=0o700, dir_fd=folder)
        target = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        try:
            for entry in sorted(os.listdir(source)):
                with self.eyes:
                    pinned = os.open(entry, os.O_PATH | os.O_NOFOLLOW, dir_fd=source)
                self._copy(pinned, target, entry, depth + 1)
            self._hand_over(target, found.st_mode | 0o700)
        finally:
            os.close(target)

    def _file(self, source: int, folder: int, name: str, found: os.stat_result) -> None:
        target = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        try:
            while count := _copy_some(source, target):
                if self.stop.is_set():
                    raise CopyStopped
                self.bytes += count
                self.progress(self.bytes)
            self._hand_over(target, found.st_mode | 0o600)
        finally:
            os.close(target)

    def _hand_over(self, target: int, mode: int) -> None:
        if os.getuid() == 0:
            os.fchown(target, self.uid, self.gid)
        # without setuid and setgid: these would now be the tool's
        os.fchmod(target, mode & 0o777)


def _copy_some(reader: int, writer: int) -> int:
    """Copy a piece in the kernel, which shares blocks where the file system can; by hand where not."""
    try:
        return os.copy_file_range(reader, writer, CHUNK_BYTES)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
    piece = memoryview(os.read(reader, CHUNK_BYTES))
    done = 0
    while done < len(piece):
        done += os.write(writer, piece[done:])
    return done
