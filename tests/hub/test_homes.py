"""Homes at the hub: made when first used or with the account, measured, kept in snapshots and given back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alongside.config import HomeSettings
from alongside.errors import HomeUnknown, QuotaExceeded, StateConflict
from alongside.hub import homes, notices
from alongside.hub.clockwork import HOMES_EVERY_S
from alongside.hub.store.database import Database
from alongside.spec.homes import Home, Snapshot
from alongside.spec.wire import ErrandNews
from support.houses import House, a_house
from support.people import person

SIZE = {"uid": 64_000, "gid": 64_000, "size_bytes": 3_000, "files": 2}


class Homely:
    def __init__(self, house: House) -> None:
        self.house = house
        self.seen = 0

    def settings(self, **homes_settings: Any) -> None:
        config = replace(self.house.hub.config, homes=HomeSettings(**homes_settings))
        self.house.hub = replace(self.house.hub, config=config)
        self.house.lead()

    @property
    def config(self) -> Any:
        return self.house.hub.config

    def asked(self) -> list[dict[str, Any]]:
        """What the runner was asked since the last time."""
        self.house.sync("r1")
        heard = [item.body for item in self.house.runners["r1"].heard if item.kind == "errand"]
        new, self.seen = heard[self.seen :], len(heard)
        return new

    def done(self, errand: str, state: Any = "complete", reason: str = "", **answer: Any) -> None:
        self.house.runners["r1"].news.append(
            ErrandNews(errand, 1, state, 100, reason_code=reason and "x", reason=reason, answer=answer)
        )
        self.house.sync("r1")

    def write(self, act: Any, *arguments: Any, who: str = "ann", **more: Any) -> Any:
        with self.house.hub.database.write() as tx:
            return act(tx, self.house.people[who], *arguments, self.house.clock(), **more)

    def of(self, who: str = "ann") -> list[Home]:
        with self.house.hub.database.read() as tx:
            caller = self.house.people[who]
            return homes.page(tx, caller, self.config, everyone=False, site=None, after=None, limit=9)

    def snapshots(self, home: str) -> list[Snapshot]:
        with self.house.hub.database.read() as tx:
            return homes.snapshots(tx, self.house.people["ann"], home, None, 99)

    def made(self) -> Home:
        self.write(homes.make, "lab", config=self.config)
        (asked,) = self.asked()
        self.done(asked["id"], **SIZE)
        return self.of()[0]

    def measured(self, home: str, size_bytes: int) -> None:
        self.write(homes.measure, home, config=self.config)
        (asked,) = self.asked()
        self.done(asked["id"], **SIZE | {"size_bytes": size_bytes})


@pytest.fixture
def at(database: Database, tmp_path: Path) -> Iterator[Homely]:
    with a_house(tmp_path / "data", database=database) as house:
        house.join("lab", "r1")
        house.sync("r1")
        yield Homely(house)


def test_the_first_tool_makes_a_home_and_the_second_finds_it(at: Homely) -> None:
    at.settings(hierarchy='{"work": {"@@": {}}}')
    run = at.house.request("notebook")
    (asked,) = at.asked()
    assert asked["owner"]["name"] == "ann"
    assert (asked["body"]["act"], asked["body"]["folders"]) == ("make", ["work", "work/ann"])
    assert (at.of()[0].state, at.of()[0].busy) == ("making", "make")
    at.done(asked["id"], **SIZE)
    home = at.of()[0]
    assert (home.site, home.state, home.uid, home.size_bytes, home.busy) == (
        "lab",
        "ready",
        64_000,
        3_000,
        "",
    )
    at.house.request("notebook")
    at.house.request("count")
    assert at.asked() == []
    assert [item.id for item in at.of()] == [home.id]
    at.house.act(run.id, "stop")


def test_a_template_or_a_site_that_fails_is_told_and_can_be_repaired(at: Homely) -> None:
    at.settings(auto=True, hierarchy="{")
    with at.house.hub.database.write() as tx:
        at.house.people["bob"] = person(tx, at.house.clock(), "bob")
    (asked,) = at.asked()
    assert asked["owner"]["name"] == "bob"
    assert "homes.hierarchy" in asked["body"]["fault"]
    at.done(asked["id"], "executor_error", asked["body"]["fault"])
    (home,) = at.of("bob")
    assert (home.state, home.reason) == ("failed", asked["body"]["fault"])
    assert at.house.request("notebook", who="bob").state == "queued"
    at.settings(auto=True, hierarchy='["work"]')
    at.write(homes.repair, home.id, who="admin", config=at.config)
    (asked,) = at.asked()
    assert asked["body"]["folders"] == ["work"]
    at.done(asked["id"], **SIZE)
    assert at.of("bob")[0].state == "ready"
    with pytest.raises(HomeUnknown):
        at.write(homes.repair, home.id, who="ann", config=at.config)


def test_a_home_in_use_is_measured_and_one_at_rest_is_not(at: Homely) -> None:
    at.settings(measure_minutes=0.02)
    run = at.house.request("notebook")
    (asked,) = at.asked()
    at.done(asked["id"], **SIZE)
    for _ in range(2):
        at.house.pass_s(HOMES_EVERY_S + 3, syncing=("r1",))
        (asked,) = at.asked()
        assert asked["body"]["act"] == "measure"
        at.done(asked["id"], **SIZE)
    at.house.act(run.id, "stop")
    at.house.pass_s(HOMES_EVERY_S + 3, syncing=("r1",))
    (asked,) = at.asked()
    at.done(asked["id"], **SIZE)
    at.house.pass_s(HOMES_EVERY_S + 3, syncing=("r1",))
    assert at.asked() == []


def test_a_full_home_is_told_once_and_refuses_tools_where_the_deployment_says_so(at: Homely) -> None:
    at.settings(quota_gb=1.0, when_full="refuse")
    home = at.made()
    for size in (1_000_000_000, 1_200_000_000):
        at.measured(home.id, size)
    with at.house.hub.database.read() as tx:
        told = notices.inbox(tx, home.account, unread=True, before=None, limit=9)
    assert [(item.kind, item.count) for item in told] == [("quota", 1)]
    with pytest.raises(QuotaExceeded, match=r"is full: 1\.2 of 1 GB"):
        at.house.request("notebook")
    at.house.request("count")
    at.write(homes.set_quota, home.id, 2_000_000_000, who="admin", config=at.config)
    assert at.house.request("notebook").state == "queued"


def test_a_snapshot_is_restored_with_a_way_back(at: Homely) -> None:
    at.settings(snapshots_max=2)
    home = at.made()
    taken = at.write(homes.take_snapshot, home.id, "good", config=at.config)
    with pytest.raises(StateConflict, match="busy with this home"):
        at.write(homes.take_snapshot, home.id, "", config=at.config)
    (asked,) = at.asked()
    at.done(asked["id"], **SIZE, shares_blocks=True)
    (snapshot,) = at.snapshots(home.id)
    assert (snapshot.state, snapshot.size_bytes, snapshot.shares_blocks) == ("ready", 3_000, True)
    run = at.house.request("notebook")
    with pytest.raises(StateConflict, match="stop the tools"):
        at.write(homes.restore, home.id, taken.id, config=at.config)
    at.house.act(run.id, "stop")
    at.asked()
    at.write(homes.restore, home.id, taken.id, config=at.config)
    (asked,) = at.asked()
    at.done(asked["id"], **SIZE, undo={"size_bytes": 9, "files": 1, "shares_blocks": False})
    undo = at.snapshots(home.id)[0]
    assert (undo.kind, undo.state, undo.size_bytes) == ("before_restore", "ready", 9)
    with pytest.raises(QuotaExceeded, match="may have 2 snapshots"):
        at.write(homes.take_snapshot, home.id, "", config=at.config)
    at.write(homes.forget_snapshot, home.id, undo.id)
    (asked,) = at.asked()
    at.done(asked["id"], **SIZE)
    assert [item.id for item in at.snapshots(home.id)] == [taken.id]


def test_a_restore_that_fails_is_told_and_keeps_the_way_back(at: Homely) -> None:
    home = at.made()
    taken = at.write(homes.take_snapshot, home.id, "good", config=at.config)
    at.done(at.asked()[0]["id"], **SIZE)
    at.write(homes.restore, home.id, taken.id, config=at.config)
    at.done(at.asked()[0]["id"], "executor_error", "no room", undo={"size_bytes": 9, "files": 1})
    assert at.snapshots(home.id)[0].state == "ready"
    with at.house.hub.database.read() as tx:
        told = notices.inbox(tx, home.account, unread=True, before=None, limit=9)
    assert [(item.kind, item.body) for item in told] == [("failed", "no room")]
