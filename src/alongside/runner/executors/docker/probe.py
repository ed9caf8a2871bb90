"""Where a component is, and whether one that others depend on answers."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aiohttp

from alongside.runner.executors import CannotStart
from alongside.runner.executors.docker import containers
from alongside.runner.executors.docker.engine import Engine
from alongside.runner.executors.docker.launch import Launch, Part
from alongside.spec.tools import Component, Probe

ANSWER_S = 5.0


async def until_ready(engine: Engine, plan: Launch, part: Part, component: Component) -> None:
    """Others depend on it: they start once it answers, and never if it ends first.

    Raises:
        CannotStart: probe_timeout, or how it ended.
    """
    probe = component.probe or Probe(type="tcp")
    answers = asyncio.create_task(_ready(engine, plan, part, probe))
    gone = asyncio.create_task(containers.ended(engine, plan, part, lambda: False))
    try:
        await asyncio.wait((answers, gone), timeout=probe.timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if answers.done():
            return answers.result()
        if gone.done():
            ended = gone.result()
            how = ended.reason or f"component {part.component} ended with exit code {ended.exit_code}"
            raise CannotStart(ended.reason_code or "exit_code", f"{how}, before it was ready")
        raise CannotStart(
            "probe_timeout", f"component {part.component} did not answer within {probe.timeout_s:g} s"
        )
    finally:
        answers.cancel()
        gone.cancel()


async def address(engine: Engine, plan: Launch, part: Part) -> str:
    """Where the container is in the run's network, as this machine reaches it."""
    state = await engine.inspect(part.container)
    attached = (state or {}).get("NetworkSettings", {}).get("Networks", {}).get(plan.network) or {}
    if not attached.get("IPAddress"):
        raise CannotStart("starting", f"component {part.component} has no address yet")
    return attached["IPAddress"]


async def _ready(engine: Engine, plan: Launch, part: Part, probe: Probe) -> None:
    """Returns once the component answers; a component without a port counts at once."""
    port = probe.port or part.port
    if port is None:
        return
    while True:
        with suppress(CannotStart):
            if await _answers(probe, await address(engine, plan, part), port):
                return
        await asyncio.sleep(probe.interval_s)


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
