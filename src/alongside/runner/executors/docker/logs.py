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
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from aiodocker.exceptions import DockerError

from alongside.runner.executors.docker.engine import LOST, Engine, EngineAway

#: what was written since the last mark is written again after a restart of the runner
MARK_EVERY_S = 0.1

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


async def follow(engine: Engine, container: str, log: AttemptLog) -> None:
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
