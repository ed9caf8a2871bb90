"""Rows of what was used: booked by attempt, added up by whatever is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Table,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import (
    accounts,
    artifacts,
    attempts,
    dataset_usage,
    datasets,
    group_members,
    groups,
    homes,
    locations,
    run_datasets,
    runs,
    sites,
    usage,
)
from alongside.spec.usage import By, Spent


@dataclass(frozen=True)
class Tried:
    """An attempt and what it holds, as far as it is not booked."""

    run: str
    number: int
    account: str
    tool: str
    interactive: bool
    site: str
    cpus: float
    gpus: float
    memory_gb: float
    began_at: datetime
    #: None: it goes on
    ended_at: datetime | None
    #: nothing of it was booked before
    first: bool


@dataclass(frozen=True)
class Whose:
    """Whose use is looked at: one account's, a group's members', or everyone's."""

    account: str | None = None
    group: str | None = None

    def of(self, column: Column[Any]) -> ColumnElement[bool] | None:
        wanted: list[ColumnElement[bool]] = []
        if self.account is not None:
            wanted.append(column == self.account)
        if self.group is not None:
            members = select(group_members.c.account_id).where(group_members.c.group_id == self.group)
            wanted.append(column.in_(members.scalar_subquery()))
        return and_(*wanted) if wanted else None


_TRIED = (
    select(
        *(attempts.c[name] for name in ("run_id", "number", "started_at", "ended_at", "counted_to", "site")),
        *(runs.c[name] for name in ("account_id", "tool", "kind", "cpus", "gpus", "memory_gb")),
    )
    .join(runs, runs.c.id == attempts.c.run_id)
    .where(attempts.c.started_at.is_not(None))
)
_ENDED = _TRIED.where(
    attempts.c.run_id.in_(bindparam("runs", expanding=True)),
    attempts.c.ended_at.is_not(None),
    or_(attempts.c.counted_to.is_(None), attempts.c.counted_to < attempts.c.ended_at),
)
_RUNNING = _TRIED.where(
    runs.c.state.in_(("running", "canceling")),
    attempts.c.number == runs.c.attempt,
    attempts.c.ended_at.is_(None),
)
_COUNTED = (
    update(attempts)
    .where(attempts.c.run_id == bindparam("which_run"), attempts.c.number == bindparam("which_attempt"))
    .values(counted_to=bindparam("until"))
)


def ended(tx: Tx, run_ids: Collection[str]) -> list[Tried]:
    """Attempts of these runs that have ended and are not booked to their end."""
    return [_tried(row) for row in tx.execute(_ENDED, {"runs": list(run_ids)})]


def running(
    tx: Tx, whose: Whose | None = None, *, before: datetime | None = None, limit: int = 5_000
) -> list[Tried]:
    """Attempts that go on; with `before`, those that nothing was booked of since then."""
    query = _RUNNING.limit(limit)
    if before is not None:
        query = query.where(
            or_(
                attempts.c.counted_to < before,
                and_(attempts.c.counted_to.is_(None), attempts.c.started_at < before),
            )
        )
    if whose is not None and (condition := whose.of(runs.c.account_id)) is not None:
        query = query.where(condition)
    return [_tried(row) for row in tx.execute(query)]


def counted(tx: Tx, until: Sequence[tuple[str, int, datetime]]) -> None:
    if until:
        tx.execute(
            _COUNTED,
            [{"which_run": run, "which_attempt": number, "until": moment} for run, number, moment in until],
        )


def datasets_of(tx: Tx, run_ids: Collection[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    query = select(run_datasets.c.run_id, run_datasets.c.dataset_id).where(
        run_datasets.c.run_id.in_(run_ids), run_datasets.c.dataset_id.is_not(None)
    )
    for row in tx.execute(query):
        found.setdefault(row.run_id, []).append(row.dataset_id)
    return found


def book(tx: Tx, spent: Mapping[tuple[str, str, str, str], Spent]) -> None:
    """By (day, account, site, tool)."""
    _add(tx, usage, ("day", "account_id", "site", "tool"), spent)


def book_datasets(tx: Tx, spent: Mapping[tuple[str, str, str, str], Spent]) -> None:
    """By (day, dataset, account, site)."""
    _add(tx, dataset_usage, ("day", "dataset_id", "account_id", "site"), spent)


def _add(
    tx: Tx, table: Table, names: tuple[str, ...], spent: Mapping[tuple[str, str, str, str], Spent]
) -> None:
    for key, value in spent.items():
        where = and_(*(table.c[name] == part for name, part in zip(names, key, strict=True)))
        measures = {item.name: getattr(value, item.name) for item in fields(Spent)}
        more = {name: table.c[name] + amount for name, amount in measures.items() if amount}
        if not more or tx.execute(update(table).where(where).values(more)).rowcount == 0:
            tx.execute(insert(table).values(**dict(zip(names, key, strict=True)), **measures))


# Sums


@dataclass(frozen=True)
class Sum:
    key: str
    name: str
    spent: Spent


def sums(
    tx: Tx,
    by: By,
    whose: Whose,
    begin: str,
    end: str,
    *,
    site: str | None = None,
    tool: str | None = None,
    limit: int,
) -> list[Sum]:
    """What was used on the days from `begin` to `end`, the most cores first (days: in their order)."""
    table = dataset_usage if by == "dataset" else usage
    measures = [func.sum(table.c[item.name]).label(item.name) for item in fields(Spent)]
    key, name, query = _grouped(by, table, measures)
    query = query.where(table.c.day >= begin, table.c.day <= end)
    if (condition := whose.of(table.c.account_id)) is not None:
        query = query.where(condition)
    if site is not None:
        query = query.where(table.c.site == site)
    if tool is not None and by != "dataset":
        query = query.where(table.c.tool == tool)
    order = [key] if by == "day" else [func.sum(table.c.cpu_s).desc(), key]
    rows = tx.execute(query.group_by(key, name).order_by(*order).limit(limit))
    return [Sum(row.key, row.name or row.key, _spent(row)) for row in rows]


def _grouped(by: By, table: Table, measures: list[Any]) -> tuple[Any, Any, Any]:
    """Key, name and the query that is grouped by them."""
    match by:
        case "account":
            key, name = table.c.account_id, accounts.c.name
            query = select(key.label("key"), name.label("name"), *measures).select_from(
                table.outerjoin(accounts, accounts.c.id == key)
            )
        case "group":
            key, name = groups.c.id, groups.c.name
            query = select(key.label("key"), name.label("name"), *measures).select_from(
                table.join(group_members, group_members.c.account_id == table.c.account_id).join(
                    groups, groups.c.id == group_members.c.group_id
                )
            )
        case "dataset":
            key, name = table.c.dataset_id, datasets.c.title
            query = select(key.label("key"), name.label("name"), *measures).select_from(
                table.outerjoin(datasets, datasets.c.id == key)
            )
        case "tool" | "site" | "day":
            key = name = table.c[by]
            query = select(key.label("key"), name.label("name"), *measures)
    return key, name, query


def stored(tx: Tx, by: By, whose: Whose) -> dict[str, int]:
    """Bytes that are kept now, by the same keys: homes and artifacts of runs, or what datasets hold."""
    if by == "day":
        return {}
    if by == "dataset":
        largest = select(func.max(locations.c.size_bytes).label("size"), locations.c.dataset_id).group_by(
            locations.c.dataset_id
        )
        return {row.dataset_id: row.size or 0 for row in tx.execute(largest)}
    joined = artifacts.join(runs, runs.c.id == artifacts.c.run_id)
    key: Any = runs.c.account_id
    if by == "tool":
        key = runs.c.tool
    elif by == "site":
        key, joined = sites.c.name, joined.join(sites, sites.c.id == runs.c.site_id)
    elif by == "group":
        key = group_members.c.group_id
        joined = joined.join(group_members, group_members.c.account_id == runs.c.account_id)
    query = select(key.label("key"), func.sum(artifacts.c.size_bytes).label("size")).select_from(joined)
    if (condition := whose.of(runs.c.account_id)) is not None:
        query = query.where(condition)
    kept: Counter[str] = Counter({row.key: row.size or 0 for row in tx.execute(query.group_by(key))})
    kept.update(_in_homes(tx, by, whose))
    return dict(kept)


def _in_homes(tx: Tx, by: By, whose: Whose) -> dict[str, int]:
    key: Any = homes.c.account_id
    joined: Any = homes
    if by == "tool":
        return {}
    if by == "site":
        key, joined = sites.c.name, homes.join(sites, sites.c.id == homes.c.site_id)
    elif by == "group":
        key = group_members.c.group_id
        joined = homes.join(group_members, group_members.c.account_id == homes.c.account_id)
    query = select(key.label("key"), func.sum(homes.c.size_bytes).label("size")).select_from(joined)
    if (condition := whose.of(homes.c.account_id)) is not None:
        query = query.where(condition)
    return {row.key: row.size or 0 for row in tx.execute(query.group_by(key))}


def total(tx: Tx, whose: Whose, begin: str) -> Spent:
    """All that was booked since that day."""
    query = select(*(func.sum(usage.c[item.name]).label(item.name) for item in fields(Spent))).where(
        usage.c.day >= begin
    )
    if (condition := whose.of(usage.c.account_id)) is not None:
        query = query.where(condition)
    return _spent(tx.execute(query).one())


def _spent(row: Row[Any]) -> Spent:
    return Spent(
        float(row.cpu_s or 0),
        float(row.gpu_s or 0),
        float(row.memory_gb_s or 0),
        float(row.wall_s or 0),
        int(row.staged_bytes or 0),
        int(row.starts or 0),
    )


def _tried(row: Row[Any]) -> Tried:
    return Tried(
        run=row.run_id,
        number=row.number,
        account=row.account_id,
        tool=row.tool,
        interactive=row.kind == "interactive",
        site=row.site or "",
        cpus=row.cpus,
        gpus=row.gpus,
        memory_gb=row.memory_gb,
        began_at=row.counted_to or row.started_at,
        ended_at=row.ended_at,
        first=row.counted_to is None,
    )
