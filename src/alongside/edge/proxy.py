"""What the edge asks of a proxy, whichever program it is."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, Protocol

from alongside.errors import Fault, Invalid


@dataclass(frozen=True)
class Address:
    """Where a tool listens: a unix socket, or an IP literal and port (names are never looked up)."""

    kind: Literal["unix", "tcp"]
    path: str = ""
    ip: str = ""
    port: int = 0

    @staticmethod
    def parse(text: str) -> Address:
        """Read `unix:/absolute/path` or `tcp:ip:port`.

        Raises:
            Invalid: it is neither.
        """
        kind, _, rest = text.partition(":")
        if kind == "unix" and PurePosixPath(rest).is_absolute() and rest.isprintable():
            return Address("unix", path=rest)
        host, _, port = rest.rpartition(":")
        if kind == "tcp" and port.isdecimal() and 0 < int(port) < 65536:
            try:
                ip = ipaddress.ip_address(host.strip("[]"))
            except ValueError:
                pass
            else:
                return Address("tcp", ip=str(ip), port=int(port))
        raise Invalid([Fault("address", f"expected unix:/path or tcp:ip:port, got {text!r}")])

    def __str__(self) -> str:
        if self.kind == "unix":
            return f"unix:{self.path}"
        return f"tcp:[{self.ip}]:{self.port}" if ":" in self.ip else f"tcp:{self.ip}:{self.port}"


@dataclass(frozen=True)
class Door:
    """One secret that opens one run: a request that carries it goes to the slot's address."""

    run: str
    #: hex SHA-256 of the secret; the secret itself is known only to its holder
    digest: str
    slot: int
    address: Address

    @property
    def key(self) -> str:
        return f"{self.run}:{self.digest}"


@dataclass(frozen=True)
class Counters:
    """What went through a slot since the proxy started."""

    open: int = 0
    requests: int = 0
    bytes: int = 0


class Proxy(Protocol):
    """A supervised proxy process.

    All methods run on the edge's event loop. `start` is given a function that names the doors of
    this moment: the proxy calls it again whenever it has to start its process anew, so that a
    change made while the process was down is never lost. `add` and `drop` are idempotent.
    """

    name: str
    #: whether runs of several accounts can be kept apart
    shares: bool
    #: what this proxy cannot do, as sentences for `status` and `doctor`
    limits: tuple[str, ...]

    async def start(self, doors: Callable[[], Sequence[Door]]) -> None: ...

    async def stop(self) -> None: ...

    async def add(self, doors: Iterable[Door]) -> None:
        """Let these secrets in; a door with a known key replaces it."""
        ...

    async def drop(self, doors: Iterable[Door]) -> None:
        """Let these secrets in no longer; open connections stay until `close`."""
        ...

    async def close(self, slots: Iterable[int]) -> int:
        """Close every open connection of the slots, WebSockets included; how many there were."""
        ...

    async def counters(self, slots: Iterable[int]) -> Mapping[int, Counters]: ...

    async def is_running(self) -> bool:
        """Whether a process of an earlier edge still serves, which `start` then goes on with."""
        ...

    def status(self) -> Mapping[str, object]: ...
