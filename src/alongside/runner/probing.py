"""Asking a tool whether it is ready, the way people will reach it: at its endpoint."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import quote

from alongside.spec.tools import Probe

ASK_S = 5.0
#: a bridge accepts before its tool does, and then closes at once
TCP_SETTLE_S = 0.1
LINE_BYTES = 4096


async def answers(endpoint: str, probe: Probe) -> bool:
    """Whether the component behind `unix:/path` or `tcp:address:port` counts as ready."""
    try:
        async with asyncio.timeout(ASK_S):
            reader, writer = await _connected(endpoint)
            try:
                if probe.type == "tcp":
                    return await _stays(reader)
                return await _status(reader, writer, endpoint, probe.path) < 500
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False


async def _connected(endpoint: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    kind, _, where = endpoint.partition(":")
    if kind == "unix":
        return await asyncio.open_unix_connection(where, limit=LINE_BYTES)
    host, _, port = where.rpartition(":")
    return await asyncio.open_connection(host, int(port), limit=LINE_BYTES)


async def _stays(reader: asyncio.StreamReader) -> bool:
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(reader.read(1), TCP_SETTLE_S) != b""
    return True


async def _status(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, endpoint: str, path: str
) -> int:
    """Of the answer to one GET, by hand: a tool that starts is asked many times.

    Raises:
        ValueError: what answers does not speak HTTP.
    """
    kind, _, where = endpoint.partition(":")
    # tools such as Jupyter check the Host header: they are asked as themselves, not by the run's name
    host = "localhost" if kind == "unix" else where
    target = quote(path, safe="/?&=%+,;:@!$'()*~[]-._")
    writer.write(
        f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode()
    )
    await writer.drain()
    protocol, status, *_ = (await reader.readline()).split(None, 2)
    if not protocol.startswith(b"HTTP/"):
        raise ValueError(protocol)
    return int(status)
