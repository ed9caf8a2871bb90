"""The history of runs; `seq` orders all events of the hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, insert, select

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import events, runs
from alongside.spec.runs import Event, State


@dataclass(frozen=True)
class Told:
    """An event and whom it concerns."""

    event: Event
    account: str


class New(NamedTuple):
    run_id: str
    attempt: int
    kind: str
    state: State | None = None
    progress: float | None = None
    message: str = ""
    reason_code: str | None = None


_ADD = insert(events).inline()


def add(
    tx: Tx,
    run: str,
    attempt: int,
    now: datetime,
    kind: str,
    *,
    state: State | None = None,
    progress: float | None = None,
    message: str = "",
    reason_code: str | None = None,
) -> None:
    add_all(tx, now, [New(run, attempt, kind, state, progress, message, reason_code)])


def add_all(tx: Tx, now: datetime, new: Sequence[New]) -> None:
    """Many at once, in their order."""
    if new:
        tx.execute(_ADD, [{"at": now, **item._asdict()} for item in new])


def of_run(tx: Tx, run: str, *, after: int, limit: int) -> list[Event]:
    rows = tx.execute(
        select(events).where(events.c.run_id == run, events.c.seq > after).order_by(events.c.seq).limit(limit)
    )
    return [_event(row) for row in rows]


def since(tx: Tx, after: int, *, limit: int = 1000) -> list[Told]:
    """Events of all runs, oldest first."""
    rows = tx.execute(
        select(events, runs.c.account_id)
        .join(runs, runs.c.id == events.c.run_id)
        .where(events.c.seq > after)
        .order_by(events.c.seq)
        .limit(limit)
    )
    return [Told(_event(row), row.account_id) for row in rows]


def last(tx: Tx) -> int:
    return tx.execute(select(func.max(events.c.seq))).scalar() or 0


def _event(row: object) -> Event:
    values = row._mapping  # type: ignore[attr-defined]
    return Event(
        seq=values["seq"],
        run=values["run_id"],
        attempt=values["attempt"],
        at=values["at"],
        kind=values["kind"],
        state=values["state"],
        progress=values["progress"],
        message=values["message"],
        reason_code=values["reason_code"],
    )
