"""Usage: what is held is booked, by day and by whatever it was for, and told to those it concerns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import Forbidden, Invalid
from alongside.hub import accounts, usage
from alongside.spec.usage import UsageRow
from support.houses import House, a_house
from support.people import person

HOUR = 3600.0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    # leases outlive the hours that these tests jump
    with a_house(tmp_path / "data", lease_ttl_s=1e6) as house:
        house.join("lab", "r1")
        with house.hub.database.write() as tx:
            house.people["bob"] = person(tx, house.clock(), "bob")
        yield house


def running(house: House, tool: str = "notebook", **wish: Any) -> str:
    run = house.request(tool, cpus=2, **wish)
    house.settle()
    house.runners["r1"].start(run.id)
    house.settle()
    return run.id


def pass_s(house: House, seconds: float) -> None:
    house.clock.pass_s(seconds)
    house.turn()


def table(house: House, by: Any, who: str = "admin", **more: Any) -> dict[str, UsageRow]:
    days = {"begin": "2026-03-01", "end": "2026-03-31"}
    with house.hub.database.read() as tx:
        rows = usage.table(tx, house.people[who], by, **{**days, **more}, limit=100)
    return {row.name: row for row in rows}


def test_what_is_held_is_booked_when_it_ends(house: House) -> None:
    data = house.dataset("doi:10.5072/a", at="lab", title="Autzen")
    run = running(house, datasets=["doi:10.5072/a"])
    pass_s(house, 2 * HOUR)
    house.act(run, "stop")
    house.settle()
    (row,) = table(house, "account").values()
    assert (row.name, row.starts) == ("ann", 1)
    assert row.cpu_hours == pytest.approx(4, abs=0.01)
    assert row.hours == pytest.approx(2, abs=0.01)
    assert row.memory_gb_hours == pytest.approx(0.2, abs=0.01)
    for by, name in (("tool", "notebook"), ("site", "lab"), ("dataset", data.title), ("day", "2026-03-01")):
        assert table(house, by)[name].cpu_hours == pytest.approx(4, abs=0.01), by

    house.act(run, "start")
    house.settle()
    house.runners["r1"].start(run)
    house.settle()
    pass_s(house, HOUR)
    house.act(run, "stop")
    house.settle()
    assert table(house, "tool")["notebook"].cpu_hours == pytest.approx(6, abs=0.01), "each attempt by itself"
    assert table(house, "tool")["notebook"].starts == 2


def test_what_goes_on_is_booked_now_and_then_and_never_twice(house: House) -> None:
    run = running(house)
    for _ in range(6):
        pass_s(house, 600)
    assert table(house, "account")["ann"].cpu_hours == pytest.approx(2, abs=0.1)
    house.lead()
    house.turn()
    for _ in range(6):
        pass_s(house, 600)
    house.act(run, "stop")
    house.settle()
    assert table(house, "account")["ann"].cpu_hours == pytest.approx(4, abs=0.01)


def test_use_is_that_of_the_day_on_which_it_was(house: House) -> None:
    run = running(house)
    pass_s(house, 20 * HOUR)
    house.act(run, "stop")
    house.settle()
    days = {day: row.hours for day, row in table(house, "day").items()}
    assert days["2026-03-01"] == pytest.approx(15, abs=0.01)
    assert days["2026-03-02"] == pytest.approx(5, abs=0.01)


def test_bytes_that_were_brought_are_counted_for_account_and_dataset(house: House) -> None:
    house.dataset("doi:10.5072/a", at="lab", title="Autzen")
    run = running(house, datasets=["doi:10.5072/a"])
    name = house.run(run).datasets[0].name
    body = {"name": name, "status": "mounted", "mode": "copy", "staged_bytes": 5_000}
    house.runners["r1"].report(run, "dataset", body=body)
    house.settle()
    assert table(house, "dataset")["Autzen"].staged_bytes == 5_000
    assert table(house, "account")["ann"].staged_bytes == 5_000


def test_who_sees_what(house: House) -> None:
    run = running(house)
    pass_s(house, HOUR)
    house.act(run, "stop")
    house.settle()
    ann, bob = house.people["ann"], house.people["bob"]
    with house.hub.database.write() as tx:
        group = accounts.create_group(tx, "class", house.clock())
        accounts.add_member(tx, group.id, ann.account.id)
    assert set(table(house, "account", "ann")) == {"ann"}
    assert table(house, "account", "bob") == {}
    with pytest.raises(Forbidden):
        table(house, "account", "bob", account=ann.account.id)
    with pytest.raises(Forbidden):
        table(house, "account", "bob", group=group.id)
    with house.hub.database.write() as tx:
        accounts.add_member(tx, group.id, bob.account.id, manager=True)
    assert set(table(house, "account", "bob", group=group.id)) == {"ann"}
    assert table(house, "group")["class"].cpu_hours == pytest.approx(2, abs=0.01)
    with pytest.raises(Invalid):
        table(house, "account", begin="2026-04-01", end="2026-03-01")


def test_a_spreadsheet_gets_no_formulas(house: House) -> None:
    row = replace(UsageRow("k", "x", 1.0, 0.0, 0.0, 1.0, 0, 0, 1), name="=HYPERLINK(1)")
    assert "'=HYPERLINK(1)" in usage.as_csv([row])
