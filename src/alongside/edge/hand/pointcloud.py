"""A look at a point cloud (LAS, LAZ): what its header says, and for LAS a picture from above.

Layout: ASPRS LAS 1.4 R15, table 3. Points of a LAZ file are compressed, so only its header is read.
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import Any

from alongside.edge.hand.below import Refused

POINTS_SEEN = 60_000
WIDTH = 320
_COORDINATES = struct.Struct("<iii")


def look(descriptor: int) -> tuple[dict[str, Any], bytes]:
    """Facts, and a PNG (empty where there can be none)."""
    head = os.pread(descriptor, 375, 0)
    if len(head) < 227 or head[:4] != b"LASF":
        raise Refused("invalid", "this is not a LAS or LAZ file")
    major, minor = head[24], head[25]
    data_at, _, form, length, count = struct.unpack_from("<IIBHI", head, 96)
    scale, shift = struct.unpack_from("<3d", head, 131), struct.unpack_from("<3d", head, 155)
    max_x, min_x, max_y, min_y, max_z, min_z = struct.unpack_from("<6d", head, 179)
    if (major, minor) >= (1, 4) and len(head) >= 255:
        count = struct.unpack_from("<Q", head, 247)[0] or count
    compressed = bool(form & 0x80)
    facts = {
        "format": f"{'LAZ' if compressed else 'LAS'} {major}.{minor}",
        "point_format": form & 0x3F,
        "points": count,
        "min": _finite((min_x, min_y, min_z)),
        "max": _finite((max_x, max_y, max_z)),
    }
    here = (os.fstat(descriptor).st_size - data_at) // length if length >= 12 else 0
    if compressed or min(here, count) <= 0 or not max_x > min_x or not max_y > min_y:
        return facts, b""
    bounds = (min_x, max_x, min_y, max_y, min_z, max_z)
    return facts, _picture(descriptor, data_at, length, min(here, count), (scale, shift), bounds)


def _picture(
    descriptor: int,
    data_at: int,
    length: int,
    count: int,
    frame: tuple[tuple[float, ...], tuple[float, ...]],
    bounds: tuple[float, ...],
) -> bytes:
    min_x, max_x, min_y, max_y, min_z, max_z = bounds
    scale, shift = frame
    height = max(16, min(2 * WIDTH, round(WIDTH * (max_y - min_y) / (max_x - min_x))))
    highest = [[-1] * WIDTH for _ in range(height)]
    for number in range(0, count, max(1, count // POINTS_SEEN)):
        raw = os.pread(descriptor, 12, data_at + number * length)
        if len(raw) < 12:
            break
        x, y, z = (
            value * factor + move
            for value, factor, move in zip(_COORDINATES.unpack(raw), scale, shift, strict=True)
        )
        column = int((x - min_x) / (max_x - min_x) * (WIDTH - 1))
        line = int((max_y - y) / (max_y - min_y) * (height - 1))
        if 0 <= column < WIDTH and 0 <= line < height:
            level = int(255 * (z - min_z) / (max_z - min_z)) if max_z > min_z else 128
            highest[line][column] = max(highest[line][column], min(255, max(0, level)))
    return _png(highest)


def _png(levels: list[list[int]]) -> bytes:
    """Low is blue, high is yellow, nothing is transparent."""
    colours = [bytes((0, 0, 0, 0))] + [
        bytes((int(40 + 215 * share), int(60 + 150 * share), int(160 - 120 * share), 255))
        for share in (step / 255 for step in range(256))
    ]
    rows = b"".join(b"\0" + b"".join(colours[level + 1] for level in line) for line in levels)
    header = struct.pack(">IIBBBBB", len(levels[0]), len(levels), 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _finite(values: tuple[float, ...]) -> list[float] | None:
    return [round(value, 3) for value in values] if all(abs(value) < 1e15 for value in values) else None
