"""What is to leave the hub by mail or webhook: rows here; the dispatcher sends them (`delivering`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alongside.hub.store import changes, notices
from alongside.hub.store import deliveries as store
from alongside.hub.store.database import MAX_ROWS, Tx
from alongside.hub.store.keys import new_id
from alongside.spec.notices import GIVE_UP_AFTER_S, Channel, Delivery, Notice, retry_after
from alongside.spec.runs import State

#: what was delivered or given up is remembered so long
KEEP = timedelta(days=7)


def send(tx: Tx, to: str, subject: str, body: str, now: datetime) -> str:
    """Put a letter that is no notice on its way, and answer its id.

    Its body may carry a secret: it is forgotten once the letter is sent or given up.
    """
    return _queue(tx, "mail", to, subject, body, now)


def send_notice(
    tx: Tx, notice: Notice, channel: Channel, to: str, now: datetime, *, webhook: str | None = None
) -> str:
    return _queue(tx, channel, to, notice.title, "", now, notice=notice, webhook=webhook)


def _queue(
    tx: Tx,
    channel: Channel,
    to: str,
    subject: str,
    body: str,
    now: datetime,
    *,
    notice: Notice | None = None,
    webhook: str | None = None,
) -> str:
    delivery = Delivery(
        id=new_id(now),
        channel=channel,
        to=to,
        subject=" ".join(subject.split()),
        body=body,
        state="queued",
        attempts=0,
        due_at=now,
        created_at=now,
        notice=notice,
        webhook=webhook,
    )
    store.add(tx, delivery)
    changes.note(tx, "delivery", delivery.id)
    return delivery.id


@dataclass(frozen=True)
class Outcome:
    """What a try came to: delivered, or a fault, which may be for good."""

    fault: str = ""
    final: bool = False


def due(tx: Tx, now: datetime, limit: int) -> list[Delivery]:
    return store.due(tx, now, limit)


def next_due(tx: Tx) -> datetime | None:
    return store.next_due(tx)


def record(tx: Tx, delivery: Delivery, outcome: Outcome, now: datetime, jitter: float) -> None:
    """Note what became of a try, and when there is another."""
    attempts = delivery.attempts + 1
    old = (now - delivery.created_at).total_seconds() >= GIVE_UP_AFTER_S
    if not outcome.fault:
        ended: dict[str, Any] = {"state": "complete", "ended_at": now, "body": "", "reason": ""}
    elif outcome.final or old:
        ended = {"state": "system_error", "ended_at": now, "body": "", "reason": outcome.fault}
    else:
        wait = timedelta(seconds=retry_after(attempts, jitter))
        ended = {"due_at": now + wait, "reason": outcome.fault}
    store.change(tx, delivery.id, attempts=attempts, **ended)
    if delivery.webhook is not None:
        notices.change_webhook(tx, delivery.webhook, fault=outcome.fault)


def purge(tx: Tx, now: datetime) -> None:
    store.remove_older(tx, now - KEEP, MAX_ROWS)


def fate(tx: Tx, delivery_id: str) -> tuple[State, str, int] | None:
    """The state of a delivery, why its last try failed, and how many tries there were."""
    return store.fate(tx, delivery_id)
