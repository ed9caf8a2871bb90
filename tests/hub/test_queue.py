"""From a request to a result, over the real store, on a clock turned by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alongside.hub.store.database import Database
from support.houses import House, a_house


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path / "data", database=database) as house:
        house.join("lab", "r1")
        house.sync("r1")
        yield house


def test_a_task_is_assigned_by_a_sync_and_completed_by_reports(house: House) -> None:
    run = house.request("count", arguments={"n": 3})
    assert run.state == "queued"

    house.sync("r1")
    (held,) = house.runners["r1"].held.values()
    assert (held.assignment.run, held.assignment.attempt) == (run.id, 1)
    assert held.assignment.arguments == {"n": 3}
    assert house.run(run.id).state == "initializing"

    house.runners["r1"].start(run.id)
    house.sync("r1")
    assert house.run(run.id).state == "running"

    house.runners["r1"].finish(run.id, exit_code=0)
    house.sync("r1")
    done = house.run(run.id)
    assert (done.state, done.exit_code, done.progress) == ("complete", 0, 100.0)
    assert house.runners["r1"].held == {}
