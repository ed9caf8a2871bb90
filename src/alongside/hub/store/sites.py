"""Rows of sites, registration tokens and runners."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Row, cast, delete, func, insert, or_, select, update

from alongside import values
from alongside.hub.store import visibility
from alongside.hub.store.database import Tx
from alongside.hub.store.schema import (
    attempts,
    locations,
    registration_tokens,
    runners,
    runs,
    sites,
    tag_things,
)
from alongside.spec.accounts import Caller
from alongside.spec.sites import Capacity, ExecutorStatus, Runner, RunnerState, Site
from alongside.spec.tools import Resources


@dataclass(frozen=True)
class RegistrationToken:
    id: str
    name: str
    created_at: datetime
    expires_at: datetime


def add(tx: Tx, site: Site) -> None:
    tx.execute(
        insert(sites).values(
            id=site.id,
            name=site.name,
            title=site.title,
            description=site.description,
            edge_url=site.edge_url,
            enabled=site.enabled,
            created_at=site.created_at,
        )
    )


def by_name(tx: Tx, name: str, caller: Caller | None) -> Site | None:
    """None also where the caller holds none of the site's tags; without a caller everything is visible."""
    found = _sites(tx, sites.c.name == name, caller)
    return found[0] if found else None


def page(tx: Tx, after: str | None, limit: int, caller: Caller | None) -> list[Site]:
    return _sites(tx, sites.c.id > (after or ""), caller, limit)


def change(tx: Tx, site_id: str, members: dict[str, Any]) -> None:
    if members:
        tx.execute(update(sites).where(sites.c.id == site_id).values(**members))


def remove(tx: Tx, site_id: str) -> None:
    tx.execute(delete(tag_things).where(tag_things.c.kind == "site", tag_things.c.thing_id == site_id))
    tx.execute(delete(sites).where(sites.c.id == site_id))


def is_used(tx: Tx, site_id: str) -> bool:
    """Whether datasets lie there or runs live there."""
    return (
        tx.execute(select(locations.c.id).where(locations.c.site_id == site_id).limit(1)).first() is not None
        or tx.execute(select(runs.c.id).where(runs.c.site_id == site_id).limit(1)).first() is not None
    )


def add_registration_token(tx: Tx, site_id: str, token: RegistrationToken, secret_hash: str) -> None:
    tx.execute(
        insert(registration_tokens).values(
            id=token.id,
            site_id=site_id,
            name=token.name,
            secret_hash=secret_hash,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )
    )


def registration_token_page(tx: Tx, site_id: str, after: str | None, limit: int) -> list[RegistrationToken]:
    rows = tx.execute(
        select(registration_tokens)
        .where(registration_tokens.c.site_id == site_id, registration_tokens.c.id > (after or ""))
        .order_by(registration_tokens.c.id)
        .limit(limit)
    )
    return [RegistrationToken(row.id, row.name, row.created_at, row.expires_at) for row in rows]


def remove_registration_token(tx: Tx, site_id: str, token_id: str) -> bool:
    gone = tx.execute(
        delete(registration_tokens).where(
            registration_tokens.c.site_id == site_id, registration_tokens.c.id == token_id
        )
    )
    return gone.rowcount > 0


def registering_site(tx: Tx, secret_hash: str, now: datetime) -> tuple[str, str] | None:
    """(id, name) of the site that a registration token belongs to."""
    row = tx.execute(
        select(sites.c.id, sites.c.name)
        .join(registration_tokens, registration_tokens.c.site_id == sites.c.id)
        .where(registration_tokens.c.secret_hash == secret_hash, registration_tokens.c.expires_at > now)
    ).first()
    return None if row is None else (row.id, row.name)


def add_runner(
    tx: Tx, runner_id: str, site_id: str, name: str, labels: Collection[str], secret_hash: str, now: datetime
) -> None:
    tx.execute(
        insert(runners).values(
            id=runner_id,
            site_id=site_id,
            name=name,
            secret_hash=secret_hash,
            labels=list(labels),
            executors=[],
            capacity=values.dump(Capacity(cpus=0, memory_gb=0)),
            created_at=now,
        )
    )


def renew_runner(tx: Tx, runner_id: str, labels: Collection[str], secret_hash: str) -> None:
    """Another process takes over this runner's id: the old secret and session end."""
    tx.execute(
        update(runners)
        .where(runners.c.id == runner_id)
        .values(secret_hash=secret_hash, labels=list(labels), epoch=runners.c.epoch + 1)
    )


def runner_named(tx: Tx, site_id: str, name: str) -> Runner | None:
    found = runner_list(tx, (runners.c.site_id == site_id) & (runners.c.name == name), None)
    return found[0] if found else None


def runner(tx: Tx, runner_id: str, caller: Caller | None) -> Runner | None:
    found = runner_list(tx, runners.c.id == runner_id, caller)
    return found[0] if found else None


def runner_page(tx: Tx, after: str | None, limit: int, caller: Caller | None) -> list[Runner]:
    return runner_list(tx, runners.c.id > (after or ""), caller, limit)


