"""Rows of errands."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from alongside.hub.store.database import MAX_ROWS, Tx
from alongside.hub.store.schema import errands
from alongside.spec.errands import AskedErrand
from alongside.spec.runs import State
from alongside.spec.wire import ErrandNews

OPEN: tuple[State, ...] = ("queued", "running")


def add(tx: Tx, errand: AskedErrand) -> None:
    tx.execute(
        insert(errands).values(
            id=errand.id,
            runner_id=errand.runner,
            account_id=errand.account,
            kind=errand.kind,
            subject=errand.subject,
            body=errand.body,
            state=errand.state,
            answer=errand.answer,
            created_at=errand.created_at,
            updated_at=errand.updated_at,
            expires_at=errand.expires_at,
        )
    )


def get(tx: Tx, errand_id: str) -> AskedErrand | None:
    row = tx.execute(select(errands).where(errands.c.id == errand_id)).one_or_none()
    return None if row is None else _errand(row)


def listing(
    tx: Tx,
    kind: str,
    subjects: Collection[str],
    *,
    open_only: bool = False,
    limit: int = MAX_ROWS,
) -> list[AskedErrand]:
    """About these things, newest first."""
    query = select(errands).where(errands.c.kind == kind, errands.c.subject.in_(subjects))
    if open_only:
        query = query.where(errands.c.state.in_(OPEN))
    return [_errand(row) for row in tx.execute(query.order_by(errands.c.id.desc()).limit(limit))]


def all_open(tx: Tx) -> list[tuple[str, datetime]]:
    """(id, when it is given up)."""
    rows = tx.execute(select(errands.c.id, errands.c.expires_at).where(errands.c.state.in_(OPEN)))
    return [(row.id, row.expires_at) for row in rows]


def take(tx: Tx, runner: str, news: ErrandNews, now: datetime, expires_at: datetime) -> bool:
    """Write news that are newer than what is known, of an errand that has not ended; whether they were."""
    return (
        tx.execute(
            update(errands)
            .where(
                errands.c.id == news.errand,
                errands.c.runner_id == runner,
                errands.c.state.in_(OPEN),
                errands.c.news < news.number,
            )
            .values(
                news=news.number,
                state=news.state,
                progress=news.progress,
                message=news.message,
                reason_code=news.reason_code,
                reason=news.reason,
                answer=news.answer,
                updated_at=now,
                expires_at=expires_at,
            )
        ).rowcount
        > 0
    )


def end(tx: Tx, errand_id: str, state: State, reason_code: str, reason: str, now: datetime) -> bool:
    """Whether it was still open."""
    return (
        tx.execute(
            update(errands)
            .where(errands.c.id == errand_id, errands.c.state.in_(OPEN))
            .values(state=state, reason_code=reason_code, reason=reason, updated_at=now)
        ).rowcount
        > 0
    )


def purge(tx: Tx, before: datetime, limit: int = MAX_ROWS) -> None:
    """Forget those that ended long ago."""
    old = select(errands.c.id).where(errands.c.state.not_in(OPEN), errands.c.updated_at < before).limit(limit)
    tx.execute(delete(errands).where(errands.c.id.in_(old.scalar_subquery())))


def _errand(row: Row[Any]) -> AskedErrand:
    return AskedErrand(
        id=row.id,
        runner=row.runner_id,
        account=row.account_id,
        kind=row.kind,
        subject=row.subject,
        state=row.state,
        created_at=row.created_at,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
        body=row.body,
        progress=row.progress,
        message=row.message,
        reason_code=row.reason_code,
        reason=row.reason,
        answer=row.answer,
    )
