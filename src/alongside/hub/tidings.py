"""What its owner is told of a run: that it failed, or that it is ready after a while."""

from __future__ import annotations

from datetime import datetime, timedelta

from alongside.hub import notices
from alongside.hub.store import runs as store
from alongside.hub.store.database import Tx
from alongside.hub.store.runs import Standing
from alongside.spec.runs import State

#: who waited no longer still looks at the page
WAITED = timedelta(seconds=20)


def failed(tx: Tx, run: Standing, state: State, reason_code: str | None, reason: str, now: datetime) -> None:
    """A thousand tasks of one tool that fail are one notice."""
    if run.deleting:
        return
    title, _ = store.asked(tx, run.id)
    why = reason or (reason_code or state).replace("_", " ")
    notices.notify(
        tx,
        run.account,
        "failed",
        f"{title} failed",
        f"{why[:1].upper()}{why[1:]}.".replace("..", "."),
        f"/runs/{run.id}",
        now,
        run_id=run.id,
        topic=f"failed:{run.tool}" if run.kind == "task" else "",
    )


def ready(tx: Tx, run: Standing, now: datetime) -> None:
    """Said of what took long enough for its owner to look away."""
    title, queued_at = store.asked(tx, run.id)
    again = run.ready_at is not None and queued_at is not None and run.ready_at >= queued_at
    if queued_at is None or again or now - queued_at < WAITED:
        return
    notices.notify(
        tx,
        run.account,
        "ready",
        f"{title} is ready",
        f"It took {_minutes(now - queued_at)}.",
        f"/runs/{run.id}",
        now,
        run_id=run.id,
    )


def _minutes(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    return f"{seconds} seconds" if seconds < 120 else f"{seconds // 60} minutes"
