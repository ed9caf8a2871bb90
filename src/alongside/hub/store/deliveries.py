"""Rows of what is on its way to people, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from alongside.hub.store.database import Tx
from alongside.hub.store.notices import notice_of
from alongside.hub.store.schema import deliveries, notices, webhooks
from alongside.spec.notices import Delivery
from alongside.spec.runs import State


def add(tx: Tx, delivery: Delivery) -> None:
    tx.execute(
        insert(deliveries).values(
            id=delivery.id,
            notice_id=delivery.notice.id if delivery.notice else None,
            webhook_id=delivery.webhook,
            channel=delivery.channel,
            to_address="" if delivery.webhook else delivery.to,
            subject=delivery.subject,
            body=delivery.body,
            state=delivery.state,
            due_at=delivery.due_at,
            created_at=delivery.created_at,
        )
    )


def due(tx: Tx, now: datetime, limit: int) -> list[Delivery]:
    """What should have been sent by now, the longest overdue first."""
    rows = tx.execute(
        select(deliveries, webhooks.c.url)
        .outerjoin(webhooks, webhooks.c.id == deliveries.c.webhook_id)
        .where(deliveries.c.state == "queued", deliveries.c.due_at <= now)
        .order_by(deliveries.c.due_at)
        .limit(limit)
    ).all()
    wanted = {row.notice_id for row in rows if row.notice_id}
    found = {row.id: notice_of(row) for row in tx.execute(select(notices).where(notices.c.id.in_(wanted)))}
    return [_delivery(row, found.get(row.notice_id)) for row in rows]


def next_due(tx: Tx) -> datetime | None:
    return tx.execute(select(func.min(deliveries.c.due_at)).where(deliveries.c.state == "queued")).scalar()


def change(tx: Tx, delivery_id: str, **columns: Any) -> None:
    tx.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**columns))


def fate(tx: Tx, delivery_id: str) -> tuple[State, str, int] | None:
    row = tx.execute(select(deliveries).where(deliveries.c.id == delivery_id)).one_or_none()
    return None if row is None else (row.state, row.reason, row.attempts)


def remove_older(tx: Tx, before: datetime, limit: int) -> None:
    old = select(deliveries.c.id).where(deliveries.c.created_at < before).limit(limit)
    tx.execute(delete(deliveries).where(deliveries.c.id.in_(old.scalar_subquery())))


def _delivery(row: Row[Any], notice: Any) -> Delivery:
    return Delivery(
        id=row.id,
        channel=row.channel,
        to=row.url or row.to_address,
        subject=row.subject,
        body=row.body,
        state=row.state,
        attempts=row.attempts,
        due_at=row.due_at,
        created_at=row.created_at,
        notice=notice,
        webhook=row.webhook_id,
    )
