"""Small files that are whole or absent, also after a power cut."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

#: less than this is full
ROOM_BYTES = 256 * 1024


def write_json(path: Path, content: Any, *, mode: int = 0o600, settled: bool = True) -> None:
    """Not `settled`: after a power cut the file may be the one before, which is whole as well."""
    partial = path.with_name(f".{path.name}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)
    if settled:
        sync_folder(path.parent)


def read_json(path: Path) -> Any | None:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None


def is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def has_no_room(folder: Path) -> bool:
    """Whether whoever writes there now fails: as a tool of ours did that left no other reason."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize < ROOM_BYTES


def sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
