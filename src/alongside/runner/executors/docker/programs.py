"""Programs beside a tool in its container: the engine's exec, with its connection opened by hand.

The connection's sending half can then be closed alone, which is how a program hears that its input is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import struct
from pathlib import Path
from typing import Any

from alongside.runner.executors import CannotEnter, Program
from alongside.runner.executors.docker.engine import Engine, EngineAway
from alongside.runner.programs import ERRORS, NOT_RUNNABLE, OUTPUT
from alongside.runner.sandbox import sftp, splice

ANSWER_MAX = 65_536
CHUNK = 65_536
HANG_UP_S = 2.0
CONNECT_S = 2.0
#: the engine's word of an exec's end may come a moment after its output's
END_S = 10.0
RESIZE_TRIES = 10
FILES = (
    "for p in /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server /usr/lib/ssh/sftp-server; do "
    'test -x "$p" && exec "$p"; done; exec python3 -c "$0"'
)


async def enter(engine: Engine, container: str, cwd: str, program: Program) -> Executed:
    """
    Raises:
        CannotEnter
    """
    terminal = program.terminal
    body: dict[str, Any] = {
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": terminal is not None,
        "Cmd": list(_argv(program)),
        "Env": [f"{name}={value}" for name, value in program.told.items()],
        "WorkingDir": cwd,
    }
    made = await _ask(engine, "POST", f"containers/{container}/exec", json=body)
    executed = Executed(engine, made["Id"], is_terminal=terminal is not None)
    await executed.begin()
    if terminal is not None:
        # older engines take no size when they start an exec
        await executed.resize(terminal.cols, terminal.rows)
    return executed


async def join(address: str, port: int) -> Joined:
    """
    Raises:
        OSError: nothing of the container answers there from outside it.
    """
    async with asyncio.timeout(CONNECT_S):
        return Joined(*await asyncio.open_connection(address, port))


def _argv(program: Program) -> tuple[str, ...]:
    if program.kind == "files":
        return ("/bin/sh", "-c", FILES, Path(sftp.__file__).read_text())
    if program.kind == "port":
        return ("python3", "-c", Path(splice.__file__).read_text(), str(program.port))
    return program.argv


class Executed:
    """One exec of the engine; see `programs.Inside`."""

    def __init__(self, engine: Engine, id: str, *, is_terminal: bool) -> None:
        self._engine = engine
        self._id = id
        self._is_terminal = is_terminal
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._closed = False
        self._container_id = ""
        #: what is left of a piece whose head said that there is more
        self._channel, self._left = OUTPUT, 0

    async def begin(self) -> None:
        """
        Raises:
            CannotEnter: such as that the image has no such program.
        """
        body = json.dumps({"Detach": False, "Tty": self._is_terminal}).encode()
        head = (
            f"POST /exec/{self._id}/start HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._engine.socket), limit=ANSWER_MAX)
        except OSError as error:
            raise CannotEnter(self._engine.trouble(error)) from None
        try:
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if answer.split(b" ", 2)[1] not in (b"101", b"200"):
                raise CannotEnter(_detail(await reader.read(ANSWER_MAX)))
        except (OSError, asyncio.IncompleteReadError) as error:
            writer.close()
            raise CannotEnter(self._engine.trouble(error)) from None
        except BaseException:
            writer.close()
            raise
        self._reader, self._writer = reader, writer

    async def read(self) -> tuple[int, bytes] | None:
        assert self._reader is not None
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self._is_terminal:
                data = await self._reader.read(CHUNK)
                return (OUTPUT, data) if data else None
            while not self._left:
                head = await self._reader.readexactly(8)
                self._channel = ERRORS if head[0] == ERRORS else OUTPUT
                (self._left,) = struct.unpack(">I", head[4:])
            data = await self._reader.read(min(self._left, CHUNK))
            self._left -= len(data)
            return (self._channel, data) if data else None
        return None

    async def write(self, data: bytes) -> None:
        assert self._writer is not None
        with contextlib.suppress(OSError):
            self._writer.write(data)
            await self._writer.drain()

    async def end_input(self) -> None:
        assert self._writer is not None
        if self._is_terminal:
            await self.write(b"\x04")
        else:
            with contextlib.suppress(OSError):
                self._writer.write_eof()

    async def resize(self, cols: int, rows: int) -> None:
        params = {"h": str(rows), "w": str(cols)}
        for _ in range(RESIZE_TRIES):
            try:
                await _ask(self._engine, "POST", f"exec/{self._id}/resize", params=params)
                return
            except CannotEnter:
                # it is not running yet, or no more
                await asyncio.sleep(0.05)

    async def signal(self, number: int) -> None:
        pid = await self._pid()
        if pid and await asyncio.to_thread(is_of, pid, self._container_id):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                # the engine makes each exec the first of a group
                os.killpg(pid, number)

    async def wait(self) -> int:
        """Known once the output is over."""
        deadline = asyncio.get_running_loop().time() + END_S
        while True:
            found = await self._inspect()
            if not found.get("Running") and found.get("ExitCode") is not None:
                return int(found["ExitCode"])
            if asyncio.get_running_loop().time() > deadline:
                return NOT_RUNNABLE
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        """The engine lets an exec go on when nobody listens any more, so it is ended by signals."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            self._writer.transport.abort()
        await self.signal(signal.SIGHUP)
        deadline = asyncio.get_running_loop().time() + HANG_UP_S
        while (await self._inspect()).get("Running"):
            if asyncio.get_running_loop().time() > deadline:
                await self.signal(signal.SIGKILL)
                return
            await asyncio.sleep(0.05)

    async def _pid(self) -> int:
        found = await self._inspect()
        self._container_id = str(found.get("ContainerID", ""))
        return int(found.get("Pid") or 0) if found.get("Running") else 0

    async def _inspect(self) -> dict[str, Any]:
        """Empty once the container is gone."""
        try:
            return await _ask(self._engine, "GET", f"exec/{self._id}/json")
        except CannotEnter:
            return {"ExitCode": 128 + signal.SIGKILL}


