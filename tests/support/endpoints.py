"""HTTP requests to a tool's endpoint, `unix:…` or `tcp:…`, as the edge would send them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp

from alongside.runner.executors import CannotStart, Executor, Handle

T = TypeVar("T")


async def request(
    endpoint: str, path: str, *, method: str = "GET", body: str | None = None
) -> tuple[int, str]:
    kind, _, where = endpoint.partition(":")
    connector = aiohttp.UnixConnector(path=where) if kind == "unix" else aiohttp.TCPConnector()
    host = "tool" if kind == "unix" else where
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.request(method, f"http://{host}{path}", data=body) as response,
    ):
        return response.status, await response.text()


async def ready(executor: Executor, handle: Handle, *, path: str = "/uid", within_s: float = 30) -> str:
    """The endpoint of an attempt, once it answers."""

    async def answers() -> str | None:
        try:
            endpoint = await executor.endpoint(handle)
            await request(endpoint, path)
        except (CannotStart, aiohttp.ClientError, OSError):
            return None
        return endpoint

    return await until(answers, within_s=within_s)


async def until(look: Callable[[], Awaitable[T | None]], *, within_s: float = 60, every_s: float = 0.02) -> T:
    """What `look` returns as soon as it is true."""
    async with asyncio.timeout(within_s):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(every_s)
