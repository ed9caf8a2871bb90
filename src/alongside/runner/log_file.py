"""A log on the runner's disk: its head and tail are kept, the middle becomes a hole of no size.

Offsets stay what they are while the tool goes on writing. Stdlib only: the sandbox's keeper uses it too.
"""

from __future__ import annotations

import ctypes
import os

#: of the beginning and of the end, as the hub keeps them
KEPT_BYTES = 10 << 20
#: the middle is taken away in pieces of at least this size
STEP_BYTES = 1 << 20
BLOCK_BYTES = 4096
_KEEP_SIZE, _PUNCH_HOLE = 1, 2

_libc = ctypes.CDLL(None, use_errno=True)


def keep_ends(descriptor: int, kept: int = KEPT_BYTES) -> bool:
    """Give back the disk that the middle takes; False if this file system cannot. Open for writing."""
    first = -(-kept // BLOCK_BYTES) * BLOCK_BYTES
    last = (os.fstat(descriptor).st_size - kept) // BLOCK_BYTES * BLOCK_BYTES
    if last - data_after(descriptor, first) < STEP_BYTES:
        return True
    mode, offset, length = _KEEP_SIZE | _PUNCH_HOLE, ctypes.c_int64(first), ctypes.c_int64(last - first)
    return _libc.fallocate64(descriptor, mode, offset, length) == 0


def data_after(descriptor: int, offset: int) -> int:
    """Where the next byte is that was not taken away: `offset` itself, unless it is in the hole."""
    size = os.fstat(descriptor).st_size
    if offset >= size:
        return offset
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError:
        return size


def read(descriptor: int, offset: int, count: int) -> bytes:
    """Bytes from `offset` on as far as they are there; none if they are being taken away just now."""
    end = os.lseek(descriptor, offset, os.SEEK_HOLE)
    data = os.pread(descriptor, min(count, end - offset), offset)
    return data if data_after(descriptor, offset) == offset else b""