class Joined:
    """A connection to a port of the container's; see `programs.Inside`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._over = asyncio.Event()

    async def read(self) -> tuple[int, bytes] | None:
        with contextlib.suppress(OSError):
            if data := await self._reader.read(CHUNK):
                return OUTPUT, data
        self._over.set()
        return None

    async def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._writer.write(data)
            await self._writer.drain()

    async def end_input(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def resize(self, cols: int, rows: int) -> None:
        return

    async def signal(self, number: int) -> None:
        return

    async def wait(self) -> int:
        await self._over.wait()
        return 0

    async def close(self) -> None:
        self._over.set()
        self._writer.close()


async def _ask(engine: Engine, method: str, path: str, **parts: Any) -> dict[str, Any]:
    """
    Raises:
        CannotEnter: with the engine's own words.
    """
    try:
        async with (
            engine.asked() as docker,
            docker.session.request(method, f"http://docker/{path}", **parts) as answer,
        ):
            found = await answer.json(content_type=None) if answer.content_length != 0 else {}
    except EngineAway as trouble:
        raise CannotEnter(str(trouble)) from None
    if answer.status >= 400:
        raise CannotEnter(str(found.get("message")))
    return found or {}


def is_of(pid: int, container: str) -> bool:
    """Whether this pid is the engine's process and not, where namespaces differ, somebody else's."""
    try:
        return bool(container) and container in Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False


def _detail(answer: bytes) -> str:
    text = answer.partition(b"\r\n\r\n")[2] or answer
    with contextlib.suppress(ValueError):
        return str(json.loads(text[text.find(b"{") : text.rfind(b"}") + 1])["message"])
    return "the Docker Engine refuses to start a program"
