"""Whether a component that others depend on answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp

from alongside.runner.executors import CannotStart
from alongside.spec.tools import Component, Probe

ANSWER_S = 5.0


async def ready(component: Component, address: Callable[[], Awaitable[str]]) -> None:
    """Returns once the component answers; a component without a port counts at once."""
    port = component.probe.port if component.probe and component.probe.port else component.port
    if port is None:
        return
    probe = component.probe or Probe(type="tcp")
    while True:
        with suppress(CannotStart):
            if await _answers(probe, await address(), port):
                return
        await asyncio.sleep(probe.interval_s)


def timeout_s(component: Component) -> float:
    return (component.probe or Probe()).timeout_s


async def _answers(probe: Probe, address: str, port: int) -> bool:
    try:
        async with asyncio.timeout(ANSWER_S):
            if probe.type == "http":
                return await _http(f"http://{address}:{port}{probe.path}")
            _, writer = await asyncio.open_connection(address, port)
            writer.close()
            return True
    except (OSError, TimeoutError, aiohttp.ClientError):
        return False


async def _http(url: str) -> bool:
    async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as answer:
        return answer.status < 500
