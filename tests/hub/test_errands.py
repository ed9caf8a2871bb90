"""Errands from the asking to their end, over the real store, on a clock turned by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alongside.errors import NotFound, StateConflict
from alongside.hub import errands
from alongside.hub.store.database import Database
from alongside.spec.errands import AskedErrand
from alongside.spec.wire import ErrandNews
from support.houses import House, a_house

ENDED: list[AskedErrand] = []


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    ENDED.clear()
    with a_house(tmp_path / "data", database=database) as house:
        house.on_end = {"home": lambda tx, errand, now: ENDED.append(errand), "bad": lambda *_: 1 / 0}
        house.lead()
        house.join("lab", "r1")
        house.sync("r1")
        yield house


def ask(house: House, kind: str = "home", who: str = "ann") -> str:
    account = house.people[who].account.id
    with house.hub.database.write() as tx:
        return errands.ask(tx, house.runners["r1"].id, kind, "h1", {"act": "make"}, account, house.clock())


def standing(house: House, errand: str) -> AskedErrand:
    with house.hub.database.read() as tx:
        return errands.get(tx, house.people["ann"], errand)


def test_an_errand_is_sent_heard_of_by_number_and_ends_once(house: House) -> None:
    errand = ask(house)
    turn = house.turn()
    assert house.runners["r1"].id in turn.seqs, "whoever waits for this runner is woken"
    house.sync("r1")
    (item,) = [item for item in house.runners["r1"].heard if item.kind == "errand"]
    assert item.body["id"] == errand
    assert item.body["owner"]["name"] == "ann"
    news = house.runners["r1"].news
    news.append(ErrandNews(errand, 2, "running", 40, "copying"))
    house.sync("r1", deliver=False)
    house.sync("r1")
    assert (standing(house, errand).progress, standing(house, errand).message) == (40, "copying")
    house.runners["r1"].news = [ErrandNews(errand, 1, "running", 10, "too late")]
    house.sync("r1")
    assert standing(house, errand).progress == 40
    house.runners["r1"].news = [ErrandNews(errand, 3, "complete", 100, answer={"uid": 7})]
    for _ in range(2):
        house.sync("r1", deliver=False)
    assert [(item.state, item.answer) for item in ENDED] == [("complete", {"uid": 7})]
    with house.hub.database.read() as tx, pytest.raises(NotFound):
        errands.get(tx, house.people["ann"], "01knobody")


def test_an_errand_nobody_speaks_of_is_given_up_also_by_the_next_dispatcher(house: House) -> None:
    errand = ask(house)
    house.sync("r1")
    house.clock.pass_s(errands.PATIENCE.total_seconds() - 5)
    house.runners["r1"].news = [ErrandNews(errand, 1, "running", 5)]
    house.sync("r1")
    house.lead()
    house.turn()
    house.clock.pass_s(errands.PATIENCE.total_seconds() - 5)
    house.turn()
    assert standing(house, errand).state == "running"
    house.clock.pass_s(10)
    house.turn()
    assert (standing(house, errand).state, standing(house, errand).reason_code) == ("system_error", "expired")
    assert len(ENDED) == 1
    house.runners["r1"].news = [ErrandNews(errand, 2, "complete", 100)]
    house.sync("r1")
    assert standing(house, errand).state == "system_error"
    assert house.runners["r1"].news == []


def test_an_errand_is_taken_back_only_before_its_runner_heard_of_it(house: House) -> None:
    first = ask(house)
    with house.hub.database.write() as tx:
        errands.cancel(tx, first, house.clock())
    assert standing(house, first).state == "canceled"
    house.sync("r1")
    assert all(item.kind != "errand" for item in house.runners["r1"].heard)
    second = ask(house)
    house.sync("r1")
    house.sync("r1")
    with house.hub.database.write() as tx, pytest.raises(StateConflict):
        errands.cancel(tx, second, house.clock())


def test_a_room_that_fails_at_an_end_leaves_the_others_their_news(house: House) -> None:
    bad, good = ask(house, "bad"), ask(house)
    house.sync("r1")
    house.runners["r1"].news = [ErrandNews(bad, 1, "complete"), ErrandNews(good, 1, "executor_error")]
    house.sync("r1")
    assert [standing(house, item).state for item in (bad, good)] == ["complete", "executor_error"]
    assert [item.id for item in ENDED] == [good]
