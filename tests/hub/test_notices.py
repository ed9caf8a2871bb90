"""Notices: who is told what, by which way, how often it is tried, and what is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alongside.config import NoticeSettings as Settings
from alongside.errors import Invalid, QuotaExceeded, WebhookUnknown
from alongside.hub import couriers, notices
from alongside.hub.couriers import Outcome
from alongside.hub.store.schema import accounts, deliveries
from alongside.spec.notices import GIVE_UP_AFTER_S, Delivery, Notice, NoticeSetting
from support.houses import House, a_house

SETTINGS = Settings(webhooks_max=2)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path / "data") as house:
        with house.hub.database.write() as tx:
            tx.execute(accounts.update().values(email="ann@example.org", email_verified=True))
        yield house


def ann(house: House) -> str:
    return house.people["ann"].account.id


def tell(house: House, kind: Any = "failed", **more: Any) -> Notice:
    # Notices of one moment are in no certain order.
    house.clock.pass_s(0.001)
    with house.hub.database.write() as tx:
        return notices.notify(tx, ann(house), kind, "A title", "A body", "/runs", house.clock(), **more)


def inbox(house: House) -> list[Notice]:
    with house.hub.database.read() as tx:
        return notices.inbox(tx, ann(house), unread=False, before=None, limit=100)


def due(house: House) -> list[Delivery]:
    with house.hub.database.read() as tx:
        return couriers.due(tx, house.clock(), 100)


def came_to(house: House, delivery: Delivery, outcome: Outcome) -> None:
    with house.hub.database.write() as tx:
        couriers.record(tx, delivery, outcome, house.clock(), 1.0)


def test_every_notice_is_in_the_inbox_and_leaves_as_its_kind_is_set(house: House) -> None:
    tell(house, "failed")
    tell(house, "ready")
    assert [notice.kind for notice in inbox(house)] == ["ready", "failed"]
    assert [item.to for item in due(house)] == ["ann@example.org"], (
        "mail for ready is off until it is asked for"
    )

    with house.hub.database.write() as tx:
        hook = notices.add_webhook(tx, ann(house), "https://chat.example/hook", house.clock(), SETTINGS)
        notices.set_settings(
            tx,
            ann(house),
            [
                NoticeSetting("ready", mail=True, webhook=True),
                NoticeSetting("failed", mail=False, webhook=False),
            ],
        )
    tell(house, "failed")
    tell(house, "ready")
    later = due(house)[1:]
    assert sorted((item.channel, item.to) for item in later) == [
        ("mail", "ann@example.org"),
        ("webhook", "https://chat.example/hook"),
    ]
    with house.hub.database.write() as tx:
        notices.edit_webhook(tx, ann(house), hook.id, active=False)
    tell(house, "ready")
    assert [item.channel for item in due(house)].count("webhook") == 1


def test_what_is_read_is_no_longer_unread(house: House) -> None:
    first, _ = tell(house), tell(house)
    with house.hub.database.write() as tx:
        assert notices.unread(tx, ann(house)) == 2
        assert notices.mark_read(tx, ann(house), [first.id], house.clock()) == 1
        assert notices.mark_read(tx, house.people["admin"].account.id, None, house.clock()) == 0
        assert notices.unread(tx, ann(house)) == 1, "nobody reads another's notices"
        assert notices.mark_read(tx, ann(house), None, house.clock()) == 0


def test_notices_of_one_topic_are_told_once_while_unread(house: House) -> None:
    for _ in range(1000 // 100):
        tell(house, topic="failed:count")
    assert [notice.count for notice in inbox(house)] == [10]
    assert len(due(house)) == 1
    with house.hub.database.write() as tx:
        notices.mark_read(tx, ann(house), None, house.clock())
    tell(house, topic="failed:count")
    assert [notice.count for notice in inbox(house)] == [1, 10]


def test_a_delivery_is_tried_again_and_given_up_after_a_day(house: House) -> None:
    tell(house)
    tries, begun = 0, house.clock()
    while (house.clock() - begun).total_seconds() <= GIVE_UP_AFTER_S:
        (item,) = due(house)
        came_to(house, item, Outcome("no route to host"))
        assert due(house) == [], "not at once"
        tries += 1
        with house.hub.database.read() as tx:
            moment = couriers.next_due(tx)
        assert moment is not None
        house.clock.pass_s((moment - house.clock()).total_seconds())
    (item,) = due(house)
    came_to(house, item, Outcome("no route to host"))
    with house.hub.database.read() as tx:
        assert couriers.next_due(tx) is None
        assert couriers.fate(tx, item.id) == ("system_error", "no route to host", tries + 1)
    assert 20 < tries < 60


def test_a_refusal_for_good_is_not_tried_again(house: House) -> None:
    tell(house)
    (item,) = due(house)
    came_to(house, item, Outcome("the mail server said 550: no such user", final=True))
    with house.hub.database.read() as tx:
        assert couriers.next_due(tx) is None


@pytest.mark.parametrize("outcome", [Outcome(), Outcome("550", final=True)])
def test_a_letter_with_a_secret_is_forgotten_once_it_is_sent_or_given_up(
    house: House, outcome: Outcome
) -> None:
    with house.hub.database.write() as tx:
        couriers.send(tx, "new@example.org", "Your\r\nlink", "https://hub/secret-link", house.clock())
    (item,) = due(house)
    assert (item.subject, item.body) == ("Your link", "https://hub/secret-link")
    came_to(house, item, outcome)
    with house.hub.database.read() as tx:
        assert list(tx.execute(select(deliveries.c.body)).scalars()) == [""]


def test_webhooks_are_ones_own_and_not_too_many(house: House) -> None:
    with house.hub.database.write() as tx, pytest.raises(Invalid):
        notices.add_webhook(tx, ann(house), "https://me:pw@chat.example/", house.clock(), SETTINGS)
    with house.hub.database.write() as tx:
        hook = notices.add_webhook(tx, ann(house), "https://chat.example/", house.clock(), SETTINGS)
        notices.add_webhook(tx, ann(house), "https://chat.example/", house.clock(), SETTINGS)
    with house.hub.database.write() as tx, pytest.raises(QuotaExceeded):
        notices.add_webhook(tx, ann(house), "https://chat.example/", house.clock(), SETTINGS)
    with house.hub.database.write() as tx, pytest.raises(WebhookUnknown):
        notices.remove_webhook(tx, house.people["admin"].account.id, hook.id)


def test_old_notices_are_forgotten(house: House) -> None:
    tell(house)
    house.clock.pass_s(timedelta(days=91).total_seconds())
    tell(house)
    with house.hub.database.write() as tx:
        notices.purge(tx, house.clock(), timedelta(days=90))
    assert len(inbox(house)) == 1


def test_owners_hear_of_failures_and_of_what_is_ready_after_a_while(house: House) -> None:
    house.join("lab", "r1", cpus=8)
    runner = house.runners["r1"]
    quick, slow = house.request("notebook"), house.request("notebook")
    house.settle()
    for run, after_s in ((quick, 2), (slow, 28)):
        house.pass_s(after_s, syncing=("r1",))
        runner.start(run.id)
        runner.ready(run.id)
        house.settle()
    assert [(notice.kind, notice.run) for notice in inbox(house)] == [("ready", slow.id)]
    assert inbox(house)[0].body == "It took 30 seconds."

    tasks = [house.request("count") for _ in range(3)]
    house.settle()
    for task in tasks:
        runner.start(task.id)
        runner.finish(
            task.id, "executor_error", reason_code="exit_code", reason="it ended with 3", exit_code=3
        )
    house.settle()
    told = inbox(house)[0]
    assert (told.kind, told.count, told.body) == ("failed", 3, "It ended with 3.")
    assert told.link == f"/runs/{tasks[0].id}"
