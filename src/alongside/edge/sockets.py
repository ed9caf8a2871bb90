"""Unix sockets in folders that may lie deep, opened for our own user only."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

#: the kernel's limit on the text of an address, without its final zero
PATH_MAX = 107


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A text of at most PATH_MAX bytes for this path, good while the context lasts."""
    if len(os.fsencode(path)) <= PATH_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def listener(path: Path) -> socket.socket:
    """A socket bound here, in place of whatever an earlier process left."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)
        with short_path(path) as text:
            bound.bind(text)
    except OSError:
        bound.close()
        raise
    finally:
        os.umask(mask)
    return bound


def answers(path: Path) -> bool:
    """Whether somebody listens here."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            with short_path(path) as text:
                probe.connect(text)
        except OSError:
            return False
    return True
