"""What a task left in its output folder: listed, hashed, and the small files read for the hub."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: files up to this size are copied to the hub for previews
COPY_BYTES_MAX = 1_000_000
FILES_MAX = 10_000


def manifest(output: Path) -> tuple[list[dict[str, Any]], bool]:
    """Regular files below `output` in order of their paths; the flag says that there were too many.

    Links, devices, sockets and unprintable names that a tool made are not followed and not listed.
    """
    found: list[dict[str, Any]] = []
    for path in _files(output, ""):
        if len(found) == FILES_MAX:
            return found, True
        digest, size = _hashed(output, path)
        media_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
        found.append({"path": path, "size_bytes": size, "sha256": digest, "media_type": media_type})
    return found, False


def content(output: Path, path: str) -> bytes:
    with os.fdopen(_open(output, path), "rb") as file:
        return file.read(COPY_BYTES_MAX + 1)


def seal(output: Path) -> None:
    """What an attempt produced is not changed any more, not even by a next attempt."""
    for path in _files(output, ""):
        descriptor = _open(output, path)
        try:
            os.fchmod(descriptor, 0o444)
        finally:
            os.close(descriptor)


def _files(output: Path, below: str) -> Iterator[str]:
    try:
        with os.scandir(output / below) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except PermissionError:
        return
    for entry in found:
        if not entry.name.isprintable():
            continue
        path = f"{below}/{entry.name}" if below else entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _files(output, path)
        elif entry.is_file(follow_symlinks=False):
            yield path


def _hashed(output: Path, path: str) -> tuple[str, int]:
    with os.fdopen(_open(output, path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def _open(output: Path, path: str) -> int:
    """Open below `output` without following a link anywhere on the way."""
    folder = os.open(output, os.O_RDONLY | os.O_DIRECTORY)
    try:
        *parents, name = path.split("/")
        for parent in parents:
            inner = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(path)
    return descriptor
