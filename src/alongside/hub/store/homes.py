"""Rows of homes and their snapshots."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, or_, select, update

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import accounts, attempts, home_snapshots, homes, runners, runs, sites
from alongside.spec.homes import Snapshot
from alongside.spec.runs import ACTIVE


@dataclass(frozen=True)
class Kept:
    """A home as its row says; what is under way is the errands'."""

    id: str
    account: str
    account_name: str
    site_id: str
    site: str
    site_title: str
    runner: str | None
    state: str
    reason: str
    uid: int | None
    gid: int | None
    size_bytes: int | None
    files: int | None
    quota_bytes: int | None
    warned: bool
    measured_at: datetime | None
    created_at: datetime


_HOMES = (
    select(
        homes,
        accounts.c.name.label("account_name"),
        sites.c.name.label("site_name"),
        sites.c.title.label("site_title"),
    )
    .join(accounts, accounts.c.id == homes.c.account_id)
    .join(sites, sites.c.id == homes.c.site_id)
)


def add(
    tx: Tx, home_id: str, account_id: str, site_id: str, runner_id: str, measure_at: datetime, now: datetime
) -> None:
    tx.execute(
        insert(homes).values(
            id=home_id,
            account_id=account_id,
            site_id=site_id,
            runner_id=runner_id,
            state="making",
            measure_at=measure_at,
            created_at=now,
            updated_at=now,
        )
    )


def get(tx: Tx, home_id: str) -> Kept | None:
    row = tx.execute(_HOMES.where(homes.c.id == home_id)).one_or_none()
    return None if row is None else _home(row)


def listing(
    tx: Tx,
    *,
    account: str | None = None,
    site: str | None = None,
    after: str | None = None,
    limit: int,
) -> list[Kept]:
    query = _HOMES.order_by(homes.c.id).limit(limit)
    if account is not None:
        query = query.where(homes.c.account_id == account)
    if site is not None:
        query = query.where(sites.c.name == site)
    if after is not None:
        query = query.where(homes.c.id > after)
    return [_home(row) for row in tx.execute(query)]


