"""Runs, their attempts and their datasets, as rows; what leaves is values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, delete, insert, or_, select, update

from alongside import values
from alongside.hub.store.database import Tx
from alongside.hub.store.schema import accounts, attempts, run_datasets, runs, sites
from alongside.spec.runs import AttachedDataset, Attempt, Run, RunRequest, State
from alongside.spec.tools import Resources, ToolKind


@dataclass(frozen=True)
class Standing:
    """A run as the rooms decide about it: where it stands, without what it looks like."""

    id: str
    account: str
    tool: str
    kind: ToolKind
    state: State
    reason_code: str | None
    ready: bool
    #: number of the latest attempt
    attempt: int
    lost_attempts: int
    restarts: int
    deleting: bool
    site: str | None
    request: RunRequest
    resources: Resources
    ready_at: datetime | None
    ends_at: datetime | None
    lifetime_s: float | None = None
    lifetime_max_s: float | None = None
    idle_since: datetime | None = None
    pauses_at: datetime | None = None


@dataclass(frozen=True)
class Terms:
    """When a running run is paused by itself."""

    ends_at: datetime | None
    ready: bool
    #: None: as the hub is set up
    idle_s: float | None
    kept_at: datetime | None
    #: while its owner is warned
    pauses_at: datetime | None


@dataclass(frozen=True)
class Trial:
    """An attempt as the rooms decide about it."""

    run: str
    number: int
    #: id of the runner; None when it was removed
    runner: str | None
    state: State
    reason_code: str | None
    last_report: int
    #: holds slots
    held: bool
    ended_at: datetime | None
    #: how long its log is in the end; None where the runner has not said so
    log_bytes: int | None

    @property
    def ended(self) -> bool:
        return self.ended_at is not None


# What a dispatcher says thousands of times a second is put together once: that is most of its cost.
_STANDING = select(
    *(runs.c[name] for name in ("id", "account_id", "tool", "kind", "state", "reason_code", "ready")),
    *(runs.c[name] for name in ("attempt", "lost_attempts", "restarts", "deleting", "request")),
    *(runs.c[name] for name in ("cpus", "memory_gb", "gpus", "disk_gb", "ready_at", "ends_at")),
    *(runs.c[name] for name in ("lifetime_s", "lifetime_max_s", "idle_since", "pauses_at")),
    sites.c.name.label("site"),
).outerjoin(sites, sites.c.id == runs.c.site_id)
_STANDING_OF = _STANDING.where(runs.c.id == bindparam("run"))
_STANDING_OF_LOCKED = _STANDING_OF.with_for_update(of=runs)
_STANDINGS_LOCKED = _STANDING.where(runs.c.id.in_(bindparam("runs", expanding=True))).with_for_update(of=runs)
#: the columns to change are named by the parameters
_CHANGE = update(runs).where(runs.c.id == bindparam("which_run")).values(revision=runs.c.revision + 1)
_ADD_ATTEMPT = insert(attempts)
_ANY_TRIAL = select(
    *(attempts.c[name] for name in ("run_id", "number", "runner_id", "state", "reason_code")),
    *(attempts.c[name] for name in ("last_report", "held", "ended_at", "log_bytes")),
)
_TRIAL = _ANY_TRIAL.where(attempts.c.run_id == bindparam("run"), attempts.c.number == bindparam("attempt"))
_TRIALS = _ANY_TRIAL.where(attempts.c.run_id.in_(bindparam("runs", expanding=True)))
_HELD_BY = _ANY_TRIAL.where(attempts.c.runner_id == bindparam("runner"), attempts.c.held)
_IN_ORDER = (
    select(attempts.c.run_id, attempts.c.number)
    .join(runs, and_(runs.c.id == attempts.c.run_id, runs.c.attempt == attempts.c.number))
    .where(
        attempts.c.run_id.in_(bindparam("runs", expanding=True)),
        attempts.c.runner_id == bindparam("runner"),
        attempts.c.reason_code.is_distinct_from("lost"),
        runs.c.reason_code.is_distinct_from("unreachable"),
    )
)
_CHANGE_ATTEMPT = update(attempts).where(
    attempts.c.run_id == bindparam("which_run"), attempts.c.number == bindparam("which_attempt")
)
_FORGET_STATUSES = (
    update(run_datasets).where(run_datasets.c.run_id == bindparam("which_run")).values(status=None, detail="")
)


def add(
    tx: Tx,
    run_id: str,
    *,
    account: str,
    tool_version_id: str,
    tool: str,
    version: str,
    kind: ToolKind,
    title: str,
    wish: RunRequest,
    resources: Resources,
    now: datetime,
    **columns: Any,
) -> None:
    tx.execute(
        insert(runs).values(
            id=run_id,
            account_id=account,
            tool_version_id=tool_version_id,
            tool=tool,
            version=version,
            kind=kind,
            title=title,
            state="queued",
            request=values.dump(wish),
            cpus=resources.cpus,
            memory_gb=resources.memory_gb,
            gpus=resources.gpus,
            disk_gb=resources.disk_gb,
            priority=wish.priority,
            created_at=now,
            updated_at=now,
            queued_at=now,
            **columns,
        )
    )


def standing(tx: Tx, run_id: str, *, lock: bool = True) -> Standing | None:
    """Where a run stands; locked until the transaction ends, unless it is only looked at.

    On SQLite a writer holds the whole database anyway, and `FOR UPDATE` says nothing.
    """
    row = tx.execute(_STANDING_OF_LOCKED if lock else _STANDING_OF, {"run": run_id}).one_or_none()
    return None if row is None else _standing(row)


def standings(tx: Tx, run_ids: Collection[str]) -> dict[str, Standing]:
    """Where runs stand, locked; those that are gone are left out."""
    if not run_ids:
        return {}
    return {row.id: _standing(row) for row in tx.execute(_STANDINGS_LOCKED, {"runs": list(run_ids)})}


def change(tx: Tx, run_id: str, now: datetime, **columns: Any) -> None:
    tx.execute(_CHANGE, {"which_run": run_id, "updated_at": now, **columns})


def note_ports(tx: Tx, run_id: str, ports: list[Any]) -> None:
    """Not a change that anybody waits for."""
    tx.execute(runs.update().where(runs.c.id == run_id).values(ports=ports))


def ports(tx: Tx, run_id: str) -> list[Any]:
    """What was noted last; nothing once the run has no processes."""
    row = tx.execute(select(runs.c.ports, runs.c.state).where(runs.c.id == run_id)).one_or_none()
    return list(row.ports or []) if row is not None and row.state == "running" else []


def change_alike(tx: Tx, now: datetime, changes: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Change the same columns of many runs."""
    if changes:
        rows = [{"which_run": run_id, "updated_at": now, **columns} for run_id, columns in changes]
        tx.execute(_CHANGE, rows)


