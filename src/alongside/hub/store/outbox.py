"""What runners are to be told: numbered per runner, kept until acknowledged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from alongside.hub.store.database import MAX_ROWS, Tx
from alongside.hub.store.schema import outbox, runners
from alongside.spec.wire import OutboxItem, OutboxKind

_COUNT_UP = (
    update(runners)
    .where(runners.c.id == bindparam("which_runner"))
    .values(outbox_seq=runners.c.outbox_seq + bindparam("more"))
    .returning(runners.c.outbox_seq)
)
_PUT = insert(outbox)


def put(
    tx: Tx,
    runner: str,
    kind: OutboxKind,
    body: dict[str, Any],
    now: datetime,
    *,
    run: str | None = None,
    attempt: int | None = None,
) -> int:
    """Add an item and answer its number."""
    return put_all(tx, runner, kind, [(run, attempt, body)], now)


def put_all(
    tx: Tx,
    runner: str,
    kind: OutboxKind,
    bodies: Sequence[tuple[str | None, int | None, dict[str, Any]]],
    now: datetime,
) -> int:
    """Add (run, attempt, body) items and answer the number of the last.

    The update locks the runner's row: numbers have no gaps.
    """
    last = tx.execute(_COUNT_UP, {"which_runner": runner, "more": len(bodies)}).scalar_one()
    if bodies:
        first = last - len(bodies) + 1
        common = {"runner_id": runner, "kind": kind, "created_at": now}
        tx.execute(
            _PUT,
            [
                {**common, "seq": seq, "run_id": run, "attempt": attempt, "body": body}
                for seq, (run, attempt, body) in enumerate(bodies, first)
            ],
        )
    return last


def acknowledge(tx: Tx, runner: str, acked_to: int) -> None:
    tx.execute(delete(outbox).where(outbox.c.runner_id == runner, outbox.c.seq <= acked_to))


def items(tx: Tx, runner: str, *, limit: int = MAX_ROWS) -> list[OutboxItem]:
    """What is not acknowledged, oldest first."""
    rows = tx.execute(
        select(outbox.c.seq, outbox.c.kind, outbox.c.body)
        .where(outbox.c.runner_id == runner)
        .order_by(outbox.c.seq)
        .limit(limit)
    )
    return [OutboxItem(row.seq, row.kind, row.body) for row in rows]


def last(tx: Tx, runner_ids: Collection[str]) -> dict[str, int]:
    """The number of the newest item of each runner, acknowledged or not."""
    rows = tx.execute(select(runners.c.id, runners.c.outbox_seq).where(runners.c.id.in_(runner_ids)))
    return {row.id: row.outbox_seq for row in rows}


def unsent(tx: Tx, runner: str, kind: OutboxKind) -> set[tuple[str, int]]:
    """(run, attempt) of items of this kind that the runner has not acknowledged."""
    rows = tx.execute(
        select(outbox.c.run_id, outbox.c.attempt).where(outbox.c.runner_id == runner, outbox.c.kind == kind)
    )
    return {(row.run_id, row.attempt) for row in rows}


def withdraw(tx: Tx, run: str, attempt: int, kind: OutboxKind) -> int:
    """Take back items that were not acknowledged. The runner may have seen them all the same."""
    return tx.execute(
        delete(outbox).where(outbox.c.run_id == run, outbox.c.attempt == attempt, outbox.c.kind == kind)
    ).rowcount


def withdraw_action(tx: Tx, run: str, action: str) -> None:
    for row in tx.execute(select(outbox).where(outbox.c.run_id == run)).all():
        if row.body.get("action") == action:
            tx.execute(delete(outbox).where(outbox.c.runner_id == row.runner_id, outbox.c.seq == row.seq))


def withdraw_errand(tx: Tx, runner: str, errand: str) -> bool:
    """Whether it was there: not acknowledged, though the runner may have seen it."""
    mine = outbox.c.runner_id == runner, outbox.c.kind == "errand"
    for row in tx.execute(select(outbox.c.seq, outbox.c.body).where(*mine)).all():
        if row.body.get("id") == errand:
            tx.execute(delete(outbox).where(outbox.c.runner_id == runner, outbox.c.seq == row.seq))
            return True
    return False
