"""Asking a Jupyter server what its kernels and terminals do, at the endpoint of its run."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import aiohttp

from alongside.spec.culling import Kernels

ASK_S = 5.0
#: an answer is not read beyond this
ANSWER_MAX_BYTES = 1_000_000


class Silent(Exception):
    """It does not say, or not so that it can be understood."""


async def ask(endpoint: str, base: str = "") -> Kernels:
    """`base` is the path at which the server's own pages begin.

    Raises:
        Silent
    """
    kind, _, where = endpoint.partition(":")
    connector = aiohttp.UnixConnector(path=where) if kind == "unix" else aiohttp.TCPConnector()
    # a Jupyter server checks the Host header: it is asked as itself, not by the run's name
    server = f"http://{'localhost' if kind == 'unix' else where}{base}"
    try:
        async with asyncio.timeout(ASK_S), aiohttp.ClientSession(connector=connector) as session:
            kernels = await _list(session, f"{server}/api/kernels")
            try:
                terminals = await _list(session, f"{server}/api/terminals")
            except aiohttp.ClientResponseError:
                terminals = []  # switched off
        return _understood(kernels, terminals, datetime.now(UTC))
    except (OSError, TimeoutError, ValueError, aiohttp.ClientError) as error:
        raise Silent(str(error)) from error


async def _list(session: aiohttp.ClientSession, url: str) -> list[dict[str, Any]]:
    async with session.get(url, allow_redirects=False) as response:
        response.raise_for_status()
        text = b""
        while more := await response.content.read(ANSWER_MAX_BYTES - len(text)):
            text += more
    found = json.loads(text)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ValueError(f"{url} is no list")
    return found


def _understood(kernels: list[dict[str, Any]], terminals: list[dict[str, Any]], now: datetime) -> Kernels:
    quiet = [
        (now - datetime.fromisoformat(item["last_activity"])).total_seconds()
        for item in (*kernels, *terminals)
        if isinstance(item.get("last_activity"), str)
    ]
    busy = sum(1 for item in kernels if item.get("execution_state") == "busy")
    return Kernels(busy, min(quiet, default=None))