def get(tx: Tx, run_id: str) -> Run | None:
    found = _values(tx, runs.c.id == run_id, limit=1)
    return found[0] if found else None


def listing(
    tx: Tx,
    *,
    account: str | None,
    states: Sequence[State] = (),
    tool: str | None = None,
    kind: ToolKind | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[Run]:
    """Newest first; `account` is an id or a name."""
    wanted: list[ColumnElement[bool]] = [runs.c.deleting.is_(False)]
    if account is not None:
        wanted.append(or_(runs.c.account_id == account, accounts.c.name == account))
    if states:
        wanted.append(runs.c.state.in_(states))
    if tool is not None:
        wanted.append(runs.c.tool == tool)
    if kind is not None:
        wanted.append(runs.c.kind == kind)
    if after is not None:
        wanted.append(runs.c.id < after)
    return _values(tx, and_(*wanted), limit=limit)


def asked(tx: Tx, run_id: str) -> tuple[str, datetime | None]:
    """How its owner calls a run, and since when it was wanted."""
    row = tx.execute(select(runs.c.title, runs.c.tool, runs.c.queued_at).where(runs.c.id == run_id)).one()
    return row.title or row.tool, row.queued_at


_TERMS = select(
    *(runs.c[name] for name in ("id", "ends_at", "ready", "idle_s", "kept_at", "pauses_at"))
).where(runs.c.state == "running", runs.c.kind == "interactive")
_TERMS_OF = _TERMS.where(runs.c.id.in_(bindparam("runs", expanding=True)))


def terms(tx: Tx, run_ids: Collection[str] | None) -> dict[str, Terms]:
    """When these running interactive runs (for None all) are paused by themselves; others are left out."""
    rows = tx.execute(_TERMS) if run_ids is None else tx.execute(_TERMS_OF, {"runs": list(run_ids)})
    return {row.id: Terms(row.ends_at, row.ready, row.idle_s, row.kept_at, row.pauses_at) for row in rows}


def without_runner(tx: Tx) -> list[str]:
    """Runs that are under way at a runner that was removed."""
    query = (
        select(runs.c.id)
        .join(attempts, and_(attempts.c.run_id == runs.c.id, attempts.c.number == runs.c.attempt))
        .where(runs.c.state.in_(("initializing", "running", "canceling")), attempts.c.runner_id.is_(None))
    )
    return list(tx.execute(query).scalars())


def accounts_of(tx: Tx, run_ids: Collection[str]) -> set[str]:
    return set(tx.execute(select(runs.c.account_id).where(runs.c.id.in_(run_ids))).scalars())


def runners_of(tx: Tx, run_ids: Collection[str]) -> set[str]:
    """Where any attempt of these runs was."""
    query = select(attempts.c.runner_id).where(
        attempts.c.run_id.in_(run_ids), attempts.c.runner_id.is_not(None)
    )
    return set(tx.execute(query).scalars())


def durations(tx: Tx, tries: Collection[tuple[str, int]]) -> list[tuple[str, float]]:
    """(key under which runs share leases, seconds) of those of these attempts of tasks that completed."""
    if not tries:
        return []
    rows = tx.execute(
        select(
            runs.c.account_id,
            runs.c.tool_version_id,
            attempts.c.run_id,
            attempts.c.number,
            attempts.c.started_at,
            attempts.c.ended_at,
        )
        .join(attempts, attempts.c.run_id == runs.c.id)
        .where(
            runs.c.id.in_([run_id for run_id, _ in tries]),
            runs.c.kind == "task",
            attempts.c.state == "complete",
        )
    )
    return [
        (f"{row.account_id} {row.tool_version_id}", (row.ended_at - row.started_at).total_seconds())
        for row in rows
        if (row.run_id, row.number) in tries and row.started_at is not None and row.ended_at is not None
    ]


def to_purge(tx: Tx, before: datetime, limit: int) -> list[str]:
    """Deleted runs that ended before then."""
    old = select(runs.c.id).where(runs.c.deleting, runs.c.state == "canceled", runs.c.updated_at < before)
    return list(tx.execute(old.limit(limit)).scalars())


def remove(tx: Tx, run_id: str) -> None:
    """Remove a run with all that refers to it."""
    tx.execute(delete(runs).where(runs.c.id == run_id))


# Datasets of a run


def add_dataset(
    tx: Tx,
    run_id: str,
    *,
    dataset: str,
    identifier: str,
    title: str,
    name: str,
    mode: str,
    position: int,
    status: str | None = None,
) -> None:
    tx.execute(
        insert(run_datasets).values(
            run_id=run_id,
            name=name,
            dataset_id=dataset,
            identifier=identifier,
            title=title,
            mode=mode,
            status=status,
            position=position,
        )
    )


def datasets_of(tx: Tx, run_ids: Collection[str]) -> dict[str, list[AttachedDataset]]:
    found: dict[str, list[AttachedDataset]] = {}
    rows = tx.execute(
        select(run_datasets)
        .where(run_datasets.c.run_id.in_(run_ids))
        .order_by(run_datasets.c.run_id, run_datasets.c.position, run_datasets.c.name)
    )
    for row in rows:
        found.setdefault(row.run_id, []).append(
            AttachedDataset(
                dataset=row.dataset_id or "",
                identifier=row.identifier,
                title=row.title,
                name=row.name,
                mode=row.mode,
                status=row.status,
                detail=row.detail,
            )
        )
    return found


def with_datasets(tx: Tx, run_ids: Collection[str]) -> set[str]:
    """Those of these runs that have datasets."""
    return set(tx.execute(select(run_datasets.c.run_id).where(run_datasets.c.run_id.in_(run_ids))).scalars())


def change_dataset(tx: Tx, run_id: str, name: str, **columns: Any) -> None:
    tx.execute(
        update(run_datasets)
        .where(run_datasets.c.run_id == run_id, run_datasets.c.name == name)
        .values(**columns)
    )


def forget_statuses(tx: Tx, run_id: str) -> None:
    """Nothing of the run is mounted any more."""
    tx.execute(_FORGET_STATUSES, {"which_run": run_id})


def remove_dataset(tx: Tx, run_id: str, name: str) -> None:
    tx.execute(delete(run_datasets).where(run_datasets.c.run_id == run_id, run_datasets.c.name == name))


# Attempts


def add_attempts(tx: Tx, now: datetime, new: Sequence[dict[str, Any]]) -> None:
    """Each of them with its columns, the same for all."""
    if new:
        tx.execute(_ADD_ATTEMPT, [{"created_at": now, **columns} for columns in new])


def trial(tx: Tx, run_id: str, number: int) -> Trial | None:
    row = tx.execute(_TRIAL, {"run": run_id, "attempt": number}).one_or_none()
    return None if row is None else _trial(row)


def trials(tx: Tx, run_ids: Collection[str]) -> dict[tuple[str, int], Trial]:
    """All attempts of these runs, by run and number."""
    if not run_ids:
        return {}
    found = map(_trial, tx.execute(_TRIALS, {"runs": list(run_ids)}))
    return {(item.run, item.number): item for item in found}


def held_by(tx: Tx, runner: str) -> list[Trial]:
    """The attempts that hold slots at a runner."""
    rows = tx.execute(_HELD_BY, {"runner": runner})
    return [_trial(row) for row in rows]


def in_order(tx: Tx, runner: str, run_ids: Collection[str]) -> set[tuple[str, int]]:
    """Latest attempts of these runs that are this runner's, and that were never thought to be lost."""
    if not run_ids:
        return set()
    rows = tx.execute(_IN_ORDER, {"runs": list(run_ids), "runner": runner})
    return {(row.run_id, row.number) for row in rows}


def change_attempt(tx: Tx, run_id: str, number: int, **columns: Any) -> None:
    tx.execute(_CHANGE_ATTEMPT, {"which_run": run_id, "which_attempt": number, **columns})


def attempts_of(tx: Tx, run_id: str) -> list[Attempt]:
    rows = tx.execute(select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.number))
    return [
        Attempt(
            number=row.number,
            state=row.state,
            runner=row.runner,
            site=row.site,
            executor=row.executor,
            created_at=row.created_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
            exit_code=row.exit_code,
            reason_code=row.reason_code,
            reason=row.reason,
        )
        for row in rows
    ]