def at(tx: Tx, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The homes of (account, site) pairs, as far as there are any."""
    if not pairs:
        return {}
    query = select(homes.c.id, homes.c.account_id, homes.c.site_id).where(
        homes.c.account_id.in_({account for account, _ in pairs}),
        homes.c.site_id.in_({site for _, site in pairs}),
    )
    found = {(row.account_id, row.site_id): row.id for row in tx.execute(query)}
    return {pair: found[pair] for pair in pairs if pair in found}


def users(tx: Tx, run_ids: Collection[str]) -> list[tuple[str, str, str]]:
    """(account, site, runner) of those of these runs that have a home where they are."""
    query = (
        select(runs.c.account_id, runs.c.site_id, attempts.c.runner_id)
        .join(attempts, (attempts.c.run_id == runs.c.id) & (attempts.c.number == runs.c.attempt))
        .where(
            runs.c.id.in_(run_ids),
            runs.c.kind == "interactive",
            runs.c.site_id.is_not(None),
            attempts.c.runner_id.is_not(None),
        )
    )
    return [(row.account_id, row.site_id, row.runner_id) for row in tx.execute(query)]


def in_use(tx: Tx, home: Kept) -> list[str]:
    """Titles of the tools that have this home now, or are about to."""
    query = select(runs.c.title).where(
        runs.c.account_id == home.account,
        runs.c.kind == "interactive",
        runs.c.state.in_(ACTIVE),
        or_(runs.c.site_id == home.site_id, runs.c.site_id.is_(None)),
    )
    return list(tx.execute(query).scalars())


def due(tx: Tx, now: datetime, limit: int) -> list[Kept]:
    return [
        _home(row)
        for row in tx.execute(
            _HOMES.where(homes.c.measure_at <= now).order_by(homes.c.measure_at).limit(limit)
        )
    ]


def use(tx: Tx, home_ids: Collection[str], measure_at: datetime) -> None:
    """Have homes measured that nobody had measured for want of use."""
    tx.execute(
        update(homes)
        .where(homes.c.id.in_(home_ids), homes.c.measure_at.is_(None))
        .values(measure_at=measure_at)
    )


def change(tx: Tx, home_id: str, now: datetime, **columns: Any) -> None:
    tx.execute(update(homes).where(homes.c.id == home_id).values(updated_at=now, **columns))


def remove(tx: Tx, home_id: str) -> None:
    tx.execute(delete(homes).where(homes.c.id == home_id))


def runner_of(tx: Tx, site_id: str, known: str | None) -> str | None:
    """The runner to ask about a home: the one that has it, else any of the site, one in contact first."""
    query = (
        select(runners.c.id)
        .where(runners.c.site_id == site_id)
        .order_by(
            (runners.c.id == known).desc() if known else runners.c.online.desc(), runners.c.online.desc()
        )
        .limit(1)
    )
    return tx.execute(query).scalar_one_or_none()


def sites_with_runners(tx: Tx) -> list[tuple[str, str]]:
    """(id, name) of enabled sites where something can be made."""
    query = (
        select(sites.c.id, sites.c.name)
        .where(sites.c.enabled, sites.c.id.in_(select(runners.c.site_id)))
        .order_by(sites.c.id)
    )
    return [(row.id, row.name) for row in tx.execute(query)]


def add_snapshot(tx: Tx, snapshot: Snapshot) -> None:
    tx.execute(
        insert(home_snapshots).values(
            id=snapshot.id,
            home_id=snapshot.home,
            name=snapshot.name,
            kind=snapshot.kind,
            state=snapshot.state,
            reason=snapshot.reason,
            created_at=snapshot.created_at,
        )
    )


def snapshot(tx: Tx, home_id: str, snapshot_id: str) -> Snapshot | None:
    query = select(home_snapshots).where(
        home_snapshots.c.home_id == home_id, home_snapshots.c.id == snapshot_id
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else _snapshot(row)


def snapshots(tx: Tx, home_id: str, after: str | None, limit: int) -> list[Snapshot]:
    """Newest first."""
    query = select(home_snapshots).where(home_snapshots.c.home_id == home_id)
    if after is not None:
        query = query.where(home_snapshots.c.id < after)
    return [_snapshot(row) for row in tx.execute(query.order_by(home_snapshots.c.id.desc()).limit(limit))]


def count_snapshots(tx: Tx, home_id: str) -> int:
    query = select(func.count()).where(
        home_snapshots.c.home_id == home_id, home_snapshots.c.state != "failed"
    )
    return tx.execute(query).scalar_one()


def change_snapshot(tx: Tx, snapshot_id: str, **columns: Any) -> None:
    tx.execute(update(home_snapshots).where(home_snapshots.c.id == snapshot_id).values(**columns))


def remove_snapshot(tx: Tx, snapshot_id: str) -> None:
    tx.execute(delete(home_snapshots).where(home_snapshots.c.id == snapshot_id))


def _home(row: Row[Any]) -> Kept:
    return Kept(
        id=row.id,
        account=row.account_id,
        account_name=row.account_name,
        site_id=row.site_id,
        site=row.site_name,
        site_title=row.site_title,
        runner=row.runner_id,
        state=row.state,
        reason=row.reason,
        uid=row.uid,
        gid=row.gid,
        size_bytes=row.size_bytes,
        files=row.files,
        quota_bytes=row.quota_bytes,
        warned=row.warned,
        measured_at=row.measured_at,
        created_at=row.created_at,
    )


def _snapshot(row: Row[Any]) -> Snapshot:
    return Snapshot(
        id=row.id,
        home=row.home_id,
        name=row.name,
        kind=row.kind,
        state=row.state,
        reason=row.reason,
        created_at=row.created_at,
        size_bytes=row.size_bytes,
        files=row.files,
        shares_blocks=row.shares_blocks,
    )
