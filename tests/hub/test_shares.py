"""Sharing a run: who gets in, for how long, and who is out when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import Invalid, QuotaExceeded, RunUnknown, ShareUnknown, StateConflict
from alongside.hub import accounts, grants, notices, runs, shares
from alongside.spec.runs import Run
from alongside.spec.sharing import Present
from support.houses import House, a_house
from support.people import person


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path / "data") as house:
        house.join("lab", "r1")
        house.sync("r1")
        with house.hub.database.write() as tx:
            for name in ("bob", "cyd", "dan"):
                house.people[name] = person(tx, house.clock(), name)
            group = accounts.create_group(tx, "crew", house.clock())
            for name in ("ann", "bob", "cyd"):
                accounts.add_member(tx, group.id, house.people[name].account.id)
        yield house


@pytest.fixture
def run(house: House) -> Run:
    run = house.request("notebook")
    house.sync("r1")
    house.runners["r1"].start(run.id)
    house.runners["r1"].ready(run.id, "/")
    house.sync("r1")
    return house.run(run.id)


def do(house: House, room: Callable[..., Any], who: str, *more: Any) -> Any:
    with house.hub.database.write() as tx:
        return room(tx, house.people[who], *more)


def share(house: House, run: Run, kind: str, name: str | None = None, lasts_s: float | None = None) -> Any:
    return do(house, shares.share, "ann", run.id, kind, name, lasts_s, house.clock())


def gets_in(house: House, run: Run, who: str) -> bool:
    with house.hub.database.read() as tx:
        try:
            grants.access(
                tx,
                house.people[who],
                run.id,
                None,
                house.clock(),
                config=house.hub.config,
                keyring=house.hub.keyring,
            )
        except RunUnknown:
            return False
    return True


def thrown_out(house: House) -> list[str]:
    """Names of those whose ways the runner was told to close since it was last asked."""
    house.sync("r1")
    names = {caller.account.id: name for name, caller in house.people.items()}
    heard = house.runners["r1"].heard
    told = [names[item.body["grantee"]] for item in heard if item.kind == "revoke"]
    heard.clear()
    return sorted(told)


def test_a_person_comes_in_until_the_share_is_revoked(house: House, run: Run) -> None:
    assert not gets_in(house, run, "bob")
    made = share(house, run, "person", "bob").share
    assert [gets_in(house, run, who) for who in ("ann", "bob", "cyd")] == [True, True, False]
    do(house, shares.revoke, "ann", run.id, made.id, house.clock())
    assert not gets_in(house, run, "bob")
    assert thrown_out(house) == ["bob"]


def test_whoever_is_let_in_opens_the_tool_and_no_more(house: House, run: Run) -> None:
    share(house, run, "person", "bob")
    seen = do(house, shares.shared_with, "bob", house.clock())
    assert [(item.id, item.owner, item.word, item.open_url) for item in seen] == [
        (run.id, "ann", "Ready", f"/open/{run.id}")
    ]
    assert do(house, shares.shared_with, "cyd", house.clock()) == []
    for room, more in (
        (runs.get, ()),
        (runs.events, ()),
        (runs.attempts, ()),
        (shares.listing, ()),
        (shares.present, ()),
        (shares.share, ("person", "cyd", None, house.clock())),
    ):
        with pytest.raises(RunUnknown):
            do(house, room, "bob", run.id, *more)
    with pytest.raises(RunUnknown):
        house.act(run.id, "stop", who="bob")


def test_a_group_comes_in_and_one_of_it_is_shut_out_alone(house: House, run: Run) -> None:
    made = share(house, run, "group", "crew").share
    assert [gets_in(house, run, who) for who in ("bob", "cyd", "dan")] == [True, True, False]
    bob = house.people["bob"].account.id
    do(house, shares.shut_out, "ann", run.id, made.id, bob, house.clock())
    assert [gets_in(house, run, who) for who in ("bob", "cyd")] == [False, True]
    assert thrown_out(house) == ["bob"]
    with pytest.raises(ShareUnknown):
        do(house, shares.shut_out, "ann", run.id, made.id, house.people["dan"].account.id, house.clock())
    do(house, shares.revoke, "ann", run.id, made.id, house.clock())
    assert thrown_out(house) == ["bob", "cyd"], "the owner stays in"


def test_leaving_the_group_is_leaving_the_run(house: House, run: Run) -> None:
    share(house, run, "group", "crew")
    with house.hub.database.write() as tx:
        group = next(item for item in accounts.group_page(tx, None, 10) if item.name == "crew")
        bob = house.people["bob"].account.id
        accounts.remove_member(tx, group.id, bob)
        shares.left_group(tx, group.id, bob, house.clock())
    assert thrown_out(house) == ["bob"]
    with house.hub.database.write() as tx:
        shares.group_removed(tx, group.id, house.clock())
        accounts.remove_group(tx, group.id)
    assert thrown_out(house) == ["cyd"]
    assert not gets_in(house, run, "cyd")


def test_a_code_lets_in_whoever_redeems_it(house: House, run: Run) -> None:
    made = share(house, run, "code")
    assert not gets_in(house, run, "bob")
    assert do(house, shares.redeem, "bob", made.code.upper(), house.clock()).id == run.id
    do(house, shares.redeem, "bob", made.code, house.clock())
    do(house, shares.redeem, "cyd", made.code, house.clock())
    [listed] = do(house, shares.listing, "ann", run.id)
    assert [member.name for member in listed.members] == ["bob", "cyd"]
    bob = house.people["bob"].account.id
    do(house, shares.shut_out, "ann", run.id, listed.id, bob, house.clock())
    assert [gets_in(house, run, who) for who in ("bob", "cyd")] == [False, True]
    with pytest.raises(ShareUnknown):
        do(house, shares.redeem, "bob", made.code, house.clock())
    with pytest.raises(StateConflict):
        do(house, shares.redeem, "ann", made.code, house.clock())
    for wrong in ("", "abcd-abcd-abcd-abcd", "no code"):
        with pytest.raises(ShareUnknown):
            do(house, shares.redeem, "dan", wrong, house.clock())


@pytest.mark.parametrize("again", [False, True], ids=["", "after-another-dispatcher-took-over"])
def test_a_share_ends_by_itself_at_its_moment(house: House, run: Run, again: bool) -> None:
    made = share(house, run, "code", lasts_s=7200)
    do(house, shares.redeem, "bob", made.code, house.clock())
    house.turn()
    if again:
        house.lead()
    house.clock.pass_s(7190)
    house.turn()
    house.sync("r1")
    assert gets_in(house, run, "bob")
    house.clock.pass_s(11)
    assert not gets_in(house, run, "bob"), "to the second, whether or not a dispatcher turns"
    with pytest.raises(ShareUnknown):
        do(house, shares.redeem, "cyd", made.code, house.clock())
    house.turn()
    assert thrown_out(house) == ["bob"]
    assert do(house, shares.listing, "ann", run.id) == []


def test_sharing_again_moves_the_end(house: House, run: Run) -> None:
    first = share(house, run, "person", "bob", 60).share
    house.turn()
    second = share(house, run, "person", "bob", 600).share
    house.turn()
    assert (second.id, second.expires_at) == (first.id, house.clock() + timedelta(seconds=600))
    house.clock.pass_s(70)
    house.turn()
    assert gets_in(house, run, "bob")
    assert share(house, run, "person", "bob").share.expires_at is None
    house.turn()
    house.clock.pass_s(300)
    house.sync("r1")
    assert gets_in(house, run, "bob")


def test_another_way_in_stays_open(house: House, run: Run) -> None:
    person_share = share(house, run, "person", "bob").share
    share(house, run, "group", "crew")
    do(house, shares.revoke, "ann", run.id, person_share.id, house.clock())
    assert gets_in(house, run, "bob")
    assert thrown_out(house) == []


def test_whoever_is_revoked_while_the_run_is_stopped_stays_out_after_its_start(
    house: House, run: Run
) -> None:
    made = share(house, run, "person", "bob").share
    house.act(run.id, "stop")
    house.settle()
    assert house.run(run.id).state == "paused"
    do(house, shares.revoke, "ann", run.id, made.id, house.clock())
    assert thrown_out(house) == ["bob"], "the edge keeps his cookie's secret for the next start"


def test_signing_out_closes_what_others_share(house: House, run: Run) -> None:
    share(house, run, "person", "bob")
    with house.hub.database.write() as tx:
        grants.revoke_account(tx, house.people["bob"].account.id, house.clock())
    assert thrown_out(house) == ["bob"]


def test_what_cannot_be_shared_is_said(house: House, run: Run) -> None:
    for kind, name in (
        ("person", None),
        ("person", "nobody"),
        ("person", "ann"),
        ("group", "none"),
        ("code", "x"),
    ):
        with pytest.raises(Invalid) as refused:
            share(house, run, kind, name)
        assert refused.value.faults[0].field == "name"
    task = house.request("count")
    with pytest.raises(Invalid, match="task"):
        share(house, task, "person", "bob")
    with pytest.raises(RunUnknown):
        do(house, shares.share, "dan", run.id, "code", None, None, house.clock())
    for _ in range(shares.SHARES_MAX):
        share(house, run, "code")
    with pytest.raises(QuotaExceeded):
        share(house, run, "code")


def test_who_is_let_in_is_told(house: House, run: Run) -> None:
    share(house, run, "person", "bob", 3600)
    share(house, run, "group", "crew")
    with house.hub.database.read() as tx:
        inboxes = {
            who: notices.inbox(tx, house.people[who].account.id, unread=True, before=None, limit=10)
            for who in ("ann", "bob", "cyd", "dan")
        }
    told = {who: [item.link for item in found if item.kind == "share"] for who, found in inboxes.items()}
    page = f"/runs/{run.id}"
    assert told == {"ann": [], "bob": [page, page], "cyd": [page], "dan": []}


def test_who_is_in(house: House, run: Run) -> None:
    ids = {name: caller.account.id for name, caller in house.people.items()}
    runner = house.runners["r1"]

    def look() -> list[tuple[str, bool]]:
        house.sync("r1")
        found: list[Present] = do(house, shares.present, "ann", run.id)
        return sorted((item.name, item.left_at is None) for item in found)

    assert look() == []
    runner.activity = {
        run.id: {"people": {ids["ann"]: 0.0, ids["bob"]: 2.5, "nobody": 0.0, ids["cyd"]: 300.0}}
    }
    assert look() == [("ann", True), ("bob", True)]
    came_at = {item.name: item.came_at for item in do(house, shares.present, "ann", run.id)}
    house.clock.pass_s(5)
    runner.activity = {run.id: {"people": {ids["ann"]: 0.0}}}
    assert look() == [("ann", True), ("bob", False)]
    house.clock.pass_s(5)
    house.lead()
    assert look() == [("ann", True), ("bob", False)]
    again = {item.name: item.came_at for item in do(house, shares.present, "ann", run.id)}
    assert again["ann"] == came_at["ann"], "another dispatcher does not make her come anew"
    runner.activity = {}
    assert look() == [("ann", False), ("bob", False)]
    runner.activity = {run.id: {"people": "nonsense"}, "unknown": {"people": {ids["ann"]: 0.0}}}
    assert look() == [("ann", False), ("bob", False)]
