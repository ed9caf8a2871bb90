"""Rows of the audit record: written once, never changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import audit
from alongside.spec.admission import AuditEntry


def add(tx: Tx, at: datetime, actor: str, action: str, kind: str, thing: str, detail: str) -> None:
    tx.execute(insert(audit).values(at=at, actor=actor, action=action, kind=kind, thing=thing, detail=detail))


def page(tx: Tx, before: int | None, limit: int, *, thing: str | None = None) -> list[AuditEntry]:
    """Newest first."""
    query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.seq < before)
    if thing is not None:
        query = query.where(audit.c.thing == thing)
    return [
        AuditEntry(row.seq, row.at, row.actor, row.action, row.kind, row.thing, row.detail)
        for row in tx.execute(query)
    ]
