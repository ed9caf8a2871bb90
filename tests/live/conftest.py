"""Fixtures.

house    a hub with two people, two tools and the real time
url      the address of a dispatcher that leads it
http     a client
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from support.dispatchers import leading
from support.houses import House, a_house


class RealTime:
    """Passes by itself; what the house asks of its clock beyond that changes nothing."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)

    def pass_s(self, seconds: float) -> None: ...


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path / "data", clock=RealTime()) as house:
        yield house


@pytest.fixture
async def url(house: House) -> AsyncIterator[str]:
    async with leading(house.hub) as url:
        yield url


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session
