"""Logs of attempts as segment files: the first and the last 10 MiB are kept, the middle may go.

One process (the dispatcher) appends; any number of them read. An empty log has no file.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from alongside.errors import Conflict

SEGMENT_BYTES = 1 << 20
#: of the beginning and of the end of a log
KEPT_BYTES = 10 << 20


@dataclass(frozen=True)
class Piece:
    """Part of a log. `offset` is where `data` starts: later than asked for where the middle is gone."""

    data: bytes
    offset: int
    #: bytes written so far, kept or not
    size: int
    #: the attempt is over
    ended: bool = False
    #: nothing will be added
    complete: bool = False


def append(folder: Path, run: str, attempt: int, offset: int, data: bytes) -> int:
    """Add bytes that start at `offset`, and answer the log's size. What is there already is skipped.

    Raises:
        Conflict: `offset` lies beyond the end; the problem's `size` says where to go on.
    """
    place = _place(folder, run, attempt)
    size = _size(_segments(place))
    if offset > size:
        raise Conflict(f"the log has {size} bytes; send from there", size=size)
    fresh = data[size - offset :]
    if not fresh:
        return size
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    while fresh:
        start = size - size % SEGMENT_BYTES
        part = fresh[: start + SEGMENT_BYTES - size]
        with (place / f"{start:015d}.log").open("ab") as file:
            file.write(part)
            file.flush()
        size, fresh = size + len(part), fresh[len(part) :]
    _drop_middle(place, size)
    return size


def read(folder: Path, run: str, attempt: int, *, offset: int = 0, limit: int = SEGMENT_BYTES) -> Piece:
    """At most `limit` bytes from `offset` on, in one piece; from the end backwards if it is negative."""
    segments = _segments(_place(folder, run, attempt))
    size = _size(segments)
    offset = max(0, size + offset) if offset < 0 else min(offset, size)
    data, start = b"", offset
    for first, path in segments:
        if first + SEGMENT_BYTES <= offset or len(data) >= limit:
            continue
        if not data:
            start = max(offset, first)
        elif first != start + len(data):
            break
        data += _part(path, max(0, start + len(data) - first), limit - len(data))
    return Piece(data, start if data else offset, size)


def remove(folder: Path, run: str) -> None:
    shutil.rmtree(folder / run, ignore_errors=True)


def _part(path: Path, skip: int, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(skip)
            return file.read(count)
    except FileNotFoundError:
        # Dropped from the middle since it was listed.
        return b""


def _place(folder: Path, run: str, attempt: int) -> Path:
    return folder / run / str(attempt)


def _segments(place: Path) -> list[tuple[int, Path]]:
    try:
        with os.scandir(place) as entries:
            return sorted((int(entry.name.partition(".")[0]), Path(entry.path)) for entry in entries)
    except FileNotFoundError:
        return []


def _size(segments: list[tuple[int, Path]]) -> int:
    if not segments:
        return 0
    first, path = segments[-1]
    return first + path.stat().st_size


def _drop_middle(place: Path, size: int) -> None:
    for first, path in _segments(place):
        if first >= KEPT_BYTES and first + SEGMENT_BYTES <= size - KEPT_BYTES:
            path.unlink(missing_ok=True)
