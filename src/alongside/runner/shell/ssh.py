"""An ssh server for one connection that the edge let in: shells, commands, sftp, ports of the run.

Whoever is here came with a ticket, so nothing is asked again. Keys of the host are made from a secret of
the runner's, so that a run keeps its key without one being stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
import secrets
import signal
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import asyncssh
from asyncssh.constants import EXTENDED_DATA_STDERR, OPEN_ADMINISTRATIVELY_PROHIBITED
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from alongside.runner.executors import CannotEnter, Inside, Program
from alongside.runner.programs import ERRORS, NOT_RUNNABLE, SHELL, Terminal
from alongside.runner.shell.places import Places
from alongside.runner.tasks import cancel

SECRET_BYTES = 32
CHUNK = 65536
HERE = ("localhost", "127.0.0.1", "::1")
#: variables that a client may bring
BROUGHT = ("LANG", "LC_", "COLORTERM", "TERM_PROGRAM")

Key = asyncssh.SSHKey
_Attend = Callable[[asyncssh.SSHServerProcess[bytes]], Coroutine[Any, Any, None]]


def host_key(folder: Path, run: str) -> Key:
    """The same for a run at this runner, always."""
    seed = hmac.digest(_secret(folder / "shell.key"), run.encode(), hashlib.sha256)
    pem = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    return asyncssh.import_private_key(pem)


async def serve(connection: socket.socket, places: Places, run: str, key: Key) -> None:
    """Until the client has gone."""
    running: set[asyncio.Task[None]] = set()

    async def attend(process: asyncssh.SSHServerProcess[bytes]) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await _attend(process, places, run)
        finally:
            running.discard(task)

    try:
        served = await asyncssh.run_server(
            connection,
            server_factory=lambda: _Server(places, run, attend),
            server_host_keys=[key],
            encoding=None,
            line_editor=False,
            x11_forwarding=False,
            agent_forwarding=False,
            allow_scp=False,
            compression_algs=None,
            config=[],
        )
        await served.wait_closed()
    except (OSError, asyncssh.Error):
        return  # it spoke something else, or went away
    finally:
        for task in list(running):
            await cancel(task)
        connection.close()


class _Process(asyncssh.SSHServerProcess[bytes]):
    """As the library has it, but that sftp is a program in the run and not a server in this process."""

    def __init__(self, attend: _Attend) -> None:
        super().__init__(attend, None, 0, False)
        self._attend = attend

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"

    def session_started(self) -> None:
        assert self._conn is not None
        reader = asyncssh.SSHReader[bytes](self, self._chan)
        writer = asyncssh.SSHWriter[bytes](self, self._chan)
        errors = asyncssh.SSHWriter[bytes](self, self._chan, EXTENDED_DATA_STDERR)
        self._stdin, self._stdout, self._stderr = reader, writer, errors
        self._conn.create_task(self._attend(self), reader.logger)


class _Server(asyncssh.SSHServer):
    def __init__(self, places: Places, run: str, attend: _Attend) -> None:
        self._places = places
        self._run = run
        self._attend = attend

    def begin_auth(self, username: str) -> bool:
        return False

    def session_requested(self) -> _Process:
        return _Process(self._attend)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> Any:
        if dest_host not in HERE:
            raise asyncssh.ChannelOpenError(
                OPEN_ADMINISTRATIVELY_PROHIBITED, "only ports of the run itself: use localhost"
            )
        return _forwarding(self._places, self._run, dest_port)


def _forwarding(places: Places, run: str, port: int) -> Callable[..., Coroutine[Any, Any, None]]:
    async def forward(reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
        with contextlib.suppress(CannotEnter, OSError, asyncssh.Error):
            async with places.program(run, Program(kind="port", port=port)) as inside:
                feeding = asyncio.create_task(_feed(reader, inside))
                try:
                    while piece := await inside.read():
                        if piece[0] != ERRORS:
                            writer.write(piece[1])
                            await writer.drain()
                finally:
                    await cancel(feeding)
        writer.close()

    return forward


async def _attend(process: asyncssh.SSHServerProcess[bytes], places: Places, run: str) -> None:
    try:
        wanted = _wanted(process)
        async with places.program(run, wanted) as inside:
            feeding = asyncio.create_task(_feed(process.stdin, inside))
            try:
                while piece := await inside.read():
                    channel = process.stderr if piece[0] == ERRORS else process.stdout
                    channel.write(piece[1])
                    await channel.drain()
                process.exit(await inside.wait())
            finally:
                await cancel(feeding)
    except CannotEnter as error:
        with contextlib.suppress(OSError, asyncssh.Error):
            process.stderr.write(f"{error}\n".encode())
        process.exit(NOT_RUNNABLE)
    except (OSError, asyncssh.Error):
        process.close()


def _wanted(process: asyncssh.SSHServerProcess[bytes]) -> Program:
    if process.subsystem == "sftp":
        return Program(kind="files")
    if process.subsystem:
        raise CannotEnter(f"there is no subsystem {process.subsystem}")
    argv = ("/bin/sh", "-c", process.command) if process.command else SHELL
    terminal = None
    if type := process.term_type:
        cols, rows, _, _ = process.term_size
        terminal = Terminal(min(cols or 80, 2000), min(rows or 24, 2000), type)
    brought = {name: value for name, value in process.env.items() if name.startswith(BROUGHT)}
    return Program(argv=argv, terminal=terminal, env=brought)


async def _feed(source: asyncssh.SSHReader[bytes], inside: Inside) -> None:
    """Input to the program, with what ssh tells in between."""
    while True:
        try:
            data = await source.read(CHUNK)
        except asyncssh.TerminalSizeChanged as change:
            with contextlib.suppress(OSError):
                await inside.resize(change.width, change.height)
        except asyncssh.SignalReceived as sent:
            if (number := getattr(signal, f"SIG{sent.signal}", None)) is not None:
                await inside.signal(int(number))
        except asyncssh.BreakReceived:
            await inside.signal(int(signal.SIGINT))
        except (OSError, asyncssh.Error):
            return
        else:
            if not data:
                await inside.end_input()
                return
            await inside.write(data)


def _secret(path: Path) -> bytes:
    with contextlib.suppress(FileNotFoundError):
        if len(found := path.read_bytes()) == SECRET_BYTES:
            return found
    made = secrets.token_bytes(SECRET_BYTES)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(made)
    fresh.replace(path)
    return made
