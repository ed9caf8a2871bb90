"""What the dispatcher must hear about: one row per change, written with it and consumed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import delete, insert, select, text

from alongside.hub.store.database import MAX_ROWS, Database, Tx
from alongside.hub.store.schema import changes

ChangeKind = Literal[
    "run",
    "action",
    "dataset",
    "tool",
    "runner",
    "site",
    "lookup",
    "revoke",
    "share",
    "errand",
    "account",
    "notice",
    "delivery",
    "departure",
    "budget",
    "banner",
]


@dataclass(frozen=True)
class Change:
    kind: str
    key: str


def note(tx: Tx, kind: ChangeKind, key: str) -> None:
    tx.execute(insert(changes).values(kind=kind, key=key))


def consume(tx: Tx, limit: int = MAX_ROWS) -> list[Change]:
    """Take the oldest changes; they are gone when the transaction commits."""
    oldest = select(changes.c.seq).order_by(changes.c.seq).limit(limit)
    taken = tx.execute(
        delete(changes)
        .where(changes.c.seq.in_(oldest.scalar_subquery()))
        .returning(changes.c.seq, changes.c.kind, changes.c.key)
    ).all()
    return [Change(row.kind, row.key) for row in sorted(taken, key=lambda row: row.seq)]


def pending(tx: Tx) -> bool:
    """Whether there is anything to consume."""
    return tx.execute(select(changes.c.seq).limit(1)).first() is not None


def hint(database: Database) -> tuple[Callable[[], bool], Callable[[], None]]:
    """(look, close): `look` says whether someone may have written since it was last asked.

    Cheap enough for every few milliseconds. On SQLite it is `PRAGMA data_version`, which counts the
    commits of all other connections, our own writer's included. Only a hint: `consume` is the truth.
    Must be used from one thread.
    """
    connection = database.engine.connect()
    seen: list[object] = [None]
    # Asked a hundred times a second: on SQLite by the driver itself, which begins no transaction for it.
    driver: Any = connection.connection.driver_connection

    def look() -> bool:
        if database.is_sqlite:
            (version,) = driver.execute("PRAGMA data_version").fetchone()
        else:
            version = connection.execute(text("SELECT max(seq) FROM changes")).scalar()
            # Ends the transaction that SQLAlchemy began, so that no snapshot is kept open.
            connection.rollback()
        changed, seen[0] = version != seen[0], version
        return changed

    return look, connection.close
