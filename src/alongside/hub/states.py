"""The one place where a run changes its state, so that row, history and times always agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from alongside.errors import StateConflict
from alongside.hub import tidings
from alongside.hub.store import events
from alongside.hub.store import runs as store
from alongside.hub.store.database import Tx
from alongside.hub.store.runs import Standing
from alongside.spec.runs import FAILED, FINAL, TRANSITIONS, ReasonCode, State


def may_enter(run: Standing, state: State) -> bool:
    return state in TRANSITIONS[run.state]


def enter(
    tx: Tx,
    run: Standing,
    state: State,
    now: datetime,
    *,
    reason_code: ReasonCode | None = None,
    reason: str = "",
    **columns: Any,
) -> Standing:
    """Move a run on, and say so in its history.

    Raises:
        StateConflict: the state may not follow the present one.
    """
    _check(run, state)
    columns = _times(run, state, now) | columns
    store.change(tx, run.id, now, state=state, reason_code=reason_code, reason=reason, **columns)
    events.add(
        tx,
        run.id,
        columns.get("attempt", run.attempt),
        now,
        "state",
        state=state,
        message=reason,
        reason_code=reason_code,
    )
    if state in FAILED:
        tidings.failed(tx, run, state, reason_code, reason, now)
    known = {
        name: columns[name] for name in ("ready", "lost_attempts", "restarts", "ends_at") if name in columns
    }
    return replace(run, state=state, reason_code=reason_code, **known)


def enter_alike(
    tx: Tx, entering: Sequence[tuple[Standing, dict[str, Any]]], state: State, now: datetime
) -> None:
    """Move many runs on together, each with the same further columns; otherwise as `enter`."""
    changed: list[tuple[str, dict[str, Any]]] = []
    for run, columns in entering:
        _check(run, state)
        common = {"state": state, "reason_code": None, "reason": ""}
        changed.append((run.id, common | _times(run, state, now) | columns))
    store.change_alike(tx, now, changed)
    history = [
        events.New(run.id, columns.get("attempt", run.attempt), "state", state) for run, columns in entering
    ]
    events.add_all(tx, now, history)


def explain(tx: Tx, run: Standing, now: datetime, reason_code: ReasonCode | None, reason: str) -> Standing:
    """Say something new about a run that stays in its state."""
    store.change(tx, run.id, now, reason_code=reason_code, reason=reason)
    events.add(
        tx, run.id, run.attempt, now, "state", state=run.state, message=reason, reason_code=reason_code
    )
    return replace(run, reason_code=reason_code)


def _check(run: Standing, state: State) -> None:
    if not may_enter(run, state):
        raise StateConflict(f"a run that is {run.state} cannot become {state}", state=run.state)


def _times(run: Standing, state: State, now: datetime) -> dict[str, Any]:
    match state:
        case "queued":
            return {"queued_at": now, "ready": False, "ended_at": None, "ends_at": None, "message": ""}
        case "initializing":
            return {"ready": False, "ended_at": None}
        case "running":
            return {"started_at": now, "ended_at": None}
        case _ if state in FINAL or state == "paused":
            return {"ready": False, "ended_at": now, "ends_at": None}
        case _:
            return {}
