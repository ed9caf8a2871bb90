"""Where a run answers and who may be inside, read from the tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import accounts, attempts, runs, sites
from alongside.spec.runs import State


@dataclass(frozen=True)
class Place:
    account: str
    state: State
    ready: bool
    open_path: str
    #: origin of runs at the run's site, with {run} in it
    edge_url: str | None


def place(tx: Tx, run_id: str) -> Place | None:
    row = tx.execute(
        select(runs.c.account_id, runs.c.state, runs.c.ready, runs.c.open_path, sites.c.edge_url)
        .outerjoin(sites, sites.c.id == runs.c.site_id)
        .where(runs.c.id == run_id, runs.c.deleting.is_(False))
    ).one_or_none()
    return None if row is None else Place(*row)


def reachable(tx: Tx, run_ids: Iterable[str]) -> list[tuple[str, int, str]]:
    """(run, attempt, runner) of those runs that a runner holds now."""
    latest = and_(attempts.c.run_id == runs.c.id, attempts.c.number == runs.c.attempt)
    rows = tx.execute(
        select(runs.c.id, attempts.c.number, attempts.c.runner_id)
        .join(attempts, latest)
        .where(runs.c.id.in_(list(run_ids)), attempts.c.held, attempts.c.runner_id.is_not(None))
    )
    return [(row.id, row.number, row.runner_id) for row in rows]


def latest_runner(tx: Tx, run_id: str) -> list[tuple[int, str]]:
    """(attempt, runner) of a run's latest attempt, held or not; none when nobody ever took it."""
    latest = and_(attempts.c.run_id == runs.c.id, attempts.c.number == runs.c.attempt)
    rows = tx.execute(
        select(attempts.c.number, attempts.c.runner_id)
        .join(runs, latest)
        .where(runs.c.id == run_id, attempts.c.runner_id.is_not(None))
    )
    return [(row.number, row.runner_id) for row in rows]


def runs_open_to(tx: Tx, account: str) -> list[str]:
    """Runs that an account may have a way into now: its own, or all for an administrator."""
    is_admin = select(accounts.c.id).where(accounts.c.id == account, accounts.c.role == "admin").exists()
    rows = tx.execute(
        select(runs.c.id)
        .join(attempts, and_(attempts.c.run_id == runs.c.id, attempts.c.held))
        .where(or_(runs.c.account_id == account, is_admin))
        .distinct()
    )
    return list(rows.scalars())


@dataclass(frozen=True)
class AttemptEnd:
    #: whether the runner that it was given to exists still
    runner: bool
    held: bool
    #: given up, but nothing has replaced it: a result would count
    counts_still: bool
    ended_at: datetime | None


def attempt_end(tx: Tx, run_id: str, attempt: int) -> AttemptEnd | None:
    row = tx.execute(
        select(
            attempts.c.runner_id,
            attempts.c.held,
            attempts.c.reason_code,
            attempts.c.number,
            attempts.c.ended_at,
            runs.c.attempt,
            runs.c.state,
        )
        .join(runs, runs.c.id == attempts.c.run_id)
        .where(runs.c.id == run_id, attempts.c.number == attempt)
    ).one_or_none()
    if row is None:
        return None
    waits = row.number == row.attempt and row.state == "queued"
    return AttemptEnd(row.runner_id is not None, row.held, waits and row.reason_code == "lost", row.ended_at)