def _trial(row: Row[Any]) -> Trial:
    return Trial(
        run=row.run_id,
        number=row.number,
        runner=row.runner_id,
        state=row.state,
        reason_code=row.reason_code,
        last_report=row.last_report,
        held=row.held,
        ended_at=row.ended_at,
        log_bytes=row.log_bytes,
    )


def _standing(row: Row[Any]) -> Standing:
    return Standing(
        id=row.id,
        account=row.account_id,
        tool=row.tool,
        kind=row.kind,
        state=row.state,
        reason_code=row.reason_code,
        ready=row.ready,
        attempt=row.attempt,
        lost_attempts=row.lost_attempts,
        restarts=row.restarts,
        deleting=row.deleting,
        site=row.site,
        request=values.load(RunRequest, row.request),
        resources=Resources(row.cpus, row.memory_gb, row.gpus, row.disk_gb),
        ready_at=row.ready_at,
        ends_at=row.ends_at,
        lifetime_s=row.lifetime_s,
        lifetime_max_s=row.lifetime_max_s,
        idle_since=row.idle_since,
        pauses_at=row.pauses_at,
    )


def _values(tx: Tx, wanted: ColumnElement[bool], *, limit: int) -> list[Run]:
    rows = tx.execute(
        select(runs, accounts.c.name.label("account_name"), sites.c.name.label("site"), sites.c.edge_url)
        .join(accounts, accounts.c.id == runs.c.account_id)
        .outerjoin(sites, sites.c.id == runs.c.site_id)
        .where(wanted)
        .order_by(runs.c.id.desc())
        .limit(limit)
    ).all()
    datasets = datasets_of(tx, [row.id for row in rows])
    return [_run(row, datasets.get(row.id, [])) for row in rows]


