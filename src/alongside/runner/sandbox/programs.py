"""Starts programs in sandboxes and holds their ends: pipes, or a terminal, and the way they end."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import termios
from typing import Any

from alongside.runner.jobs import Job
from alongside.runner.programs import ERRORS, NOT_RUNNABLE, OUTPUT, CannotEnter, Program
from alongside.runner.sandbox.enter import PACKET_MAX

ENTER = "alongside.runner.sandbox.enter"
ENTER_S = 30.0
CHUNK = 65536
#: after its end, what others that it started may still be writing
DRAIN_S = 1.0
#: what a Python may need to begin
TOLD = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")


def plan(inside: int, told: dict[str, Any], front: str, job: Job, program: Program) -> dict[str, Any]:
    """What `enter` needs: `told` is what the sandbox's first process was given."""
    component = next(item for item in told["components"] if item["name"] == front)
    port = str(component["host_port"] or "")
    env = {name: value.replace("{port}", port) for name, value in component["env"].items()}
    return {
        "inside": inside,
        "uid": job.uid,
        "gid": job.gid,
        "groups": list(job.gids),
        "kind": program.kind,
        "argv": list(program.argv),
        "env": env | program.told,
        "cwd": component["cwd"],
        "port": program.port,
        "terminal": program.terminal and {"cols": program.terminal.cols, "rows": program.terminal.rows},
        "limits": told["limits"],
        "cpus": told["cpus"],
    }


async def enter(plan: dict[str, Any]) -> Entered:
    """
    Raises:
        CannotEnter
    """
    packet = json.dumps(plan).encode()
    if len(packet) > PACKET_MAX:
        raise CannotEnter("the command is too long")
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.setblocking(False)
    pipes: list[int] = []
    try:
        with theirs:
            if plan["terminal"] is None:
                for _ in range(3):
                    pipes.extend(os.pipe2(os.O_CLOEXEC))
            control.send(packet)
            await asyncio.to_thread(_start, theirs.fileno(), pipes)
        for descriptor in (pipes[0], pipes[3], pipes[5]) if pipes else ():
            os.close(descriptor)
        pipes = [pipes[1], pipes[2], pipes[4]] if pipes else []
        entered = Entered(control)
        await asyncio.wait_for(entered.begin(pipes), ENTER_S)
        return entered
    except BaseException as error:
        control.close()
        for descriptor in pipes:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        if isinstance(error, (OSError, TimeoutError)):
            raise CannotEnter(f"the program does not start: {error}") from None
        raise


def _start(control: int, pipes: list[int]) -> None:
    """Returns when the sandbox's first process has adopted what was started, or when that failed."""
    nothing = subprocess.DEVNULL
    input, output, errors = (pipes[0], pipes[3], pipes[5]) if pipes else (nothing, nothing, nothing)
    argv = [sys.executable, "-I", "-m", ENTER, str(control)]
    subprocess.run(
        argv,
        stdin=input,
        stdout=output,
        stderr=errors,
        pass_fds=(control,),
        # it waits inside the sandbox: what the runner was told by its environment stays out of there
        env={name: os.environ[name] for name in TOLD if name in os.environ},
        timeout=ENTER_S,
        check=False,
    )


class Entered:
    """One program in a sandbox; see `programs.Inside`."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._loop = asyncio.get_running_loop()
        self._inputs: asyncio.StreamWriter | None = None
        self._terminal: int | None = None
        self._transports: list[asyncio.BaseTransport] = []
        self._pieces: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue(4)
        self._seen = 0
        self._pumps: list[asyncio.Task[None]] = []
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, pipes: list[int]) -> None:
        """Once it has started.

        Raises:
            CannotEnter
        """
        terminal = None
        while True:
            said, terminal = await self._hear(terminal)
            if "error" in said:
                raise CannotEnter(said["error"])
            if "started" in said:
                break
        if terminal is not None:
            self._terminal = terminal
            await self._connect(os.dup(terminal), {OUTPUT: os.dup(terminal)})
        else:
            await self._connect(pipes[0], {OUTPUT: pipes[1], ERRORS: pipes[2]})
        self._tasks = [asyncio.create_task(self._await_end()), asyncio.create_task(self._drain())]

    async def read(self) -> tuple[int, bytes] | None:
        return await self._pieces.get()

    async def write(self, data: bytes) -> None:
        if self._inputs is not None:
            with contextlib.suppress(OSError):
                self._inputs.write(data)
                await self._inputs.drain()

    async def end_input(self) -> None:
        if self._terminal is not None:
            await self.write(b"\x04")
        elif self._inputs is not None:
            self._inputs.close()

    async def resize(self, cols: int, rows: int) -> None:
        if self._terminal is not None:
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    async def signal(self, number: int) -> None:
        with contextlib.suppress(OSError):
            self._control.send(json.dumps({"signal": number}).encode())

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    async def close(self) -> None:
        for task in (*self._tasks, *self._pumps):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._pumps, return_exceptions=True)
        for transport in self._transports:
            transport.close()
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None
        self._control.close()
        if not self._ended.done():
            self._ended.set_result(NOT_RUNNABLE)
        # transports close in the loop's next turn, which may be its last
        await asyncio.sleep(0)

    async def _hear(self, terminal: int | None) -> tuple[dict[str, Any], int | None]:
        await _readable(self._loop, self._control)
        packet, descriptors, _, _ = socket.recv_fds(self._control, PACKET_MAX, 1)
        if not packet:
            raise CannotEnter("the sandbox cannot be entered: its end may have come")
        return json.loads(packet), descriptors[0] if descriptors else terminal

    async def _connect(self, input: int, outputs: dict[int, int]) -> None:
        transport, protocol = await self._loop.connect_write_pipe(
            lambda: asyncio.streams.FlowControlMixin(self._loop), os.fdopen(input, "wb", 0)
        )
        self._inputs = asyncio.StreamWriter(transport, protocol, None, self._loop)
        self._transports.append(transport)
        for channel, descriptor in outputs.items():
            reader = asyncio.StreamReader(limit=CHUNK)
            way, _ = await self._loop.connect_read_pipe(
                lambda reader=reader: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
            )
            self._transports.append(way)
            self._pumps.append(asyncio.create_task(self._pump(channel, reader)))

    async def _pump(self, channel: int, reader: asyncio.StreamReader) -> None:
        # a terminal whose other end is closed is an error to read, and simply over
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                self._seen += 1
                await self._pieces.put((channel, data))

    async def _await_end(self) -> None:
        code = NOT_RUNNABLE
        with contextlib.suppress(OSError, CannotEnter, ValueError):
            said, _ = await self._hear(None)
            code = int(said["exit"])
        if not self._ended.done():
            self._ended.set_result(code)

    async def _drain(self) -> None:
        """All output, but of what runs on in the background only what comes at once."""
        left: set[asyncio.Future[Any]] = {*self._pumps}
        while left and not self._ended.done():
            _, left = await asyncio.wait({*left, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            left.discard(self._ended)
        seen = -1
        while left and (seen < self._seen or not self._pieces.empty()):
            seen = self._seen
            _, left = await asyncio.wait(left, timeout=DRAIN_S)
        await self._pieces.put(None)


async def _readable(loop: asyncio.AbstractEventLoop, channel: socket.socket) -> None:
    ready = loop.create_future()
    loop.add_reader(channel, lambda: ready.done() or ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(channel)
