"""What placement needs to know, read from the tables: who waits for what, and who offers what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, update

from alongside import values
from alongside.hub.store.database import Tx
from alongside.hub.store.groups import names_of_many
from alongside.hub.store.schema import (
    accounts,
    attempts,
    datasets,
    group_members,
    identifiers,
    leases,
    locations,
    run_datasets,
    runners,
    runs,
    sites,
    tag_accounts,
    tag_groups,
    tag_things,
    tool_versions,
)
from alongside.spec.line import RECENT, RECENT_MAX, Begun
from alongside.spec.placement import DataNeed, Offered, Waiting
from alongside.spec.runs import RunRequest
from alongside.spec.sites import Capacity, ExecutorStatus
from alongside.spec.tools import Resources, ToolSpec
from alongside.spec.wire import DatasetMount, Mode, Offer, Owner, Source


@dataclass(frozen=True)
class Order:
    """What an assignment is made from."""

    run: str
    owner: Owner
    tool: ToolSpec
    wish: RunRequest
    resources: Resources
    lifetime_s: float | None = None


@dataclass(frozen=True)
class Due:
    """A queued run and the moment before which it is not placed."""

    waiting: Waiting
    not_before: datetime | None
    reason: str


def waiting(tx: Tx, run_ids: Collection[str] | None = None) -> list[Due]:
    """Queued runs: all of them, or those among `run_ids`."""
    query = (
        select(runs, sites.c.name.label("site"))
        .outerjoin(sites, sites.c.id == runs.c.site_id)
        .where(runs.c.state == "queued")
    )
    rows = tx.execute(query if run_ids is None else query.where(runs.c.id.in_(run_ids))).all()
    tools = _tools(tx, {row.tool_version_id for row in rows})
    needs = _needs(tx, [row.id for row in rows])
    return [
        Due(_waiting(row, tools[row.tool_version_id], needs.get(row.id, ())), row.not_before, row.reason)
        for row in rows
    ]


def would_wait(
    tx: Tx,
    account: str,
    tool: ToolSpec,
    wish: RunRequest,
    dataset_ids: Collection[str],
    now: datetime,
    *,
    resources: Resources,
    confined: dict[str, Any] | None = None,
    resource_class: str | None = None,
) -> Waiting:
    """A run that has not been asked for yet, as placement would see it."""
    found = _needs_of_datasets(tx, dataset_ids)
    return Waiting(
        run="",
        account=account,
        resources=resources,
        data=tuple(found[key] for key in dataset_ids if key in found),
        since=now,
        priority=wish.priority,
        site=wish.site,
        resource_class=resource_class,
        **_wanted(tool, wish, confined),
    )


def need(tx: Tx, dataset_id: str) -> DataNeed:
    """Where one dataset is and whether it may go elsewhere."""
    return _needs_of_datasets(tx, [dataset_id])[dataset_id]


def offered(tx: Tx, runner_ids: Collection[str] | None = None, now: datetime | None = None) -> list[Offered]:
    """What runners of enabled sites can take, and what they have left."""
    query = (
        select(runners, sites.c.name.label("site"), sites.c.id.label("place"), sites.c.quiet)
        .join(sites, sites.c.id == runners.c.site_id)
        .where(sites.c.enabled)
    )
    rows = tx.execute(query if runner_ids is None else query.where(runners.c.id.in_(runner_ids))).all()
    taken = used(tx, [row.id for row in rows])
    admins = frozenset(tx.execute(select(accounts.c.id).where(accounts.c.role == "admin")).scalars())
    admitted = _admitted(tx, {row.place for row in rows}, admins)
    begun = starting(tx, [row.id for row in rows if row.capacity.get("starts")], now)
    return [
        _offered(row, taken.get(row.id, NOTHING), admins, admitted.get(row.place), begun.get(row.id, 0))
        for row in rows
    ]


def starting(tx: Tx, runner_ids: Collection[str], now: datetime | None) -> dict[str, int]:
    """How many interactive tools each runner is starting, without those that take long: they wait for
    something, and should not keep others from it."""
    if not runner_ids:
        return {}
    query = (
        select(attempts.c.runner_id, func.count())
        .join(runs, (runs.c.id == attempts.c.run_id) & (runs.c.attempt == attempts.c.number))
        .where(attempts.c.held, attempts.c.runner_id.in_(runner_ids))
        .where(runs.c.kind == "interactive", runs.c.ready.is_(False))
        .where(runs.c.state.in_(("initializing", "running")))
        .group_by(attempts.c.runner_id)
    )
    if now is not None:
        query = query.where(attempts.c.created_at > now - START_COUNTS)
    return {row[0]: row[1] for row in tx.execute(query)}


#: an attempt that is not ready after so long does not count as starting any more
START_COUNTS = timedelta(seconds=20)
NOTHING = Resources(cpus=0.0, memory_gb=0.0)


def used(tx: Tx, runner_ids: Collection[str]) -> dict[str, Resources]:
    """What each runner's leases hold. Attempts of one lease take turns, so its largest one counts."""
    rows = tx.execute(
        select(
            attempts.c.runner_id,
            func.max(runs.c.cpus).label("cpus"),
            func.max(runs.c.memory_gb).label("memory_gb"),
            func.max(runs.c.gpus).label("gpus"),
        )
        .join(runs, runs.c.id == attempts.c.run_id)
        .where(attempts.c.held, attempts.c.runner_id.in_(runner_ids))
        .group_by(attempts.c.runner_id, attempts.c.lease_id)
    )
    total: dict[str, Resources] = {}
    for row in rows:
        before = total.get(row.runner_id, NOTHING)
        total[row.runner_id] = Resources(
            before.cpus + row.cpus, before.memory_gb + row.memory_gb, before.gpus + row.gpus
        )
    return total


