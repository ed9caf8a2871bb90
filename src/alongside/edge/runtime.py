"""Client of HAProxy's runtime socket: text commands, one connection per batch."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from alongside.edge.haproxy_config import MAP, slot_name
from alongside.edge.proxy import Counters, Door
from alongside.edge.sockets import short_path
from alongside.errors import Unavailable

ANSWER_S = 10.0
#: HAProxy reads a line of commands into one buffer of 16 KiB
COMMANDS_AT_ONCE = 60


class Runtime:
    """Speaks to the HAProxy that listens on this socket, whoever started it."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def info(self) -> dict[str, str]:
        """What the process says about itself, `Pid` among it.

        Raises:
            OSError: nobody listens.
        """
        lines = (await self._ask("show info")).splitlines()
        return {key: value.strip() for key, _, value in (line.partition(":") for line in lines) if key}

    async def add(self, doors: Iterable[Door]) -> None:
        commands: list[str] = []
        for door in doors:
            commands += [f"del map {MAP} {door.key}", f"add map {MAP} {door.key} {map_value(door)}"]
        await self._tell(commands)

    async def drop(self, doors: Iterable[Door]) -> None:
        await self._tell([f"del map {MAP} {door.key}" for door in doors])

    async def replace_all(self, doors: Iterable[Door]) -> None:
        """Make the map hold exactly these doors."""
        wanted = {door.key: map_value(door) for door in doors}
        present: dict[str, str] = {}
        for line in (await self._ask(f"show map {MAP}")).splitlines():
            _, _, rest = line.partition(" ")
            key, _, value = rest.partition(" ")
            if key:
                present[key] = value
        commands = [f"del map {MAP} {key}" for key in present if present[key] != wanted.get(key)]
        commands += [
            f"add map {MAP} {key} {wanted[key]}" for key in wanted if present.get(key) != wanted[key]
        ]
        await self._tell(commands)

    async def close(self, slots: Iterable[int]) -> None:
        await self._tell(
            [
                f"shutdown sessions server {slot_name(slot)}/{server}"
                for slot in slots
                for server in ("unix", "tcp")
            ]
        )

    async def let_go(self, slots: Iterable[int]) -> None:
        """Close every connection to what the slots' links led to before, idle ones too.

        Only maintenance ends idle ones; nobody has a key to the slot yet who could meet it.
        """
        await self._tell(
            [
                command
                for slot in slots
                for command in (
                    f"set server {slot_name(slot)}/unix state maint",
                    f"shutdown sessions server {slot_name(slot)}/unix",
                    f"set server {slot_name(slot)}/unix state ready",
                )
            ]
        )

    async def counters(self, slots: Iterable[int]) -> Mapping[int, Counters]:
        wanted = {slot_name(slot): slot for slot in slots}
        counted = dict.fromkeys(wanted.values(), Counters())
        commands = [f"show stat {name} 4 -1" for name in wanted]
        for some in _cut(commands):
            for row in csv.reader((await self._ask(";".join(some))).splitlines()):
                if len(row) > _BYTES_OUT and row[0] in wanted:
                    slot = wanted[row[0]]
                    counted[slot] = _plus(counted[slot], row)
        return counted

    async def _tell(self, commands: Sequence[str]) -> None:
        for some in _cut(commands):
            await self._ask(";".join(some))

    async def _ask(self, line: str) -> str:
        async with asyncio.timeout(ANSWER_S):
            with short_path(self._socket) as path:
                reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(line.encode() + b"\n")
                await writer.drain()
                answer = (await reader.read()).decode()
            finally:
                writer.close()
        if "Unknown command" in answer or "Permission denied" in answer:
            raise Unavailable(f"HAProxy refused {line[:80]!r}: {answer.strip()[:200]}")
        return answer


def map_value(door: Door) -> str:
    """`slot0001@unix` or `slot0001@tcp@8888@172.30.0.2`, which the configuration takes apart at `@`."""
    name = slot_name(door.slot)
    if door.address.kind == "unix":
        return f"{name}@unix"
    return f"{name}@tcp@{door.address.port}@{door.address.ip}"


_OPEN, _TOTAL, _BYTES_IN, _BYTES_OUT = 4, 7, 8, 9


def _plus(counted: Counters, row: Sequence[str]) -> Counters:
    return Counters(
        open=counted.open + int(row[_OPEN] or 0),
        requests=counted.requests + int(row[_TOTAL] or 0),
        bytes=counted.bytes + int(row[_BYTES_IN] or 0) + int(row[_BYTES_OUT] or 0),
    )


def _cut(commands: Sequence[str]) -> Iterable[Sequence[str]]:
    return (commands[at : at + COMMANDS_AT_ONCE] for at in range(0, len(commands), COMMANDS_AT_ONCE))
