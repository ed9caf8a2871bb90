"""Counts over the whole installation, for the status page and for metrics."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import leader, runs


def runs_by_state(tx: Tx) -> dict[str, int]:
    return {row[0]: row[1] for row in tx.execute(select(runs.c.state, func.count()).group_by(runs.c.state))}


def leading(tx: Tx) -> tuple[int, datetime | None]:
    """The present epoch (0 before the first) and when its dispatcher was last seen."""
    row = tx.execute(select(leader.c.epoch, leader.c.at).where(leader.c.id == 1)).first()
    return (0, None) if row is None else (row.epoch, row.at)
