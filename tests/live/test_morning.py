"""A crowd that launches at once: all become ready, none is lost, and who waits is told the place in line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from alongside.spec.tools import Resources
from support import crowds
from support.installation import Installation, opened, server

pytestmark = pytest.mark.timeout(300)

PEOPLE = 24
STARTS = 4


def test_a_class_launches_at_once_and_everybody_is_ready(tmp_path: Path) -> None:
    runner = {"cpus": float(PEOPLE), "memory_gb": float(PEOPLE), "starts_max": STARTS}
    with Installation(
        opened(tmp_path), runner=runner, edge={"slots": 64}, dispatcher={"lease_ttl_s": 15.0}
    ) as place:
        place.publish(server("light", resources=Resources(cpus=0.5, memory_gb=0.25)))
        crowd = crowds.gathered(place, PEOPLE)
        seen = asyncio.run(crowds.launching(place, crowd, "light", over_s=1.0, within_s=180.0))
        assert [item.trouble for item in seen if item.trouble] == []
        assert all(item.ready is not None for item in seen)
        assert {place.client.runs.show(item.run).attempt for item in seen} == {1}
        told = [message for item in seen for message in item.told]
        assert any("in line" in message for message in told), told