def runner_by_secret(tx: Tx, runner_id: str, secret_hash: str) -> tuple[int, str] | None:
    """(epoch, site name) of the runner, if this is its secret."""
    row = tx.execute(
        select(runners.c.epoch, sites.c.name)
        .join(sites, sites.c.id == runners.c.site_id)
        .where(runners.c.id == runner_id, runners.c.secret_hash == secret_hash)
    ).first()
    return None if row is None else (row.epoch, row.name)


def begin_epoch(tx: Tx, runner_id: str, version: int, now: datetime) -> int:
    return tx.execute(
        update(runners)
        .where(runners.c.id == runner_id)
        .values(epoch=runners.c.epoch + 1, version=version, last_seen_at=now)
        .returning(runners.c.epoch)
    ).scalar_one()


def change_runner(tx: Tx, runner_id: str, columns: dict[str, Any]) -> None:
    tx.execute(update(runners).where(runners.c.id == runner_id).values(**columns))


def remove_runner(tx: Tx, runner_id: str) -> None:
    tx.execute(delete(runners).where(runners.c.id == runner_id))


def runner_list(
    tx: Tx, condition: ColumnElement[bool], caller: Caller | None, limit: int | None = None
) -> list[Runner]:
    query = (
        select(runners, sites.c.name.label("site"))
        .join(sites, sites.c.id == runners.c.site_id)
        .where(condition)
        .order_by(runners.c.id)
        .limit(limit)
    )
    if caller is not None:
        query = query.where(visibility.visible("site", sites.c.id, caller))
    rows = tx.execute(query).all()
    held = _held(tx, [row.id for row in rows])
    return [_runner(row, *held.get(row.id, (Resources(0, 0), ()))) for row in rows]


def _sites(
    tx: Tx, condition: ColumnElement[bool], caller: Caller | None, limit: int | None = None
) -> list[Site]:
    query = select(sites).where(condition).order_by(sites.c.id).limit(limit)
    if caller is not None:
        query = query.where(visibility.visible("site", sites.c.id, caller))
    rows = tx.execute(query).all()
    tags = visibility.tag_names(tx, "site", [row.id for row in rows])
    by_site: defaultdict[str, list[Runner]] = defaultdict(list)
    if rows:
        for found in runner_list(tx, or_(*(runners.c.site_id == row.id for row in rows)), None):
            by_site[found.site].append(found)
    return [
        Site(
            id=row.id,
            name=row.name,
            title=row.title,
            description=row.description,
            edge_url=row.edge_url,
            enabled=row.enabled,
            created_at=row.created_at,
            tags=tags.get(row.id, ()),
            runners=tuple(by_site[row.name]),
        )
        for row in rows
    ]


def _held(tx: Tx, runner_ids: list[str]) -> dict[str, tuple[Resources, tuple[str, ...]]]:
    """What the attempts that each runner holds use together, and their runs."""
    if not runner_ids:
        return {}
    found: dict[str, tuple[Resources, tuple[str, ...]]] = {}
    query = (
        select(attempts.c.runner_id, runs.c.id, runs.c.cpus, runs.c.memory_gb, runs.c.gpus, runs.c.disk_gb)
        .join(runs, runs.c.id == attempts.c.run_id)
        .where(attempts.c.runner_id.in_(runner_ids), attempts.c.held.is_(True))
        .order_by(runs.c.id)
    )
    for row in tx.execute(query):
        used, ids = found.get(row.runner_id, (Resources(0, 0), ()))
        found[row.runner_id] = (
            Resources(
                cpus=used.cpus + row.cpus,
                memory_gb=used.memory_gb + row.memory_gb,
                gpus=used.gpus + row.gpus,
                disk_gb=used.disk_gb + row.disk_gb,
            ),
            (*ids, row.id),
        )
    return found


def _runner(row: Row[Any], used: Resources, run_ids: tuple[str, ...]) -> Runner:
    state: RunnerState = "offline" if not row.online else "draining" if row.draining else "online"
    return Runner(
        id=row.id,
        name=row.name,
        site=row.site,
        state=state,
        labels=tuple(dict.fromkeys((*row.labels, *row.added_labels))),
        executors=tuple(values.load(ExecutorStatus, item) for item in row.executors),
        capacity=values.load(Capacity, row.capacity),
        version=str(row.version),
        last_seen_at=row.last_seen_at,
        created_at=row.created_at,
        epoch=row.epoch,
        used=used,
        runs=run_ids,
        added_labels=tuple(row.added_labels),
    )


def count(tx: Tx, caller: Caller) -> int:
    """Sites that the caller may see."""
    return tx.execute(
        select(func.count()).where(visibility.visible("site", sites.c.id, caller)).select_from(sites)
    ).scalar_one()


def runner_counts(tx: Tx) -> tuple[int, int]:
    """(online, offline) runners."""
    row = tx.execute(select(func.count(), func.coalesce(func.sum(cast(runners.c.online, Integer)), 0))).one()
    return int(row[1]), row[0] - int(row[1])
