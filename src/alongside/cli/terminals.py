"""This end of a program in a run: our input, output, terminal and signals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from typing import Any

from alongside.client.answers import ShellAccess
from alongside.client.shells import Shell, opened
from alongside.spec.shells import ERRORS, Wish

CHUNK = 65536
QUEUED_MAX = 16


def run(access: ShellAccess, wish: Wish) -> int:
    """Carry out a wish with our standard streams; the program's exit code."""
    return asyncio.run(_run(access, wish))


async def _run(access: ShellAccess, wish: Wish) -> int:
    async with opened(access, wish) as shell:
        with _terminal(shell) if wish.cols else _signals(shell):
            feeding = asyncio.create_task(_feed(shell, for_ssh=wish.mode == "ssh"))
            try:
                async for channel, data in shell.output():
                    _write(sys.stderr.fileno() if channel == ERRORS else sys.stdout.fileno(), data)
            finally:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
    return 0 if shell.exit_code is None else shell.exit_code


async def forward(listening: Any, ticket: Any, port: int) -> None:
    """Pass what connects to a socket of ours on to a port of the run, until we are interrupted."""

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            access = await asyncio.to_thread(ticket)
            async with opened(access, Wish(mode="port", port=port)) as shell:
                sending = asyncio.create_task(_send(shell, reader))
                try:
                    async for channel, data in shell.output():
                        if channel == ERRORS:
                            sys.stderr.write(data.decode(errors="replace"))
                        else:
                            writer.write(data)
                            await writer.drain()
                finally:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
        writer.close()

    server = await asyncio.start_server(join, sock=listening)
    async with server:
        await server.serve_forever()


async def _send(shell: Shell, reader: asyncio.StreamReader) -> None:
    while data := await reader.read(CHUNK):
        await shell.send(data)
    await shell.tell(end=True)


async def _feed(shell: Shell, *, for_ssh: bool) -> None:
    """A thread reads: standard input may be a file, which no event loop waits for."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes] = asyncio.Queue(QUEUED_MAX)

    def read() -> None:
        with contextlib.suppress(OSError, RuntimeError):
            while True:
                data = os.read(0, CHUNK)
                asyncio.run_coroutine_threadsafe(pieces.put(data), loop).result()
                if not data:
                    return

    threading.Thread(target=read, daemon=True).start()
    with contextlib.suppress(ConnectionError):
        while data := await pieces.get():
            await shell.send(data)
        if for_ssh:
            # ssh itself is gone: nobody waits for what is still to come
            await shell.leave()
        else:
            await shell.tell(end=True)


def size() -> tuple[int, int]:
    found = shutil.get_terminal_size()
    return found.columns, found.lines


@contextlib.contextmanager
def _terminal(shell: Shell) -> Iterator[None]:
    """Every key goes to the program; the window's size follows ours."""
    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(0) if os.isatty(0) else None
    loop.add_signal_handler(signal.SIGWINCH, _later(loop, lambda: shell.tell(resize=size())))
    try:
        if before is not None:
            # what was typed ahead stays
            tty.setraw(0, termios.TCSADRAIN)
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
        if before is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _signals(shell: Shell) -> Iterator[None]:
    """Ctrl-C is for the program."""
    loop = asyncio.get_running_loop()
    names = {signal.SIGINT: "INT", signal.SIGTERM: "TERM"}
    for number, name in names.items():
        loop.add_signal_handler(number, _later(loop, lambda name=name: shell.tell(signal=name)))
    try:
        yield
    finally:
        for number in names:
            loop.remove_signal_handler(number)


def _later(loop: asyncio.AbstractEventLoop, work: Any) -> Any:
    tasks: set[asyncio.Task[None]] = set()

    def begin() -> None:
        task = loop.create_task(work())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return begin


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