def held_by_account(tx: Tx, account_ids: Collection[str]) -> dict[str, int]:
    rows = tx.execute(
        select(runs.c.account_id, func.count())
        .join(attempts, attempts.c.run_id == runs.c.id)
        .where(attempts.c.held, runs.c.account_id.in_(account_ids))
        .group_by(runs.c.account_id)
    )
    return {row[0]: row[1] for row in rows}


def ahead(tx: Tx, run_id: str) -> int:
    """How many queued runs come before this one by priority and age."""
    me = tx.execute(select(runs.c.priority, runs.c.queued_at).where(runs.c.id == run_id)).one()
    older = (runs.c.priority == me.priority) & (runs.c.queued_at < me.queued_at)
    return tx.execute(
        select(func.count()).where(runs.c.state == "queued", (runs.c.priority > me.priority) | older)
    ).scalar_one()


def line(tx: Tx) -> dict[str, int]:
    """How many queued runs come before each, in one query."""
    before = func.rank().over(order_by=(runs.c.priority.desc(), runs.c.queued_at)) - 1
    return {
        row.id: row.before
        for row in tx.execute(select(runs.c.id, before.label("before")).where(runs.c.state == "queued"))
    }


def begun_lately(tx: Tx, now: datetime) -> list[Begun]:
    """Interactive runs that left the line a moment ago, newest first."""
    query = (
        select(attempts.c.created_at, runs.c.ready_at)
        .join(runs, (runs.c.id == attempts.c.run_id) & (runs.c.attempt == attempts.c.number))
        .where(runs.c.state.in_(("initializing", "running")), runs.c.queued_at > now - 10 * RECENT)
        .where(attempts.c.created_at > now - RECENT, runs.c.kind == "interactive")
        .order_by(attempts.c.created_at.desc())
        .limit(RECENT_MAX)
    )
    return [Begun(row.created_at, row.ready_at) for row in tx.execute(query)]


# Assigning


_HELD_LEASES = select(attempts.c.lease_id).where(
    attempts.c.held, attempts.c.runner_id == bindparam("which_runner")
)
_DROP_EMPTY_LEASES = delete(leases).where(
    leases.c.runner_id == bindparam("which_runner"), leases.c.id.not_in(_HELD_LEASES.scalar_subquery())
)
_ADD_LEASE = insert(leases)


def add_leases(tx: Tx, new: Sequence[tuple[str, str]], now: datetime) -> None:
    """Each with its id and its runner's."""
    if new:
        tx.execute(
            _ADD_LEASE, [{"id": lease, "runner_id": runner, "granted_at": now} for lease, runner in new]
        )


def drop_empty_leases(tx: Tx, runner: str) -> None:
    tx.execute(_DROP_EMPTY_LEASES, {"which_runner": runner})


def orders(tx: Tx, run_ids: Collection[str]) -> dict[str, Order]:
    rows = tx.execute(
        select(runs, accounts.c.name.label("owner"))
        .join(accounts, accounts.c.id == runs.c.account_id)
        .where(runs.c.id.in_(run_ids))
    ).all()
    tools = _tools(tx, {row.tool_version_id for row in rows})
    groups = names_of_many(tx, {row.account_id for row in rows})
    return {
        row.id: Order(
            run=row.id,
            owner=Owner(row.account_id, row.owner, groups.get(row.account_id, ())),
            tool=tools[row.tool_version_id],
            wish=values.load(RunRequest, row.request),
            resources=Resources(row.cpus, row.memory_gb, row.gpus, row.disk_gb),
            lifetime_s=row.lifetime_s,
        )
        for row in rows
    }


