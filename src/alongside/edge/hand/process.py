"""Serves one folder, open as a descriptor, until the control socket closes.

Each message there brings the connection of one request.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alongside.edge.hand import below, frames, operations, pointcloud, trash
from alongside.edge.hand.below import Refused

AT_ONCE = 16
_PR_SET_NO_NEW_PRIVS = 38


@dataclass(frozen=True)
class Open:
    """The folder that is served."""

    root: int
    writable: bool
    #: the one name in it that may be seen; empty: all
    only: str
    #: why it cannot be opened, if so
    refusal: Refused | None = None


def main(
    uid: int, gid: int, groups: list[int], writable: bool, only: str, root: int, control_number: int
) -> None:
    """Give up all rights but the owner's, then serve."""
    if os.getuid() == 0:
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    here = _opened(root, writable, only)
    control = socket.socket(fileno=control_number)
    places = threading.Semaphore(AT_ONCE)
    if writable and not here.refusal:
        threading.Thread(target=_purge, args=(here.root,), daemon=True).start()
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not descriptors:
            return
        places.acquire()
        connection = socket.socket(fileno=descriptors[0])
        threading.Thread(target=_serve, args=(connection, here, places), daemon=True).start()


def _opened(pinned: int, writable: bool, only: str) -> Open:
    """As the owner, by what was pinned: where root is nobody (NFS), only the owner may look into a home."""
    try:
        root = os.open(f"/proc/self/fd/{pinned}", os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        return Open(-1, writable, only, below.refused(error, "this folder"))
    # a folder that people share by its group stays theirs to write
    os.umask(0o002 if os.fstat(root).st_mode & stat.S_ISGID else 0o022)
    return Open(root, writable, only)


def _purge(root: int) -> None:
    with contextlib.suppress(OSError):
        trash.purge(root)


def _serve(connection: socket.socket, here: Open, places: threading.Semaphore) -> None:
    try:
        with connection, contextlib.suppress(frames.GaveUp, OSError):
            answer = _Answer(connection)
            try:
                _carry_out(answer, here, frames.receive_json(connection))
            except Refused as error:
                answer.refuse(error.code, error.detail)
            except OSError as error:
                answer.refuse("failed", error.strerror or str(error))
    finally:
        places.release()


class _Answer:
    """Once it has begun, all that can be said of a failure is to break off."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._begun = False

    def begin(self, facts: dict[str, Any]) -> None:
        self._begun = True
        frames.send_json(self.connection, facts)

    def refuse(self, code: str, detail: str) -> None:
        if not self._begun:
            self.begin({"error": code, "detail": detail})

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(view), frames.CHUNK_BYTES):
            frames.send(self.connection, view[start : start + frames.CHUNK_BYTES])

    def finish(self) -> None:
        frames.finish(self.connection)


def _carry_out(answer: _Answer, here: Open, question: dict[str, Any]) -> None:
    if here.refusal:
        raise here.refusal
    kind, root = question.pop("do"), here.root
    if kind in _CHANGES and not here.writable:
        raise Refused("forbidden", "this folder is read-only")
    if here.only:
        _hold_to(here.only, kind, question)
    if kind == "read":
        for piece in operations.read(root, **question, begin=answer.begin):
            answer.send(piece)
        answer.finish()
    elif kind == "zip":
        for path in question["paths"]:
            operations.facts(root, path)
        answer.begin({})
        operations.zipped(root, question["paths"], answer.send)
        answer.finish()
    elif kind == "pointcloud":
        with below.file(root, question["path"]) as descriptor:
            facts, picture = pointcloud.look(descriptor)
        answer.begin(facts)
        answer.send(picture)
        answer.finish()
    elif kind == "write":
        answer.begin(operations.write(root, question, frames.pieces(answer.connection)))
    else:
        answer.begin(_PLAIN[kind](root, **question) or {})


def _hold_to(only: str, kind: str, question: dict[str, Any]) -> None:
    """A dataset that is one file shows nothing of what lies beside it."""
    if kind == "list" and not below.parts_of(question["path"]):
        question["only"] = only
        return
    paths = question.get("paths", [question.get("path", "")])
    if kind == "facts" and paths == [""]:
        return
    if any(below.parts_of(path) != [only] for path in paths):
        raise Refused("not_found", "there is no such file or folder")


_PLAIN: dict[str, Callable[..., Any]] = {
    "list": operations.listing,
    "facts": operations.facts,
    "offset": operations.offset,
    "folder": operations.make_folder,
    "move": operations.move,
    "delete": trash.delete,
    "restore": trash.restore,
    "trash": trash.listing,
    "purge": trash.purge,
}
_CHANGES = frozenset({"write", "folder", "move", "delete", "restore", "purge"})
