"""Rows of resource classes; what leaves is values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, true, update

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import group_members, groups, resource_classes, sites
from alongside.hub.store.visibility import visible
from alongside.spec.accounts import Caller
from alongside.spec.sites import ResourceClass
from alongside.spec.tools import Resources


def of_sites(tx: Tx, caller: Caller | None) -> Sequence[ResourceClass]:
    """Classes of all sites that take runs and that the caller may see, in the order to show them in."""
    wanted = sites.c.enabled & (true() if caller is None else visible("site", sites.c.id, caller))
    return _classes(tx, wanted)


def page(tx: Tx, site: str, after: str | None, limit: int) -> list[ResourceClass]:
    condition = sites.c.name == site
    if after is not None:
        condition &= resource_classes.c.id > after
    query = _query(condition).order_by(resource_classes.c.id).limit(limit)
    return [_class(row) for row in tx.execute(query)]


def get(tx: Tx, site: str, name: str) -> ResourceClass | None:
    found = _classes(tx, (sites.c.name == site) & (resource_classes.c.name == name))
    return found[0] if found else None


def add(tx: Tx, site_id: str, new: ResourceClass, now: Any) -> None:
    tx.execute(
        insert(resource_classes).values(
            id=new.id, site_id=site_id, name=new.name, created_at=now, **_columns(new)
        )
    )


def change(tx: Tx, changed: ResourceClass) -> None:
    tx.execute(
        update(resource_classes).where(resource_classes.c.id == changed.id).values(**_columns(changed))
    )


def remove(tx: Tx, class_id: str) -> None:
    tx.execute(delete(resource_classes).where(resource_classes.c.id == class_id))


def sites_taking_runs(tx: Tx, caller: Caller) -> list[str]:
    query = select(sites.c.name).where(sites.c.enabled, visible("site", sites.c.id, caller))
    return list(tx.execute(query.order_by(sites.c.name)).scalars())


def groups_of(tx: Tx, account_id: str) -> frozenset[str]:
    """Names of the groups that an account is in."""
    query = select(groups.c.name).join(group_members, group_members.c.group_id == groups.c.id)
    return frozenset(tx.execute(query.where(group_members.c.account_id == account_id)).scalars())


def _classes(tx: Tx, condition: ColumnElement[bool]) -> Sequence[ResourceClass]:
    in_order = (resource_classes.c.position, resource_classes.c.cpus, resource_classes.c.name, sites.c.name)
    return [_class(row) for row in tx.execute(_query(condition).order_by(*in_order))]


def _query(condition: ColumnElement[bool]) -> Any:
    return (
        select(resource_classes, sites.c.name.label("site"))
        .join(sites, sites.c.id == resource_classes.c.site_id)
        .where(condition)
    )


def _columns(item: ResourceClass) -> dict[str, Any]:
    return {
        "title": item.title,
        "description": item.description,
        "cpus": item.resources.cpus,
        "memory_gb": item.resources.memory_gb,
        "gpus": item.resources.gpus,
        "disk_gb": item.resources.disk_gb,
        "lifetime_s": item.lifetime_s,
        "labels": list(item.labels),
        "groups": list(item.groups),
        "account_classes": list(item.account_classes),
        "position": item.position,
    }


def _class(row: Row[Any]) -> ResourceClass:
    return ResourceClass(
        id=row.id,
        site=row.site,
        name=row.name,
        title=row.title,
        description=row.description,
        resources=Resources(row.cpus, row.memory_gb, row.gpus, row.disk_gb),
        lifetime_s=row.lifetime_s,
        labels=tuple(row.labels),
        groups=tuple(row.groups),
        account_classes=tuple(row.account_classes),
        position=row.position,
    )
