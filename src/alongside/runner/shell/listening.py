"""The ports on which programs of a run listen, read from /proc, and told to the hub when they change."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from dataclasses import asdict
from pathlib import Path

import structlog

from alongside.runner.attempts import Attempt
from alongside.runner.holdings import Holdings
from alongside.runner.sandbox import processes
from alongside.spec.shells import PORTS_MAX, Port

LOOK_S = 3.0
#: pause after a round, by what it took: many tools are looked at less often
REST = 9
_LISTENS = "0A"

log = structlog.get_logger()


class PortWatch:
    """Looks at every run that has processes here; says something only when something is new."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        #: per attempt: its start, that start's first process, and what was told
        self._firsts: dict[str, tuple[int, int]] = {}
        self._told: dict[str, tuple[Port, ...]] = {}

    async def tend(self) -> None:
        took_s = 0.0
        while True:
            await asyncio.sleep(max(LOOK_S, REST * took_s))
            begun = time.monotonic()
            for key in self._told.keys() - self._holdings.attempts.keys():
                self._told.pop(key, None)
                self._firsts.pop(key, None)
            for attempt in list(self._holdings.attempts.values()):
                try:
                    await self._look(attempt)
                except Exception:
                    log.exception("ports not looked at", attempt=attempt.record.key)
            took_s = time.monotonic() - begun

    async def _look(self, attempt: Attempt) -> None:
        held, key = attempt.held, attempt.record.key
        handle = held.record.handle
        if handle is None or attempt.record.final is not None or held.around.is_terse():
            return
        start, first = self._firsts.get(key, (0, 0))
        if start != handle.start or not processes.started(first):
            first = await held.executor.first_process(handle) or 0
            self._firsts[key] = (handle.start, first)
        if not first:
            return
        found = await asyncio.to_thread(ports, first)
        if found != self._told.get(key, ()):
            self._told[key] = found
            held.say("ports", body={"ports": [asdict(port) for port in found]})


def ports(first: int) -> tuple[Port, ...]:
    """Listening sockets of a process and its descendants, by port.

    Where the network is shared with others, only what is theirs counts; where their open files may not
    be looked at, a network of their own tells the ports without names.
    """
    listening = {inode: port for name in ("tcp", "tcp6") for inode, port in _listening(first, name)}
    if not listening:
        return ()
    owners = _owners(first, set(listening))
    shared = _network(first) == _network(os.getpid())
    found = {
        Port(number, address, owners.get(inode, ""))
        for inode, (number, address) in listening.items()
        if inode in owners or not shared
    }
    return tuple(sorted(found, key=lambda port: (port.port, port.address))[:PORTS_MAX])


def _listening(pid: int, name: str) -> list[tuple[str, tuple[int, str]]]:
    found: list[tuple[str, tuple[int, str]]] = []
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == _LISTENS:
                address, _, port = parts[1].rpartition(":")
                found.append((parts[9], (int(port, 16), _address(address))))
    return found


def _address(text: str) -> str:
    """Of a loopback or any address; the rest is shown as it is numbered."""
    if set(text) == {"0"}:
        return "*"
    if len(text) == 8:
        return ".".join(str(part) for part in reversed(bytes.fromhex(text)))
    return "::1" if text == "00000000000000000000000001000000" else "::"


def _owners(first: int, inodes: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pid in processes.family(first):
        with contextlib.suppress(OSError):
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    target = str(entry.readlink())
                    inode = target[8:-1] if target.startswith("socket:[") else ""
                    if inode in inodes:
                        found[inode] = Path(f"/proc/{pid}/comm").read_text().strip()
    return found


def _network(pid: int) -> int | None:
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:
        return None
