"""Names below a folder, opened step by step through descriptors: no link is followed, nothing is left.

Tools and people write into these folders while we look, so a path is never trusted twice.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import Any

from alongside.spec.files import PARTIAL, TRASH

PATH_MAX = 4096
DEPTH_MAX = 100


class Refused(Exception):
    """What cannot be done, in words for people; `code` is for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def parts_of(path: str) -> list[str]:
    """
    Raises:
        Refused: the path leads elsewhere, or to what is ours.
    """
    parts = [part for part in path.split("/") if part]
    if len(path) > PATH_MAX or len(parts) > DEPTH_MAX:
        raise Refused("invalid", "the path is too long")
    for part in parts:
        if part in (".", "..") or "\0" in part or is_ours(part):
            raise Refused("invalid", f"{part!r} cannot be part of a path here")
        if len(os.fsencode(part)) > 255:
            raise Refused("invalid", "a name has at most 255 bytes")
    return parts


def is_ours(name: str) -> bool:
    return name == TRASH or name.startswith(PARTIAL)


def named(path: str) -> tuple[list[str], str]:
    """The folders on the way and the last name, of which there must be one."""
    parts = parts_of(path)
    if not parts:
        raise Refused("invalid", "this is the folder itself; name something in it")
    return parts[:-1], parts[-1]


@contextlib.contextmanager
def folder(root: int, parts: list[str]) -> Iterator[int]:
    """The descriptor of a folder below `root`.

    Raises:
        Refused: it is not there, is a link, or may not be entered.
    """
    descriptor = os.dup(root)
    try:
        for part in parts:
            try:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            except OSError as error:
                raise refused(error, "/".join(parts)) from None
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def file(root: int, path: str) -> Iterator[int]:
    """A regular file, open for reading."""
    parents, name = named(path)
    with folder(root, parents) as holder:
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=holder)
        except OSError as error:
            raise refused(error, path) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Refused("not_a_file", f"{path} is not a file")
        yield descriptor
    finally:
        os.close(descriptor)


def names(holder: int) -> list[str]:
    return os.listdir(holder)


def look(holder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=holder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def version(found: os.stat_result) -> str:
    """Changes with every save: what an editor shows again when it saves."""
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"


def described(name: str, found: os.stat_result, target: str | None = None) -> dict[str, Any]:
    mode = found.st_mode
    if stat.S_ISDIR(mode):
        kind = "folder"
    elif stat.S_ISREG(mode):
        kind = "file"
    else:
        kind = "link" if stat.S_ISLNK(mode) else "other"
    return {
        "name": name,
        "kind": kind,
        "size_bytes": found.st_size if kind == "file" else None,
        "modified_at": found.st_mtime,
        "version": version(found),
        "target": target,
    }


def refused(error: OSError, path: str) -> Refused:
    """The kernel's no, in words."""
    code, words = _SAYS.get(error.errno or 0, ("failed", error.strerror or "it cannot be done"))
    return Refused(code, f"{path}: {words}")


_SAYS = {
    errno.ENOENT: ("not_found", "there is no such file or folder"),
    errno.ENOTDIR: ("not_found", "there is no such folder"),
    errno.ELOOP: ("not_found", "it is a link, which is not followed here"),
    errno.ENXIO: ("not_found", "it is not a file"),
    errno.EACCES: ("forbidden", "you have no permission to do this"),
    errno.EPERM: ("forbidden", "you have no permission to do this"),
    errno.EROFS: ("forbidden", "it is read-only"),
    errno.EEXIST: ("exists", "it is already there"),
    errno.ENOTEMPTY: ("exists", "there is a folder of this name already, with something in it"),
    errno.EISDIR: ("exists", "there is a folder of this name already"),
    errno.ENOSPC: ("disk_full", "the disk of this site is full"),
    errno.EDQUOT: ("disk_full", "your space at this site is used up"),
    errno.ENAMETOOLONG: ("invalid", "the name is too long"),
    errno.EINVAL: ("invalid", "a folder cannot be moved into itself"),
    errno.EXDEV: ("invalid", "it lies on another disk"),
}
