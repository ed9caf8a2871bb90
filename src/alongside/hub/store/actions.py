"""Actions: requests about runs, and what became of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from alongside.hub.store.database import MAX_ROWS, Tx
from alongside.hub.store.schema import actions
from alongside.spec.runs import Action, State

OPEN: tuple[State, ...] = ("queued", "running")


def add(tx: Tx, action: Action) -> None:
    tx.execute(
        insert(actions).values(
            id=action.id,
            run_id=action.run,
            account_id=action.account,
            kind=action.kind,
            body=action.body,
            state=action.state,
            reason_code=action.reason_code,
            reason=action.reason,
            created_at=action.created_at,
            updated_at=action.updated_at,
            expires_at=action.expires_at,
        )
    )


_PENDING = (
    select(actions)
    .where(actions.c.run_id == bindparam("run"), actions.c.state.in_(OPEN))
    .order_by(actions.c.created_at, actions.c.id)
)


def get(tx: Tx, action_id: str) -> Action | None:
    row = tx.execute(select(actions).where(actions.c.id == action_id)).one_or_none()
    return None if row is None else _action(row)


def listing(tx: Tx, *, account: str | None, run: str | None, after: str | None, limit: int) -> list[Action]:
    query = select(actions).order_by(actions.c.id.desc()).limit(limit)
    if account is not None:
        query = query.where(actions.c.account_id == account)
    if run is not None:
        query = query.where(actions.c.run_id == run)
    if after is not None:
        query = query.where(actions.c.id < after)
    return [_action(row) for row in tx.execute(query)]


def pending(tx: Tx, run: str, kinds: Sequence[str] = ()) -> list[Action]:
    """Open actions of a run, oldest first."""
    found = (_action(row) for row in tx.execute(_PENDING, {"run": run}))
    return [action for action in found if not kinds or action.kind in kinds]


def with_pending(tx: Tx, run_ids: Collection[str]) -> set[str]:
    """Those of these runs that have open actions."""
    query = select(actions.c.run_id).where(actions.c.run_id.in_(run_ids), actions.c.state.in_(OPEN))
    return set(tx.execute(query).scalars())


def all_open(tx: Tx) -> list[Action]:
    return [
        _action(row) for row in tx.execute(select(actions).where(actions.c.state.in_(OPEN)).limit(MAX_ROWS))
    ]


def change(tx: Tx, action_id: str, now: datetime, state: State, **columns: Any) -> None:
    """Only an open action changes: what is decided stays decided."""
    tx.execute(
        update(actions)
        .where(actions.c.id == action_id, actions.c.state.in_(OPEN))
        .values(state=state, updated_at=now, **columns)
    )


def _action(row: Row[Any]) -> Action:
    return Action(
        id=row.id,
        run=row.run_id,
        account=row.account_id,
        kind=row.kind,
        body=row.body,
        state=row.state,
        created_at=row.created_at,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
        reason_code=row.reason_code,
        reason=row.reason,
    )
