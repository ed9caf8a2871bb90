"""What is to leave the hub by mail or webhook: rows here; the dispatcher sends them (`delivering`)."""

from __future__ import annotations

from datetime import datetime

from alongside.hub.store import changes
from alongside.hub.store import deliveries as store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.spec.notices import Channel, Delivery, Notice


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
