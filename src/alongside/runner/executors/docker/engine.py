"""The connection to the Docker Engine: whether it answers, and whether it was restarted."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiodocker import Docker
from aiodocker.exceptions import DockerError

#: how long what the engine says of itself is believed; it is asked for each sync and each start
FACTS_FRESH_S = 2.0
#: how many events the engine remembers; it forgets them all when it restarts
EVENTS_KEPT = 256
LOST = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError, TimeoutError)
#: aiodocker's own number, not one of HTTP
CANNOT_CONNECT = 900
ASK_S = 10.0


class EngineAway(Exception):
    """The engine does not answer; the message says what a person can do about it."""


class Engine:
    """One client for the whole executor, opened when first needed and never asked to block."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self._docker: Docker | None = None
        self._facts: dict[str, Any] = {}
        self._facts_until = 0.0

    @property
    def docker(self) -> Docker:
        if self._docker is None:
            timeout = aiohttp.ClientTimeout(sock_connect=ASK_S)
            # waits and logs stay open as long as their containers, so the pool has no limit
            connector = aiohttp.UnixConnector(str(self.socket), limit=0)
            self._docker = Docker(
                "unix://localhost",
                session=aiohttp.ClientSession(connector=connector, timeout=timeout),
                connector=connector,
                timeout=timeout,
            )
        return self._docker

    async def close(self) -> None:
        if self._docker is not None:
            session = self._docker.session
            await self._docker.close()
            await session.close()
            # the transports close in the loop's next turn, which may be its last
            await asyncio.sleep(0)
            self._docker = None

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[Docker]:
        """Calls to the engine; a lost connection becomes `EngineAway`."""
        try:
            yield self.docker
        except LOST as error:
            self._facts_until = 0.0
            raise EngineAway(self.trouble(error)) from error
        except DockerError as error:
            if error.status == CANNOT_CONNECT:
                self._facts_until = 0.0
                raise EngineAway(self.trouble(error.__cause__)) from error
            raise

    async def info(self) -> dict[str, Any]:
        """Over a connection of its own: one that is open already would outlive the engine's farewell."""
        connector = aiohttp.UnixConnector(str(self.socket), force_close=True)
        try:
            async with (
                aiohttp.ClientSession(connector=connector) as session,
                asyncio.timeout(ASK_S),
                session.get("http://docker/info") as answer,
            ):
                return await answer.json()
        except (*LOST, ValueError) as error:
            raise EngineAway(self.trouble(error)) from error

    async def facts(self) -> dict[str, Any]:
        """What `info` said a moment ago, or says now."""
        if time.monotonic() > self._facts_until:
            self._facts = await self.info()
            self._facts_until = time.monotonic() + FACTS_FRESH_S
        return self._facts

    async def back(self) -> None:
        """Returns once the engine answers, however long that takes."""
        pause = 0.1
        while True:
            try:
                await self.info()
                return
            except EngineAway:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)

    async def inspect(self, container: str) -> dict[str, Any] | None:
        """What the engine knows of a container; None if there is none of this name."""
        async with self.asked() as docker:
            try:
                return await docker.containers.container(container).show()
            except DockerError as error:
                if error.status == 404:
                    return None
                raise

    async def cpu_s(self, container: str) -> float | None:
        """Processor time of a container so far; None when the engine cannot say."""
        # one-shot: without it the engine measures for a second or two before it answers
        params = {"stream": "false", "one-shot": "true"}
        try:
            async with (
                self.asked() as docker,
                asyncio.timeout(ASK_S),
                docker.session.get(f"http://docker/containers/{container}/stats", params=params) as answer,
            ):
                said = await answer.json()
            return said["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
        except (EngineAway, KeyError, TypeError, ValueError):
            return None

    async def restarted_since(self, container: dict[str, Any]) -> bool:
        """Whether another engine process than today's started this container.

        The engine tells no start time of its own. It remembers its last 256 events, in memory: if
        there is room left among them, and the container's start is not there, it was another one.
        """
        since = _seconds(container["State"]["StartedAt"])
        if since is None:
            return False
        events = await self._events_since(since - 1)
        if len(events) >= EVENTS_KEPT:
            return False
        return not any(
            event.get("Action") == "start" and event.get("Actor", {}).get("ID") == container["Id"]
            for event in events
        )

    async def _events_since(self, since: int) -> list[dict[str, Any]]:
        async with self.asked() as docker:
            now = _seconds((await self.info()).get("SystemTime", "")) or since
            # without an end the engine would go on telling what happens
            params = {"since": str(since), "until": str(now + 1)}
            async with (
                asyncio.timeout(ASK_S),
                docker.session.get("http://docker/events", params=params) as answer,
            ):
                lines = (await answer.text()).splitlines()
        return [json.loads(line) for line in lines if line.strip()]

    def trouble(self, error: BaseException | None = None) -> str:
        """Why the engine does not answer, in words for the person who looks after this site."""
        if not self.socket.exists():
            return (
                f"there is no Docker Engine at {self.socket}: install one (on Debian the package "
                "docker.io) or set runner.docker_socket"
            )
        if not os.access(self.socket, os.W_OK) or getattr(error, "errno", None) == errno.EACCES:
            return f"this user may not use the Docker Engine at {self.socket}: add it to the group docker"
        return f"the Docker Engine at {self.socket} does not answer: is dockerd running?"


def _seconds(text: str) -> int | None:
    """Unix seconds of the engine's RFC 3339 instants, which carry nanoseconds."""
    try:
        return int(datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None
