"""Which dispatcher leads: one lock that dies with its holder, one epoch that every transaction checks."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, select, text, update

from alongside.hub.store.database import Database, Tx
from alongside.hub.store.schema import leader

#: of the advisory lock on PostgreSQL; any number that nobody else uses
LOCK_KEY = 0x616C6F6E67


class LeadershipLost(Exception):
    """Another dispatcher leads now."""


def try_lock(database: Database) -> Callable[[], None] | None:
    """Take the dispatchers' lock if nobody holds it, and answer how to let go of it.

    The kernel or PostgreSQL lets go of it when the holder dies, however that happens. On PostgreSQL a
    connection may look alive to one side only; the epoch covers that case.
    """
    if database.is_sqlite:
        return _try_file_lock(Path(database.engine.url.database or "hub.sqlite"))
    connection = database.engine.connect()
    if connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK_KEY}).scalar():
        connection.commit()
        return connection.close
    connection.close()
    return None


def take(tx: Tx, holder: str, now: datetime) -> int:
    """Begin a new epoch; the transactions of earlier leaders fail from now on."""
    row = tx.execute(select(leader.c.epoch).where(leader.c.id == 1).with_for_update()).one_or_none()
    if row is None:
        tx.execute(insert(leader).values(id=1, epoch=1, holder=holder, at=now))
        return 1
    epoch = row.epoch + 1
    tx.execute(update(leader).where(leader.c.id == 1).values(epoch=epoch, holder=holder, at=now))
    return epoch


def check(tx: Tx, epoch: int) -> None:
    """Raises LeadershipLost; the row stays locked until the transaction ends: nobody takes over inside it."""
    present = tx.execute(select(leader.c.epoch).where(leader.c.id == 1).with_for_update(read=True)).scalar()
    if present != epoch:
        raise LeadershipLost(f"this dispatcher led epoch {epoch}; epoch {present} has begun")


def beat(tx: Tx, now: datetime) -> None:
    """Say that the leader is alive, for /status."""
    tx.execute(update(leader).where(leader.c.id == 1).values(at=now))


def _try_file_lock(database: Path) -> Callable[[], None] | None:
    handle = os.open(database.with_name(database.name + ".dispatcher"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return lambda: os.close(handle)
