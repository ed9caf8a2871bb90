"""Runs that end by themselves: the lifetime that a launch asked for is over."""

from __future__ import annotations

from datetime import datetime

from alongside.hub.runs.actions import stop_for
from alongside.hub.store import runs as store
from alongside.hub.store.database import Tx


def lifetime_over(tx: Tx, run_id: str, now: datetime) -> str | None:
    """Stop a run whose time has come; answers the runner that has to hear of it."""
    run = store.standing(tx, run_id)
    if run is None or run.ends_at is None:
        return None
    stop_for(tx, run, "lifetime_over", f"it ran for {run.request.lifetime_s or 0:g} s, as asked for", now)
    trial = store.trial(tx, run_id, run.attempt)
    return None if trial is None else trial.runner
