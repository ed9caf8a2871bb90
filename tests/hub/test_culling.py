"""Idle runs are warned of and paused, busy ones are not; lifetimes are known from the start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alongside.config import CullingSettings
from alongside.errors import StateConflict
from alongside.hub import notices, runs
from alongside.spec.runs import Run
from support import catalog
from support.houses import House, a_house

IDLE_S, WARN_S = 60.0, 20.0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path, unreachable_grace_s=600.0) as house:
        culling = CullingSettings(idle_s=IDLE_S, warn_s=WARN_S)
        house.hub = replace(house.hub, config=replace(house.hub.config, culling=culling))
        house.lead()
        house.join("lab", "one")
        yield house


def ready(house: House, tool: str = "notebook", **wish: object) -> Run:
    run = house.request(tool, **wish)
    house.settle()
    house.runners["one"].start(run.id)
    house.runners["one"].ready(run.id)
    house.settle()
    return house.run(run.id)


def work(house: House, run: Run, seconds: float, *, idle: bool) -> None:
    """Time goes by in which the runner says of the run that it is idle, or that it is not."""
    spent = 0.0
    while spent < seconds:
        spent += 1.0
        before = house.runners["one"].activity.get(run.id, {}).get("idle_s", 0.0)
        house.runners["one"].activity[run.id] = {"connections": 1} | (
            {"idle_s": before + 1.0} if idle else {}
        )
        house.pass_s(1.0, syncing=("one",))


def kinds(house: House, run: Run) -> list[str]:
    with house.hub.database.read() as tx:
        told = notices.inbox(tx, house.people["ann"].account.id, unread=False, before=None, limit=100)
    return [notice.kind for notice in told if notice.run == run.id and notice.kind in {"idle", "ending_soon"}]


def test_an_idle_run_is_paused_after_a_warning_and_a_busy_one_is_not(house: House) -> None:
    idle, busy = ready(house), ready(house)
    house.runners["one"].activity[busy.id] = {"connections": 1}
    work(house, idle, IDLE_S - WARN_S - 2, idle=True)
    assert house.run(idle.id).pauses_at is None

    work(house, idle, 4, idle=True)
    warned = house.run(idle.id)
    assert warned.state == "running"
    assert warned.pauses_at is not None
    assert warned.idle_since is not None
    assert warned.pauses_at - warned.idle_since <= timedelta(seconds=IDLE_S + 2)
    assert kinds(house, idle) == ["idle"]

    work(house, idle, WARN_S + 2, idle=True)
    paused = house.run(idle.id)
    assert (paused.state, paused.reason_code) == ("paused", "idle")
    [order] = [item for item in house.runners["one"].heard if item.kind == "stop"]
    assert order.body["reason"] == "nothing happened in it for 60 s"
    assert house.run(busy.id).state == "running"
    assert kinds(house, busy) == []


def test_one_call_keeps_it_and_its_idle_time_begins_anew(house: House) -> None:
    run = ready(house)
    work(house, run, IDLE_S - WARN_S + 3, idle=True)
    assert house.run(run.id).pauses_at is not None
    assert house.act(run.id, "keep").state == "complete"
    assert house.run(run.id).pauses_at is None

    work(house, run, WARN_S + 5, idle=True)
    assert house.run(run.id).state == "running"
    work(house, run, IDLE_S, idle=True)
    assert house.run(run.id).state == "paused"
    assert kinds(house, run) == ["idle", "idle"]


def test_use_during_the_warning_takes_it_back(house: House) -> None:
    run = ready(house)
    work(house, run, IDLE_S - WARN_S + 3, idle=True)
    assert house.run(run.id).pauses_at is not None
    work(house, run, 1, idle=False)
    assert house.run(run.id).pauses_at is None
    work(house, run, IDLE_S, idle=False)
    assert house.run(run.id).state == "running"


def test_a_short_use_between_two_syncs_counts(house: House) -> None:
    run = ready(house)
    work(house, run, IDLE_S - WARN_S + 3, idle=True)
    house.runners["one"].activity[run.id] = {"idle_s": 0.5}
    house.sync("one")
    assert house.run(run.id).pauses_at is None


def test_nothing_is_paused_on_the_word_of_a_runner_that_is_silent(house: House) -> None:
    run = ready(house)
    work(house, run, IDLE_S - WARN_S + 3, idle=True)
    assert house.run(run.id).pauses_at is not None
    house.pass_s(WARN_S + 2)
    lost = house.run(run.id)
    assert (lost.state, lost.reason_code) == ("running", "unreachable")
    assert lost.pauses_at is None
    assert not [item for item in house.runners["one"].heard if item.kind == "stop"]


def test_a_new_dispatcher_asks_for_fresh_word_before_it_pauses(house: House) -> None:
    run = ready(house)
    work(house, run, IDLE_S - WARN_S + 3, idle=True)
    house.clock.pass_s(WARN_S)
    house.lead()
    house.turn()
    assert house.run(run.id).state == "running"
    work(house, run, 4, idle=True)
    assert house.run(run.id).state == "paused", "it was warned of before, and is idle still"


def test_a_tool_says_itself_how_long_it_may_be_idle(house: House) -> None:
    with house.hub.database.write() as tx:
        for name, idle_s in (("never", 0.0), ("long", 600.0)):
            catalog.tool(tx, house.people["admin"], name, house.clock(), kind="interactive", idle_s=idle_s)
    for name in ("never", "long"):
        run = ready(house, name)
        work(house, run, IDLE_S + WARN_S + 5, idle=True)
        assert house.run(run.id).state == "running"
        assert kinds(house, run) == []


def test_a_lifetime_is_known_when_it_is_ready_announced_and_kept(house: House) -> None:
    run = ready(house, lifetime_s=50.0)
    assert run.ready_at is not None
    assert run.ends_at == run.ready_at + timedelta(seconds=50)
    work(house, run, 35, idle=False)
    assert kinds(house, run) == ["ending_soon"]
    work(house, run, 17, idle=False)
    ended = house.run(run.id)
    assert (ended.state, ended.reason_code) == ("paused", "lifetime_over")


def test_an_extension_goes_up_to_the_maximum_of_the_tool(house: House) -> None:
    with house.hub.database.write() as tx:
        catalog.tool(tx, house.people["admin"], "hour", house.clock(), kind="interactive", lifetime_s=3600.0)
    run = ready(house, "hour", lifetime_s=7200.0)
    assert (run.lifetime_s, run.lifetime_max_s) == (3600.0, 3600.0)
    with pytest.raises(StateConflict, match="the most"):
        house.act(run.id, "extend", seconds=600)
    work(house, run, 30, idle=False)
    house.act(run.id, "extend", seconds=7200)
    later = house.run(run.id)
    assert later.ends_at is not None
    assert later.ends_at - house.clock() <= timedelta(seconds=3600)
    assert later.ends_at > run.ready_at + timedelta(seconds=3620)  # type: ignore[operator]


def test_a_run_that_was_paused_for_being_idle_starts_again_with_a_clean_record(house: House) -> None:
    run = ready(house)
    work(house, run, IDLE_S + 5, idle=True)
    assert house.run(run.id).state == "paused"
    house.runners["one"].activity.clear()
    house.act(run.id, "start")
    house.settle()
    house.runners["one"].start(run.id)
    house.runners["one"].ready(run.id)
    house.settle()
    again = house.run(run.id)
    assert (again.state, again.ready, again.pauses_at) == ("running", True, None)
    with house.hub.database.read() as tx:
        history = [event.kind for event in runs.events(tx, house.people["ann"], run.id, after=0, limit=200)]
    assert history.count("idle") == 1