def site_ids(tx: Tx, names: Collection[str]) -> dict[str, str]:
    return {
        row.name: row.id
        for row in tx.execute(select(sites.c.name, sites.c.id).where(sites.c.name.in_(names)))
    }


def mounts(tx: Tx, run_ids: Collection[str], site: str) -> dict[str, tuple[DatasetMount, ...]]:
    """The datasets of runs with their sources as seen from a site: paths of that site, then addresses."""
    rows = tx.execute(
        select(run_datasets)
        .where(run_datasets.c.run_id.in_(run_ids), run_datasets.c.dataset_id.is_not(None))
        .order_by(run_datasets.c.run_id, run_datasets.c.position, run_datasets.c.name)
    ).all()
    places = sources(tx, {row.dataset_id for row in rows}, site)
    found: dict[str, list[DatasetMount]] = defaultdict(list)
    for row in rows:
        found[row.run_id].append(mount(row.dataset_id, row.name, row.mode, places.get(row.dataset_id, ())))
    return {key: tuple(items) for key, items in found.items()}


def mount(dataset: str, name: str, mode: Mode, places: tuple[Source, ...]) -> DatasetMount:
    return DatasetMount(dataset=dataset, name=name, mode=mode, sources=places)


def sources(tx: Tx, dataset_ids: Collection[str], site: str) -> dict[str, tuple[Source, ...]]:
    rows = tx.execute(
        select(locations, sites.c.name.label("site"))
        .outerjoin(sites, sites.c.id == locations.c.site_id)
        .where(locations.c.dataset_id.in_(dataset_ids))
        .order_by(locations.c.position, locations.c.id)
    ).all()
    found: dict[str, list[Source]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.site is None):
        if row.site is None or row.site == site:
            found[row.dataset_id].append(
                Source(
                    kind=row.kind, path=row.path, url=row.url, size_bytes=row.size_bytes, sha256=row.sha256
                )
            )
    return {key: tuple(items) for key, items in found.items()}


# Runners


def online(tx: Tx, runner: str, offer: Offer, now: datetime) -> bool:
    """Note what a runner offers and that it is there; whether that is news to placement."""
    before = tx.execute(
        select(runners.c.labels, runners.c.executors, runners.c.capacity, runners.c.online).where(
            runners.c.id == runner
        )
    ).one()
    executors = [values.dump(item) for item in offer.executors]
    capacity = values.dump(offer.capacity) | {"draining": offer.draining}
    same = (before.labels, before.executors, before.capacity) == (list(offer.labels), executors, capacity)
    columns: dict[str, Any] = {"last_seen_at": now, "online": True}
    if not same:
        columns |= {"labels": list(offer.labels), "executors": executors, "capacity": capacity}
    tx.execute(update(runners).where(runners.c.id == runner).values(**columns))
    return not same or not before.online


def offline(tx: Tx, runner: str) -> None:
    tx.execute(update(runners).where(runners.c.id == runner).values(online=False))


def in_contact(tx: Tx) -> list[str]:
    """Runners that were online, or hold something, when this was last written down."""
    holding = select(attempts.c.runner_id).where(attempts.c.held)
    return list(
        tx.execute(select(runners.c.id).where(runners.c.online | runners.c.id.in_(holding))).scalars()
    )


def _waiting(row: Row[Any], tool: ToolSpec, needs: tuple[DataNeed, ...]) -> Waiting:
    wish = values.load(RunRequest, row.request)
    interactive = row.kind == "interactive"
    return Waiting(
        run=row.id,
        account=row.account_id,
        resources=Resources(row.cpus, row.memory_gb, row.gpus, row.disk_gb),
        data=needs,
        since=row.queued_at,
        priority=row.priority,
        site=wish.site,
        home_site=row.site if interactive else None,
        batch="" if interactive else f"{row.account_id} {row.tool_version_id}",
        interactive=interactive,
        resource_class=row.resource_class,
        **_wanted(tool, wish, row.confined),
    )


def _wanted(tool: ToolSpec, wish: RunRequest, confined: dict[str, Any] | None) -> dict[str, Any]:
    confined = confined or {"sites": None, "labels": []}
    executors = [kind for kind in tool.executors if wish.executor in (None, kind)]
    environments = {component.environment for component in tool.components if component.environment}
    return {
        "executors": tuple(executors),
        "environments": tuple(sorted(environments)),
        "labels": frozenset((*tool.labels, *wish.labels, *confined["labels"])),
        "sites": None if confined["sites"] is None else frozenset(confined["sites"]),
        "network": tool.network,
    }


