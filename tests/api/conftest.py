"""Fixtures.

clock  a clock moved by hand
api    a hub of its own over SQLite, asked without a network
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.api import Api
from support.clocks import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(tmp_path: Path, clock: Clock) -> Iterator[Api]:
    hub = Api(tmp_path, clock)
    yield hub
    hub.close()