def _run(row: Row[Any], datasets: list[AttachedDataset]) -> Run:
    return Run(
        id=row.id,
        account=row.account_id,
        account_name=row.account_name,
        tool=row.tool,
        version=row.version,
        kind=row.kind,
        title=row.title,
        state=row.state,
        ready=row.ready,
        request=values.load(RunRequest, row.request),
        resources=Resources(row.cpus, row.memory_gb, row.gpus, row.disk_gb),
        datasets=tuple(datasets),
        created_at=row.created_at,
        updated_at=row.updated_at,
        reason_code=row.reason_code,
        reason=row.reason,
        site=row.site,
        executor=row.executor,
        attempt=row.attempt,
        progress=row.progress,
        message=row.message,
        queued_at=row.queued_at,
        started_at=row.started_at,
        ready_at=row.ready_at,
        ended_at=row.ended_at,
        ends_at=row.ends_at,
        resource_class=row.resource_class,
        lifetime_s=row.lifetime_s,
        lifetime_max_s=row.lifetime_max_s,
        idle_since=row.idle_since if row.state == "running" else None,
        pauses_at=row.pauses_at if row.state == "running" else None,
        exit_code=row.exit_code,
        url=row.edge_url.replace("{run}", row.id) if row.ready and row.edge_url else None,
        restarts=row.restarts,
        revision=row.revision,
    )
