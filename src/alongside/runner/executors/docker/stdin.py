"""A task's arguments on its stdin, and the end of them.

The engine's attach connection is opened by hand: closing only its sending half, after everything
was handed over, is what makes the mark that follows true.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from alongside.runner.executors.docker.engine import EngineAway

ANSWER_MAX = 65_536


class Stdin:
    """Attached before the container starts, so that nothing of it can be missed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def attach(cls, socket: Path, container: str) -> Stdin:
        try:
            reader, writer = await asyncio.open_unix_connection(str(socket), limit=ANSWER_MAX)
            writer.write(
                f"POST /containers/{container}/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: docker\r\n"
                "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n".encode()
            )
            answer = await reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError) as error:
            raise EngineAway(f"the Docker Engine at {socket} ended the connection") from error
        status = answer.split(b" ", 2)[1]
        if status not in (b"101", b"200"):
            writer.close()
            raise EngineAway(f"the Docker Engine refused the task's stdin: {answer.splitlines()[0].decode()}")
        # drain then means: given to the engine
        writer.transport.set_write_buffer_limits(high=0)
        return cls(reader, writer)

    async def feed(self, content: bytes, done: Path) -> None:
        """Hand over `content` and its end; a task that ends without reading is not our trouble."""
        try:
            self._writer.write(content)
            await self._writer.drain()
            self._writer.write_eof()
        except ConnectionError:
            return
        finally:
            self.close()
        await asyncio.to_thread(done.touch)

    def close(self) -> None:
        """Whatever was not handed over yet never will be."""
        self._writer.transport.abort()
