"""A container's output, appended to the attempt's log, without a gap or a repetition.

The engine keeps the output too (bounded), so a runner that was away reads on from the last line it
wrote: the mark beside the log holds that line's time and the log's size.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import time
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
from aiodocker.exceptions import DockerError

from alongside.runner.executors.docker.engine import LOST, Engine, EngineAway

#: how long the last lines of an ended container are waited for
DRAIN_S = 10.0

#: what was written since the last mark is written again after a restart of the runner
MARK_EVERY_S = 0.1

_log = structlog.get_logger(__name__)
_HEADER = struct.Struct(">BxxxL")


class AttemptLog:
    """One log file of one attempt, written by as many followers as it has components."""

    def __init__(self, path: Path, mark: Path) -> None:
        self._path = path
        self._mark = mark
        self._since: dict[str, str] = {}
        self._marked_at = 0.0

    def begin(self) -> None:
        """New containers: what the log holds of earlier ones is settled, the engine has forgotten it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch()
        self.mark()

    def resume(self) -> None:
        """Cut off what was written after the last mark; the engine tells it again."""
        try:
            mark = json.loads(self._mark.read_text())
            self._since = mark["since"]
            if self._path.stat().st_size > mark["size"]:
                os.truncate(self._path, mark["size"])
        except FileNotFoundError:
            return
        except (ValueError, KeyError):
            # a mark that was never completed: the log keeps its repetition rather than losing a line
            self._since = {}

    def since(self, container: str) -> str:
        return self._since.get(container, "")

    def append(self, container: str, at: str, text: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(text)
        self._since[container] = at
        if time.monotonic() - self._marked_at > MARK_EVERY_S:
            self.mark()

    def mark(self) -> None:
        self._marked_at = time.monotonic()
        part = self._mark.with_suffix(".part")
        part.write_text(json.dumps({"size": self._path.stat().st_size, "since": self._since}))
        part.replace(self._mark)


class Followers:
    """The tasks that write the logs of what runs, by container."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def follow(self, container: str, log: AttemptLog) -> None:
        task = asyncio.create_task(_follow(self._engine, container, log))
        self._tasks[container] = task
        task.add_done_callback(partial(self._done, container))

    async def drain(self, containers: Iterable[str]) -> None:
        """Wait for the last lines of containers that have ended."""
        if tasks := [self._tasks[name] for name in containers if name in self._tasks]:
            await asyncio.wait(tasks, timeout=DRAIN_S)

    async def leave(self, containers: Iterable[str] | None = None) -> None:
        """Follow these no longer, or none at all."""
        chosen = list(self._tasks) if containers is None else containers
        if tasks := [self._tasks[name] for name in chosen if name in self._tasks]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _done(self, container: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(container) is task:
            del self._tasks[container]
        if not task.cancelled() and (error := task.exception()):
            _log.error("log_lost", container=container, error=str(error))


async def _follow(engine: Engine, container: str, log: AttemptLog) -> None:
    """Write what the container says until it has ended and everything is written."""
    while True:
        try:
            async for at, text in _entries(engine, container, log.since(container)):
                log.append(container, at, text)
            state = await engine.inspect(container)
            if state is None or not state["State"]["Running"]:
                log.mark()
                return
        except (EngineAway, *LOST, asyncio.IncompleteReadError):
            await engine.back()
        except DockerError as error:
            if error.status in (404, 409):
                return
            await asyncio.sleep(0.5)
        # an engine that ends the stream of a running container is asked again, not at once
        await asyncio.sleep(0.1)


async def _entries(engine: Engine, container: str, since: str) -> AsyncIterator[tuple[str, bytes]]:
    """(time, text) of each line after `since`. aiodocker's own reader decodes, and splits characters."""
    parameters = {"stdout": "1", "stderr": "1", "follow": "1", "timestamps": "1"}
    if since:
        parameters["since"] = _unix(since)
    url = f"http://docker/containers/{container}/logs"
    async with engine.docker.session.get(url, params=parameters) as answer:
        if answer.status != 200:
            raise DockerError(answer.status, await answer.text())
        while True:
            try:
                header = await answer.content.readexactly(_HEADER.size)
            except asyncio.IncompleteReadError as error:
                if error.partial:
                    raise
                return
            _, length = _HEADER.unpack(header)
            frame = await answer.content.readexactly(length)
            at, _, text = frame.partition(b" ")
            if at.decode() > since:
                yield at.decode(), text


def _unix(instant: str) -> str:
    """The engine's own RFC 3339 form as the seconds.nanoseconds that its `since` wants."""
    whole = datetime.strptime(instant[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    nanoseconds = instant[20:].rstrip("Z") if len(instant) > 20 else ""
    return f"{int(whole.timestamp())}.{nanoseconds.ljust(9, '0')}"
