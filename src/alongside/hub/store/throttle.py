"""Rows that count attempts within a window, shared by all processes of the hub."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import case, delete, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import throttle


def counts(tx: Tx, keys: Collection[str]) -> dict[str, tuple[int, datetime]]:
    """How often each was counted, and since when."""
    query = select(throttle.c.key, throttle.c.count, throttle.c.since).where(throttle.c.key.in_(keys))
    return {key: (number, since) for key, number, since in tx.execute(query)}


def count(tx: Tx, key: str, now: datetime, began_after: datetime) -> None:
    """Count once more; a window that began earlier than `began_after` begins anew."""
    goes_on = throttle.c.since > began_after
    more = (
        update(throttle)
        .where(throttle.c.key == key)
        .values(
            count=case((goes_on, throttle.c.count + 1), else_=1),
            since=case((goes_on, throttle.c.since), else_=literal(now, throttle.c.since.type)),
        )
    )
    if tx.execute(more).rowcount:
        return
    try:
        with tx.begin_nested():
            tx.execute(insert(throttle).values(key=key, count=1, since=now))
    except IntegrityError:
        # PostgreSQL: another worker counted the same key first.
        tx.execute(more)


def forget(tx: Tx, key: str) -> None:
    tx.execute(delete(throttle).where(throttle.c.key == key))


def remove_before(tx: Tx, moment: datetime) -> None:
    tx.execute(delete(throttle).where(throttle.c.since < moment))
