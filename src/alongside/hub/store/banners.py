"""Rows of banners, and the mark on sites that take nothing new because of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import banners, runs, sites
from alongside.spec.banners import Banner

OWNERS_MAX = 200


def current(tx: Tx, now: datetime) -> list[Banner]:
    """Those that are not over, also those to come."""
    query = select(banners).where(or_(banners.c.ends_at.is_(None), banners.c.ends_at > now))
    return [_banner(row) for row in tx.execute(query.order_by(banners.c.starts_at, banners.c.id).limit(500))]


def get(tx: Tx, banner_id: str) -> Banner | None:
    row = tx.execute(select(banners).where(banners.c.id == banner_id)).one_or_none()
    return None if row is None else _banner(row)


def add(tx: Tx, banner: Banner) -> None:
    tx.execute(
        insert(banners).values(
            id=banner.id,
            level=banner.level,
            text=banner.text,
            site=banner.site,
            starts_at=banner.starts_at,
            ends_at=banner.ends_at,
            no_launch_from=banner.no_launch_from,
            created_at=banner.created_at,
        )
    )


def change(tx: Tx, banner_id: str, **columns: Any) -> None:
    tx.execute(update(banners).where(banners.c.id == banner_id).values(**columns))


def remove(tx: Tx, banner_id: str) -> None:
    tx.execute(delete(banners).where(banners.c.id == banner_id))


def owners_of_running(tx: Tx, site: str | None) -> list[str]:
    """Accounts with something that runs, at a site or anywhere."""
    query = select(runs.c.account_id).where(runs.c.state.in_(("initializing", "running"))).distinct()
    if site is not None:
        query = query.join(sites, sites.c.id == runs.c.site_id).where(sites.c.name == site)
    return list(tx.execute(query.order_by(runs.c.account_id).limit(OWNERS_MAX)).scalars())


def mark_quiet(tx: Tx, quiet: Collection[str] | None) -> bool:
    """Let these sites take nothing new, None: all of them, and let the others; whether that is news."""
    wanted = sites.c.name.in_(quiet) if quiet is not None else sites.c.name.is_not(None)
    begun = tx.execute(update(sites).where(wanted, sites.c.quiet.is_(False)).values(quiet=True)).rowcount
    ended = 0
    if quiet is not None:
        others = sites.c.name.not_in(quiet)
        ended = tx.execute(update(sites).where(others, sites.c.quiet.is_(True)).values(quiet=False)).rowcount
    return begun + ended > 0


def _banner(row: Row[Any]) -> Banner:
    return Banner(
        id=row.id,
        level=row.level,
        text=row.text,
        site=row.site,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        no_launch_from=row.no_launch_from,
        created_at=row.created_at,
    )
