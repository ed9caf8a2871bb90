"""One installation from start to end: prepare, start the parts, wait until they are well, stop in order."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3

from alongside.cli.up import pausing, ports
from alongside.cli.up.bootstrap import PRIVATE, bootstrap, leave_token
from alongside.cli.up.demo import Demo
from alongside.cli.up.parts import Parts
from alongside.client import Client
from alongside.client.errors import CallFailed
from alongside.config import Config, environment_name, settings
from alongside.errors import Misconfigured
from alongside.hub.bootstrap import Started

START_MAX_S = 60.0
PAUSE_MAX_S = 30.0


class Installation:
    """Everything of `alongside up`; `run` is called once."""

    def __init__(
        self, config: Config, demo: Demo | None, tools: Path | None, say: Callable[[str], None]
    ) -> None:
        self._config = config
        self._demo = demo
        self._tools = tools
        self._say = say

    def run(self, ready: Callable[[Started], None]) -> None:
        """Until SIGINT or SIGTERM.

        Raises:
            Misconfigured: it cannot start; says what to change.
        """
        ports.require_free(self._config)
        self._say("Preparing the database")
        standing = bootstrap(self._config)
        pausing.resume(self._config, standing.site)
        asyncio.run(self._run(standing, ready))

    async def _run(self, standing: Started, ready: Callable[[Started], None]) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop.set)
        folder = self._config.data_dir / "processes"
        parts = Parts(folder, environment(self._config, standing.registration_token or ""), self._say)
        client = Client(self._config.hub.url, standing.api_token)
        stopping = asyncio.create_task(stop.wait())
        try:
            starting = asyncio.create_task(self._start(parts, client, standing))
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                ready(standing)
                await stopping
                self._say("Stopping: pausing interactive runs")
                await asyncio.to_thread(self._pause_all, standing.site)
            else:
                starting.cancel()
        finally:
            self._say("Stopping the processes")
            await parts.stop_all()
            stopping.cancel()
            client.close()
        self._say("Stopped. Everything is kept in " + str(self._config.data_dir.absolute()))

    async def _start(self, parts: Parts, client: Client, standing: Started) -> None:
        self._say("Starting hub, dispatcher, edge and runner")
        parts.start("hub", umask=PRIVATE)
        parts.start("dispatcher", umask=PRIVATE)
        parts.start("edge")
        edge = f"http://{self._config.edge.host}:{self._config.edge.port}"
        await self._until(parts, "the hub answers through the edge", lambda: _answers(f"{edge}/healthz"))
        parts.start("runner")
        await self._until(parts, "the runner has joined", lambda: _joined(client))
        await asyncio.to_thread(leave_token, self._config, client)
        if self._demo and self._tools:
            for name in await asyncio.to_thread(self._demo.publish, client, self._tools):
                self._say(f"Added {name}")
        parts.settle()

    async def _until(self, parts: Parts, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_MAX_S
        while not await asyncio.to_thread(holds):
            parts.check()
            if time.monotonic() > deadline:
                raise Misconfigured(
                    f"waited {START_MAX_S:.0f} s, but not: {what}; see the logs in "
                    f"{self._config.data_dir.absolute() / 'processes'}"
                )
            await asyncio.sleep(0.1)

    def _pause_all(self, site: str) -> None:
        """What does not stop in time is no reason to stay: the runner's own end comes next."""
        for run in pausing.pause_all(self._config, site, PAUSE_MAX_S):
            self._say(f"Run {run} did not stop in time")


def environment(config: Config, registration_token: str) -> dict[str, str]:
    """This process's environment with the whole configuration in it, so that all parts read the same."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("ALONGSIDE_")}
    variables[environment_name("data_dir")] = str(config.data_dir.absolute())
    for name, _, _ in settings():
        if name != "data_dir":
            section, _, item = name.partition(".")
            variables[environment_name(name)] = _written(getattr(getattr(config, section), item))
    variables[environment_name("runner.registration_token")] = registration_token
    return variables


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, timeout=2.0, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _joined(client: Client) -> bool:
    try:
        return any(runner.state == "online" for runner in client.admin.runners())
    except CallFailed:
        return False
