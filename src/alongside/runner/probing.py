"""Asking a tool whether it is ready, the way people will reach it: at its endpoint."""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp

from alongside.spec.tools import Probe

ASK_S = 5.0
#: a bridge accepts before its tool does, and then closes at once
TCP_SETTLE_S = 0.1


async def answers(endpoint: str, probe: Probe) -> bool:
    """Whether the component behind `unix:/path` or `tcp:address:port` counts as ready."""
    try:
        async with asyncio.timeout(ASK_S):
            if probe.type == "tcp":
                return await _accepts(endpoint)
            return await _answers(endpoint, probe.path)
    except (OSError, TimeoutError, aiohttp.ClientError):
        return False


async def _accepts(endpoint: str) -> bool:
    kind, _, where = endpoint.partition(":")
    if kind == "unix":
        reader, writer = await asyncio.open_unix_connection(where)
    else:
        host, _, port = where.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
    try:
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(reader.read(1), TCP_SETTLE_S) != b""
        return True
    finally:
        writer.close()


async def _answers(endpoint: str, path: str) -> bool:
    kind, _, where = endpoint.partition(":")
    connector = aiohttp.UnixConnector(path=where) if kind == "unix" else aiohttp.TCPConnector()
    # tools such as Jupyter check the Host header: they are asked as themselves, not by the run's name
    host = "localhost" if kind == "unix" else where
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(f"http://{host}{path}", allow_redirects=False) as response,
    ):
        return response.status < 500
