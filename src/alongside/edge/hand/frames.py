"""How edge and hand speak over one connected socket per request.

A question is one JSON frame, so is its answer; then bytes follow in frames of their own, if there are
any, and an empty frame ends them. A connection that closes earlier means that the other side gave up.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from typing import Any

CHUNK_BYTES = 256 << 10
#: of a question or an answer; names of 500 entries with every character escaped fit
JSON_MAX = 4 << 20
_LENGTH = struct.Struct("!I")


class GaveUp(Exception):
    """The other side closed before it said that it was done."""


def framed(data: bytes | memoryview) -> bytes:
    return _LENGTH.pack(len(data)) + bytes(data)


def length_of(header: bytes) -> int:
    return _LENGTH.unpack(header)[0]


END = _LENGTH.pack(0)
HEADER_BYTES = _LENGTH.size


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def decoded(data: bytes) -> Any:
    return json.loads(data)


def send_json(to: socket.socket, value: Any) -> None:
    to.sendall(framed(encoded(value)))


def receive_json(source: socket.socket) -> Any:
    return decoded(_receive(source, JSON_MAX))


def send(to: socket.socket, data: bytes | memoryview) -> None:
    if data:
        to.sendall(framed(data))


def finish(to: socket.socket) -> None:
    to.sendall(END)


def pieces(source: socket.socket) -> Iterator[bytes]:
    """The bytes that follow, until their end.

    Raises:
        GaveUp: they break off.
    """
    while piece := _receive(source, CHUNK_BYTES):
        yield piece


def _receive(source: socket.socket, most: int) -> bytes:
    length = length_of(_exactly(source, HEADER_BYTES))
    if length > most:
        raise GaveUp(f"a frame of {length} bytes")
    return _exactly(source, length)


def _exactly(source: socket.socket, count: int) -> bytes:
    parts: list[bytes] = []
    while count:
        part = source.recv(count)
        if not part:
            raise GaveUp
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
