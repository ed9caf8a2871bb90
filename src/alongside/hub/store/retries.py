"""Rows of answers kept for requests that are sent again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, tuple_

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import idempotency

#: rows removed at a time, so that no request pays for all the old ones
FORGET_ROWS = 20


@dataclass(frozen=True)
class Stored:
    route: str
    request_hash: str
    status: int
    headers: dict[str, str]
    body: bytes


def get(tx: Tx, account_id: str, key: str) -> Stored | None:
    row = tx.execute(
        select(idempotency).where(idempotency.c.account_id == account_id, idempotency.c.key == key)
    ).first()
    if row is None:
        return None
    return Stored(row.route, row.request_hash, row.status, row.headers, bytes(row.body))


def put(tx: Tx, account_id: str, key: str, stored: Stored, now: datetime) -> None:
    tx.execute(
        insert(idempotency).values(
            account_id=account_id,
            key=key,
            route=stored.route,
            request_hash=stored.request_hash,
            status=stored.status,
            headers=stored.headers,
            body=stored.body,
            created_at=now,
        )
    )


def forget(tx: Tx, before: datetime) -> None:
    old = tx.execute(
        select(idempotency.c.account_id, idempotency.c.key)
        .where(idempotency.c.created_at < before)
        .limit(FORGET_ROWS)
    ).all()
    if old:
        keys = tuple_(idempotency.c.account_id, idempotency.c.key)
        tx.execute(delete(idempotency).where(keys.in_([tuple(row) for row in old])))
