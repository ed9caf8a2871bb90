"""Rows about folders at sites: whose disk they are on, and the drives that open them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, func, insert, select

from alongside import values
from alongside.hub.store.database import Tx
from alongside.hub.store.schema import artifacts, attempts, drives, runners, runs, sites
from alongside.hub.store.visibility import visible
from alongside.spec.accounts import Caller
from alongside.spec.files import Folder


@dataclass(frozen=True)
class Disk:
    """A runner and the site it is at."""

    runner: str
    site: str
    site_title: str
    edge_url: str
    online: bool


@dataclass(frozen=True)
class OpenedDrive:
    id: str
    name: str
    site: str
    edge_url: str
    runner: str
    folder: Folder
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Output:
    """The newest outputs of a run, and where they are."""

    run: str
    title: str
    attempt: int
    disk: Disk


_DISK = (runners.c.id, sites.c.name, sites.c.title, sites.c.edge_url, runners.c.online)


def disks(tx: Tx, caller: Caller, site: str | None = None) -> list[Disk]:
    """Of the sites that the caller may see, those in contact first; the runners of a site share its homes."""
    query = (
        select(*_DISK)
        .join(sites, sites.c.id == runners.c.site_id)
        .where(visible("site", sites.c.id, caller))
        .order_by(sites.c.name, runners.c.online.desc(), runners.c.id)
    )
    if site is not None:
        query = query.where(sites.c.name == site)
    return [Disk(*row) for row in tx.execute(query)]


def outputs(tx: Tx, account: str | None, *, run: str | None = None, limit: int = 50) -> list[Output]:
    """Newest first."""
    newest = (
        select(artifacts.c.run_id, func.max(artifacts.c.attempt).label("attempt"))
        .group_by(artifacts.c.run_id)
        .subquery()
    )
    query = (
        select(runs.c.id, runs.c.title, newest.c.attempt, *_DISK)
        .join(newest, newest.c.run_id == runs.c.id)
        .join(attempts, and_(attempts.c.run_id == runs.c.id, attempts.c.number == newest.c.attempt))
        .join(runners, runners.c.id == attempts.c.runner_id)
        .join(sites, sites.c.id == runners.c.site_id)
        .where(runs.c.deleting.is_(False))
        .order_by(runs.c.id.desc())
        .limit(limit)
    )
    if account is not None:
        query = query.where(runs.c.account_id == account)
    if run is not None:
        query = query.where(runs.c.id == run)
    return [Output(row[0], row[1], row[2], Disk(*row[3:])) for row in tx.execute(query)]


def add_drive(tx: Tx, account: str, drive: OpenedDrive) -> None:
    tx.execute(
        insert(drives).values(
            id=drive.id,
            account_id=account,
            runner_id=drive.runner,
            name=drive.name,
            folder=values.dump(drive.folder),
            created_at=drive.created_at,
            expires_at=drive.expires_at,
        )
    )


def drives_of(tx: Tx, account: str) -> list[OpenedDrive]:
    """Newest first."""
    query = (
        select(drives, sites.c.name.label("site"), sites.c.edge_url)
        .join(runners, runners.c.id == drives.c.runner_id)
        .join(sites, sites.c.id == runners.c.site_id)
        .where(drives.c.account_id == account)
        .order_by(drives.c.id.desc())
    )
    return [
        OpenedDrive(
            row.id,
            row.name,
            row.site,
            row.edge_url,
            row.runner_id,
            values.load(Folder, row.folder),
            row.created_at,
            row.expires_at,
        )
        for row in tx.execute(query)
    ]


def remove_drive(tx: Tx, drive_id: str) -> None:
    tx.execute(delete(drives).where(drives.c.id == drive_id))