def _tools(tx: Tx, version_ids: Collection[str]) -> dict[str, ToolSpec]:
    """Many runs are of one version: its document is read once."""
    query = select(tool_versions.c.id, tool_versions.c.spec).where(tool_versions.c.id.in_(version_ids))
    return {row.id: values.load(ToolSpec, row.spec) for row in tx.execute(query)}


def _needs(tx: Tx, run_ids: Collection[str]) -> dict[str, tuple[DataNeed, ...]]:
    rows = tx.execute(
        select(run_datasets.c.run_id, run_datasets.c.dataset_id)
        .where(run_datasets.c.run_id.in_(run_ids), run_datasets.c.dataset_id.is_not(None))
        .order_by(run_datasets.c.run_id, run_datasets.c.position)
    ).all()
    known = _needs_of_datasets(tx, {row.dataset_id for row in rows})
    found: dict[str, list[DataNeed]] = defaultdict(list)
    for row in rows:
        found[row.run_id].append(known[row.dataset_id])
    return {key: tuple(items) for key, items in found.items()}


def _needs_of_datasets(tx: Tx, dataset_ids: Collection[str]) -> dict[str, DataNeed]:
    if not dataset_ids:
        return {}
    named = tx.execute(
        select(identifiers.c.dataset_id, identifiers.c.value)
        .where(identifiers.c.dataset_id.in_(dataset_ids))
        .order_by(identifiers.c.position.desc())
    )
    names = {row.dataset_id: row.value for row in named}
    places = tx.execute(
        select(locations.c.dataset_id, sites.c.name.label("site"), locations.c.url, locations.c.size_bytes)
        .outerjoin(sites, sites.c.id == locations.c.site_id)
        .where(locations.c.dataset_id.in_(dataset_ids))
    ).all()
    rows = tx.execute(select(datasets.c.id, datasets.c.may_leave).where(datasets.c.id.in_(dataset_ids)))
    return {
        row.id: DataNeed(
            identifier=names.get(row.id, row.id),
            sites=frozenset(place.site for place in places if place.dataset_id == row.id and place.site),
            fetchable=any(place.url for place in places if place.dataset_id == row.id),
            may_leave=row.may_leave,
            size_bytes=max(
                (place.size_bytes for place in places if place.dataset_id == row.id and place.size_bytes),
                default=None,
            ),
        )
        for row in rows
    }


def _offered(
    row: Row[Any],
    taken: Resources,
    admins: frozenset[str],
    admitted: frozenset[str] | None,
    starting: int,
) -> Offered:
    capacity = Capacity(
        cpus=row.capacity.get("cpus", 0.0),
        memory_gb=row.capacity.get("memory_gb", 0.0),
        gpus=row.capacity.get("gpus", 0),
        starts=row.capacity.get("starts", 0),
    )
    return Offered(
        runner=row.id,
        name=row.name,
        site=row.site,
        labels=frozenset((*row.labels, *row.added_labels)),
        executors=tuple(values.load(ExecutorStatus, item) for item in row.executors),
        capacity=capacity,
        free=Resources(
            capacity.cpus - taken.cpus, capacity.memory_gb - taken.memory_gb, capacity.gpus - taken.gpus
        ),
        accounts=admitted,
        draining=row.draining or row.quiet or bool(row.capacity.get("draining")),
        online=row.online,
        owners=admins,
        starts=max(0, capacity.starts - starting) if capacity.starts else None,
    )


def _admitted(tx: Tx, site_ids: Collection[str], admins: frozenset[str]) -> dict[str, frozenset[str]]:
    """Accounts that may use each site that carries tags; a site without tags is open to all."""
    tagged = (tag_things.c.kind == "site") & tag_things.c.thing_id.in_(site_ids)
    direct = select(tag_things.c.thing_id, tag_accounts.c.account_id).outerjoin(
        tag_accounts, tag_accounts.c.tag_id == tag_things.c.tag_id
    )
    grouped = (
        select(tag_things.c.thing_id, group_members.c.account_id)
        .join(tag_groups, tag_groups.c.tag_id == tag_things.c.tag_id)
        .join(group_members, group_members.c.group_id == tag_groups.c.group_id)
    )
    found: dict[str, set[str]] = {}
    for site, account in tx.execute(direct.where(tagged).union(grouped.where(tagged))):
        found.setdefault(site, set(admins))
        if account is not None:
            found[site].add(account)
    return {site: frozenset(members) for site, members in found.items()}
