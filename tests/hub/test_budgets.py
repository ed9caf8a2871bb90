"""Budgets: warned at the pace of what runs, closed at their end, and open again with the next month."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import BudgetSpent, Invalid
from alongside.hub import accounts, budgets, notices
from alongside.spec.usage import Budget
from support.houses import House, a_house

HOUR = 3600.0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path / "data", lease_ttl_s=1e8) as house:
        house.join("lab", "r1")
        yield house


def budget(house: House, **more: Any) -> Budget:
    wish = {
        "scope": "account",
        "subject": house.people["ann"].account.id,
        "measure": "cpu_hours",
        "amount": 10.0,
        "period": "month",
        "warn_at": 0.8,
        "stop": True,
    }
    with house.hub.database.write() as tx:
        made = budgets.create(tx, house.clock(), **{**wish, **more})
    house.turn()
    return made


def running(house: House, tool: str = "notebook", cpus: float = 2) -> str:
    run = house.request(tool, cpus=cpus)
    house.settle()
    house.runners["r1"].start(run.id)
    house.settle()
    return run.id


def pass_s(house: House, seconds: float, step: float = 600.0) -> None:
    while seconds > 0:
        house.clock.pass_s(min(step, seconds))
        seconds -= step
        for _ in range(3):
            house.turn()


def told(house: House, who: str = "ann") -> list[str]:
    with house.hub.database.read() as tx:
        found = notices.inbox(tx, house.people[who].account.id, unread=False, before=None, limit=50)
    return [notice.title for notice in reversed(found)]


def test_it_warns_then_closes_then_pauses_what_runs(house: House) -> None:
    budget(house)
    run, task = running(house), running(house, "count", cpus=0.1)
    pass_s(house, 3.5 * HOUR)
    assert told(house) == []
    pass_s(house, 0.6 * HOUR)
    (warning,) = told(house)
    assert "of 10 CPU hours a month of ann are used" in warning
    pass_s(house, 0.7 * HOUR)
    assert "Used up: 10 CPU hours a month of ann" in told(house)
    assert any(title.startswith("Your tools are paused at") for title in told(house))
    assert house.run(run).state == "running", "its owner is told before"
    with pytest.raises(BudgetSpent, match="begins anew on 2026-04-01"):
        house.request("notebook")
    pass_s(house, 700)
    house.settle()
    assert (house.run(run).state, house.run(run).reason_code) == ("paused", "budget_spent")
    assert house.run(task).state == "running", "tasks that have begun come to their end"
    with pytest.raises(BudgetSpent):
        house.act(run, "start")


def test_a_new_month_and_a_larger_amount_open_it_again(house: House) -> None:
    made = budget(house, amount=1.0)
    run = running(house)
    pass_s(house, HOUR)
    with pytest.raises(BudgetSpent):
        house.request("notebook")
    with house.hub.database.write() as tx:
        budgets.edit(tx, made.id, {"amount": 100.0})
    house.turn()
    house.request("count")
    assert house.run(run).state == "running"
    with house.hub.database.write() as tx:
        budgets.edit(tx, made.id, {"amount": 1.0})
    pass_s(house, 10)
    with pytest.raises(BudgetSpent):
        house.request("count")
    house.clock.pass_s(31 * 24 * HOUR)
    house.request("count")


def test_one_that_does_not_stop_only_tells(house: House) -> None:
    budget(house, amount=1.0, stop=False)
    run = running(house)
    pass_s(house, 2 * HOUR)
    house.request("notebook")
    house.settle()
    assert house.run(run).state == "running"
    assert told(house)[-1].startswith("Used up")


def test_a_groups_budget_is_what_its_members_use_and_its_managers_hear_of_it(house: House) -> None:
    with house.hub.database.write() as tx:
        group = accounts.create_group(tx, "class", house.clock())
        accounts.add_member(tx, group.id, house.people["ann"].account.id)
        accounts.add_member(tx, group.id, house.people["admin"].account.id, manager=True)
    budget(house, scope="group", subject=group.id, amount=1.0)
    running(house)
    pass_s(house, HOUR)
    assert "Used up: 1 CPU hours a month of class" in told(house, "admin")
    with pytest.raises(BudgetSpent):
        house.request("notebook")
    with house.hub.database.read() as tx:
        (state,) = budgets.states(tx, house.people["ann"], house.clock())
    assert state.used >= 1.0


def test_a_new_dispatcher_goes_on_looking(house: House) -> None:
    budget(house, amount=1.0)
    running(house)
    house.lead()
    house.turn()
    pass_s(house, HOUR)
    with pytest.raises(BudgetSpent):
        house.request("notebook")


def test_what_cannot_be_a_budget(house: House) -> None:
    with pytest.raises(Invalid, match="amount"):
        budget(house, amount=0.0)
    with pytest.raises(Invalid, match="subject"):
        budget(house, scope="everyone")
