"""Reading as somebody else: the kernel, not the runner, says which of a person's files may be read.

Only the thread that asks changes, and only while it opens something; without root a runner reads as itself.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Sequence

_SETGROUPS = {"x86_64": 116, "ppc64le": 81, "s390x": 206}.get(platform.machine(), 159)
_ASK = ctypes.c_uint32(0xFFFFFFFF)
_libc = ctypes.CDLL(None, use_errno=True)


class Eyes:
    """A context manager for one thread at a time. `uid` None: the runner's own."""

    def __init__(self, uid: int | None = None, gid: int = 0, groups: Sequence[int] = ()) -> None:
        self._whose = None if uid is None or os.geteuid() != 0 else (uid, gid, tuple(groups))
        self._own = (os.geteuid(), os.getegid(), tuple(os.getgroups()))

    def __enter__(self) -> None:
        if self._whose:
            try:
                _see_as(*self._whose)
            except OSError:
                _see_as(*self._own)
                raise

    def __exit__(self, *_: object) -> None:
        if self._whose:
            _see_as(*self._own)


def _see_as(uid: int, gid: int, groups: Sequence[int]) -> None:
    # as system calls: the library's function for groups changes every thread of the process
    if _libc.syscall(_SETGROUPS, len(groups), (ctypes.c_uint32 * len(groups))(*groups)):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    for change, wanted in ((_libc.setfsgid, gid), (_libc.setfsuid, uid)):
        change(ctypes.c_uint32(wanted))
        if change(_ASK) & 0xFFFFFFFF != wanted:
            raise PermissionError(f"this runner cannot read as {wanted}")
