"""Networks of tools: one bridge whose containers cannot see each other, and a /28 for each larger tool.

A network without a way out is `internal`: this machine reaches the tool, the tool reaches nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

from aiodocker import Docker
from aiodocker.exceptions import DockerError

from alongside.runner.executors import CannotStart
from alongside.runner.executors.docker.body import KEY, RUNNER

#: a run with more components than this does not fit its /28 (gateway, network and broadcast go off)
RUN_PREFIX = 28
TRIES = 32


class Networks:
    """The subnet's first quarter is the closed shared bridge, the second the open one; the rest is cut."""

    def __init__(self, subnet: str) -> None:
        self._subnet = IPv4Network(subnet)
        self._turn = asyncio.Lock()
        #: shared bridges that were there when they were last looked for
        self._there: set[str] = set()

    async def shared(self, docker: Docker, *, way_out: bool) -> str:
        """The bridge of single-component tools, made when first needed and never removed."""
        quarters = list(self._subnet.subnets(prefixlen_diff=2))
        name = "alongside-open" if way_out else "alongside-closed"
        async with self._turn:
            if name not in self._there:
                if not await _exists(docker, name):
                    await _create(docker, name, quarters[1 if way_out else 0], {}, way_out=way_out, icc=False)
                self._there.add(name)
        return name

    def has_lost(self, name: str, error: DockerError) -> bool:
        """Whether a container did not start because somebody removed this bridge: then it is made again."""
        if error.status != 404 or f"network {name} not found" not in error.message:
            return False
        self._there.discard(name)
        return True

    async def for_run(self, docker: Docker, key: str, runner: str, *, way_out: bool) -> str:
        """The run's own network, in which its components find each other by name."""
        name = f"alongside-{key}"
        labels = {RUNNER: runner, KEY: key}
        async with self._turn:
            if await _exists(docker, name):
                return name
            taken = await _taken(docker)
            for subnet, _ in zip(self._free(taken), range(TRIES), strict=False):
                try:
                    await _create(docker, name, subnet, labels, way_out=way_out, icc=True)
                    return name
                except DockerError as error:
                    # another runner of this engine was faster, or the host routes it elsewhere
                    if "overlap" not in error.message.lower():
                        raise
        raise CannotStart(
            "waiting_for_capacity",
            f"no free network for this tool: all of runner.tool_subnet ({self._subnet}) is in use",
        )

    def _free(self, taken: list[IPv4Network]) -> Iterator[IPv4Network]:
        second_half = list(self._subnet.subnets(prefixlen_diff=1))[1]
        for piece in second_half.subnets(new_prefix=RUN_PREFIX):
            if not any(piece.overlaps(other) for other in taken):
                yield piece


async def remove(docker: Docker, name: str) -> None:
    """A network that is gone already, or still in use, is no error: `orphans` looks again."""
    try:
        await (await docker.networks.get(name)).delete()
    except DockerError as error:
        if error.status not in (403, 404, 409):
            raise


async def of_runner(docker: Docker, runner: str) -> list[tuple[str, str]]:
    """(name, key) of the networks made for this runner's runs."""
    found = await docker.networks.list(filters={"label": [f"{RUNNER}={runner}"]})
    return [(network["Name"], network["Labels"].get(KEY, "")) for network in found]


async def _exists(docker: Docker, name: str) -> bool:
    # the filter matches parts of names
    found = await docker.networks.list(filters={"name": [name]})
    return any(network["Name"] == name for network in found)


async def _taken(docker: Docker) -> list[IPv4Network]:
    subnets: list[IPv4Network] = []
    for network in await docker.networks.list():
        for config in (network.get("IPAM") or {}).get("Config") or []:
            if config.get("Subnet") and ":" not in config["Subnet"]:
                subnets.append(IPv4Network(config["Subnet"], strict=False))
    return subnets


async def _create(
    docker: Docker, name: str, subnet: IPv4Network, labels: dict[str, str], *, way_out: bool, icc: bool
) -> None:
    body: dict[str, Any] = {
        "Name": name,
        "CheckDuplicate": True,
        "Driver": "bridge",
        "Internal": not way_out,
        "Labels": labels,
        "IPAM": {"Driver": "default", "Config": [{"Subnet": str(subnet)}]},
        "Options": {
            "com.docker.network.bridge.enable_icc": "true" if icc else "false",
            "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1",
        },
    }
    try:
        await docker.networks.create(body)
    except DockerError as error:
        if error.status != 409:
            raise
