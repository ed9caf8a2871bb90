"""Fixtures.

hub_key     signs tickets and links
start_edge  starts an edge in this process with given settings, and stops it at the end
site        an edge that trusts `hub_key`, over HAProxy
echo        an EchoTool on a unix socket: (tool, address)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from alongside.edge import haproxy
from alongside.edge.server import Edge
from support.edges import HubKey, Site, edge_config
from support.web_tools import EchoTool, served

StartEdge = Callable[..., Awaitable[Site]]


@pytest.fixture(scope="session")
def hub_key() -> HubKey:
    return HubKey()


@pytest.fixture
async def start_edge(tmp_path: Path, hub_key: HubKey) -> AsyncIterator[StartEdge]:
    async with AsyncExitStack() as stack:

        async def start(folder: Path = tmp_path, **settings: Any) -> Site:
            if settings.get("proxy", "haproxy") == "haproxy" and haproxy.find() is None:
                pytest.skip("haproxy is not installed")
            config = edge_config(folder, **settings)
            edge = Edge(config)
            stack.push_async_callback(edge.stop)
            await edge.start()
            site = Site(config, hub_key)
            stack.push_async_callback(site.close)
            await site.trust()
            return site

        yield start


@pytest.fixture
async def site(start_edge: StartEdge) -> Site:
    return await start_edge()


@pytest.fixture
async def echo(tmp_path: Path) -> AsyncIterator[tuple[EchoTool, str]]:
    tool = EchoTool("echo")
    async with served(tool.app(), tmp_path / "tool.sock") as address:
        yield tool, address
