"""A class and its maintenance: who stands where, acts on all, and what is not launched any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import GroupUnknown, Invalid, UnderMaintenance
from alongside.hub import accounts, banners, classroom, notices
from alongside.spec.banners import Banner
from alongside.spec.classroom import ClassPage, Outcome
from support.houses import House, a_house
from support.people import person

PUPILS = ("ann", "bob", "cy", "dee")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path / "data", lease_ttl_s=1e6) as house:
        house.join("lab", "r1", cpus=2)
        with house.hub.database.write() as tx:
            for name in ("bob", "cy", "dee", "tess"):
                house.people[name] = person(tx, house.clock(), name)
            group = accounts.create_group(tx, "physics", house.clock())
            for name in PUPILS:
                accounts.add_member(tx, group.id, house.people[name].account.id)
            accounts.add_member(tx, group.id, house.people["tess"].account.id, manager=True)
        house.group = group.id  # type: ignore[attr-defined]
        yield house


def page(house: House, who: str = "tess", tool: str | None = None) -> ClassPage:
    with house.hub.database.read() as tx:
        return classroom.page(tx, house.people[who], house.group, tool, house.clock())  # type: ignore[attr-defined]


def stands(house: House) -> dict[str, str]:
    return {member.name: member.standing for member in page(house).members if not member.manager}


def act(house: House, kind: Any, *, only: Any = None, **body: Any) -> list[Outcome]:
    tess, group = house.people["tess"], house.group  # type: ignore[attr-defined]
    with house.hub.database.write() as tx:
        members = classroom.concerned(tx, tess, group, kind, house.clock(), tool=None, only=only)
        return classroom.act(tx, tess, group, kind, members, body, house.clock(), config=house.hub.config)


def test_everybody_stands_where_their_newest_run_stands(house: House) -> None:
    runner = house.runners["r1"]
    assert set(stands(house).values()) == {"absent"}
    made = {name: house.request("notebook", who=name) for name in ("ann", "bob", "cy")}
    house.settle()
    assert stands(house) == {"ann": "starting", "bob": "starting", "cy": "waiting", "dee": "absent"}
    waiting = next(member for member in page(house).members if member.name == "cy")
    assert waiting.reason.startswith("1st in line: "), "its place, and why it waits"
    runner.start(made["ann"].id)
    runner.ready(made["ann"].id)
    runner.start(made["bob"].id)
    house.settle()
    assert stands(house)["ann"] == "ready"
    house.clock.pass_s(130)
    assert stands(house)["bob"] == "stuck", "nothing was heard of its start for two minutes"
    runner.finish(
        made["bob"].id, "executor_error", reason_code="exit_code", reason="it ended with 3", exit_code=3
    )
    house.settle()
    found = page(house)
    failed = next(member for member in found.members if member.name == "bob")
    assert (failed.standing, failed.reason) == ("failed", "it ended with 3")
    assert found.counts == {"ready": 1, "failed": 1, "starting": 1, "absent": 2}
    again = house.request("notebook", who="bob")
    assert next(member.run for member in page(house).members if member.name == "bob") == again.id
    assert page(house, tool="count").counts == {"absent": 5}


def test_only_those_who_manage_a_group_see_its_class(house: House) -> None:
    assert page(house, "admin").name == "physics"
    with pytest.raises(GroupUnknown):
        page(house, "ann")
    with house.hub.database.read() as tx:
        assert [group.name for group in classroom.groups(tx, house.people["tess"])] == ["physics"]
        assert classroom.groups(tx, house.people["ann"]) == []
        group = house.group  # type: ignore[attr-defined]
        overseen = classroom.groups_of_members(tx, house.people["tess"].account.id)
        assert overseen[house.people["ann"].account.id] == [group]


def test_acts_on_all(house: House) -> None:
    runner = house.runners["r1"]
    ann, bob = house.request("notebook", who="ann", lifetime_s=600), house.request("notebook", who="bob")
    house.settle()
    for run in (ann, bob):
        runner.start(run.id)
        runner.ready(run.id)
    house.settle()
    outcomes = {item.name: (item.ok, item.reason) for item in act(house, "extend", seconds=600)}
    assert outcomes["ann"][0]
    assert not outcomes["bob"][0], "it does not end by itself, and that is said"
    ends_at = house.run(ann.id).ends_at
    assert ends_at is not None
    assert ends_at - house.clock() > timedelta(seconds=1100)

    assert [item.name for item in act(house, "stop", only=[bob.account])] == ["bob"]
    house.settle()
    assert (house.run(ann.id).state, house.run(bob.id).state) == ("running", "paused")
    assert [item.name for item in act(house, "stop")] == ["ann"]
    house.settle()
    assert stands(house) == {"ann": "stopped", "bob": "stopped", "cy": "absent", "dee": "absent"}

    assert len(act(house, "message", title="Save your work", text="We stop at noon.")) == 5
    with house.hub.database.read() as tx:
        (told,) = notices.inbox(tx, house.people["dee"].account.id, unread=True, before=None, limit=9)
    assert (told.kind, told.title, told.body) == ("message", "Save your work", "We stop at noon.\n\ntess")


def test_failed_runs_are_tried_again_together(house: House) -> None:
    run = house.request("notebook", who="ann")
    house.settle()
    house.runners["r1"].finish(run.id, "executor_error", reason_code="exit_code")
    house.settle()
    assert [(item.name, item.ok) for item in act(house, "retry")] == [("ann", True)]
    house.settle()
    assert house.run(run.id).attempt == 2


# Maintenance


def announce(house: House, **more: Any) -> Banner:
    wish = {"level": "warning", "text": "New disks", "site": None, "tell": False}
    moments = {"starts_at": None, "ends_at": None, "no_launch_from": None}
    with house.hub.database.write() as tx:
        made = banners.create(tx, house.clock(), **{**wish, **moments, **more})
    house.turn()
    return made


def shown(house: House) -> list[str]:
    with house.hub.database.read() as tx:
        return [banner.text for banner in banners.shown(tx, house.clock())]


def test_a_banner_is_shown_from_its_start_to_its_end(house: House) -> None:
    now = house.clock()
    announce(house, starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2))
    assert shown(house) == []
    house.clock.pass_s(3600)
    assert shown(house) == ["New disks"]
    house.clock.pass_s(3600)
    assert shown(house) == []
    with pytest.raises(Invalid, match="ends_at"):
        announce(house, ends_at=now)


def test_nothing_new_is_launched_from_a_moment_on_and_afterwards_again(house: House) -> None:
    now = house.clock()
    made = announce(house, no_launch_from=now + timedelta(minutes=1), ends_at=now + timedelta(hours=1))
    before = house.request("notebook")
    house.settle()
    house.runners["r1"].start(before.id)
    house.runners["r1"].ready(before.id)
    house.settle()
    house.clock.pass_s(60)
    with pytest.raises(UnderMaintenance, match="until 2026-03-01 10:00 UTC: New disks"):
        house.request("notebook")
    house.turn()
    assert house.run(before.id).ready, "what runs goes on"
    house.clock.pass_s(3600)
    house.turn()
    after = house.request("notebook")
    house.settle()
    assert house.run(after.id).state == "initializing"
    with house.hub.database.write() as tx:
        banners.remove(tx, made.id)


def test_a_site_under_maintenance_gets_nothing_while_others_do(house: House) -> None:
    announce(house, site="lab", no_launch_from=house.clock(), tell=True)
    run = house.request("notebook")
    house.settle()
    assert house.run(run.id).state == "queued"
    house.join("barn", "r2")
    house.settle()
    assert house.run(run.id).site == "barn"
    with pytest.raises(UnderMaintenance):
        house.request("notebook", site="lab")
