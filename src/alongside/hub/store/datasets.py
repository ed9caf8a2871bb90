"""Rows of datasets, their identifiers and locations, as values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, not_, or_, select, update

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import datasets, identifiers, locations, run_datasets, runs, sites, tag_things
from alongside.hub.store.visibility import tag_names, visible
from alongside.spec.accounts import Caller
from alongside.spec.datasets import Dataset, Location
from alongside.spec.identifiers import Identifier
from alongside.spec.runs import State

SEARCH_TEXT_MAX = 20_000


def exists(tx: Tx, dataset_id: str) -> bool:
    return tx.execute(select(datasets.c.id).where(datasets.c.id == dataset_id)).first() is not None


def site_ids(tx: Tx, names: Iterable[str]) -> dict[str, str]:
    """Of these sites, by name, whoever may see them."""
    query = select(sites.c.name, sites.c.id).where(sites.c.name.in_(list(names)))
    return {row.name: row.id for row in tx.execute(query)}


def add(tx: Tx, dataset: Dataset, site_ids: Mapping[str, str]) -> None:
    """Insert a dataset with all it holds; `site_ids` maps the names of its locations' sites."""
    tx.execute(
        insert(datasets).values(
            id=dataset.id,
            title=dataset.title,
            description=dataset.description,
            creators=list(dataset.creators),
            metadata=dataset.metadata,
            may_leave=dataset.may_leave,
            search_text=_search_text(dataset),
            created_by=dataset.created_by,
            revision=dataset.revision,
            created_at=dataset.created_at,
            updated_at=dataset.updated_at,
        )
    )
    for identifier in dataset.identifiers:
        add_identifier(tx, dataset.id, identifier)
    for location in dataset.locations:
        add_location(tx, dataset.id, location, site_ids)


def find(tx: Tx, caller: Caller, dataset_id: str) -> Dataset | None:
    """A dataset, unless the caller may not see it."""
    query = select(datasets).where(datasets.c.id == dataset_id, visible("dataset", datasets.c.id, caller))
    return next(iter(_datasets(tx, tx.execute(query).all())), None)


def search(
    tx: Tx,
    caller: Caller,
    *,
    holding: Iterable[str] | None = None,
    words: Sequence[str] = (),
    site: str | None = None,
    after: str | None = None,
    limit: int,
) -> list[Dataset]:
    """Newest first: those with one of the identifiers `holding`, or with every word in their text."""
    query = select(datasets).where(visible("dataset", datasets.c.id, caller))
    if holding is not None:
        query = query.where(
            datasets.c.id.in_(select(identifiers.c.dataset_id).where(identifiers.c.value.in_(list(holding))))
        )
    for word in words:
        query = query.where(datasets.c.search_text.contains(word, autoescape=True))
    if site is not None:
        at_site = select(locations.c.dataset_id).join(sites, sites.c.id == locations.c.site_id)
        query = query.where(datasets.c.id.in_(at_site.where(sites.c.name == site)))
    if after is not None:
        query = query.where(datasets.c.id < after)
    return _datasets(tx, tx.execute(query.order_by(datasets.c.id.desc()).limit(limit)).all())


def holders(tx: Tx, values: Iterable[str]) -> dict[str, str]:
    """Which dataset each of these identifiers belongs to, whoever may see it."""
    query = select(identifiers.c.value, identifiers.c.dataset_id).where(identifiers.c.value.in_(list(values)))
    return {row.value: row.dataset_id for row in tx.execute(query)}


def similar(tx: Tx, caller: Caller, stem: str, limit: int) -> list[str]:
    """Identifiers that begin with `stem`, of datasets that the caller may see."""
    query = (
        select(identifiers.c.value)
        .where(
            identifiers.c.value.startswith(stem, autoescape=True),
            visible("dataset", identifiers.c.dataset_id, caller),
        )
        .order_by(identifiers.c.value)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def overlaps_hidden(tx: Tx, caller: Caller, site_id: str, path: str) -> bool:
    """Whether a dataset that the caller may not see is at `path` of this site, below it or above it."""
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(2, len(parts) + 1)]
    tagged = select(tag_things.c.thing_id).where(tag_things.c.kind == "dataset")
    query = select(locations.c.id).where(
        # Only tagged datasets can be hidden, and they are few: this keeps a large registry quick.
        locations.c.dataset_id.in_(tagged),
        locations.c.site_id == site_id,
        or_(locations.c.path.in_(above), locations.c.path.startswith(path + "/", autoescape=True)),
        not_(visible("dataset", locations.c.dataset_id, caller)),
    )
    return tx.execute(query.limit(1)).first() is not None


def seen(tx: Tx, caller: Caller, dataset_ids: Iterable[str]) -> set[str]:
    """Those of these datasets that the caller may see."""
    query = select(datasets.c.id).where(
        datasets.c.id.in_(list(dataset_ids)), visible("dataset", datasets.c.id, caller)
    )
    return set(tx.execute(query).scalars())


def change(tx: Tx, dataset: Dataset, now: datetime) -> None:
    """Write the members of a dataset that are not lists of others, as its next revision."""
    tx.execute(
        update(datasets)
        .where(datasets.c.id == dataset.id)
        .values(
            title=dataset.title,
            description=dataset.description,
            creators=list(dataset.creators),
            metadata=dataset.metadata,
            may_leave=dataset.may_leave,
            search_text=_search_text(dataset),
            revision=datasets.c.revision + 1,
            updated_at=now,
        )
    )


def add_identifier(tx: Tx, dataset_id: str, identifier: Identifier) -> None:
    tx.execute(
        insert(identifiers).values(
            value=identifier.value,
            scheme=identifier.scheme,
            display=identifier.display,
            position=_next_position(tx, identifiers, dataset_id),
            dataset_id=dataset_id,
        )
    )


def remove_identifier(tx: Tx, dataset_id: str, value: str) -> bool:
    gone = tx.execute(
        delete(identifiers).where(identifiers.c.dataset_id == dataset_id, identifiers.c.value == value)
    )
    return gone.rowcount > 0


def add_location(tx: Tx, dataset_id: str, location: Location, site_ids: Mapping[str, str]) -> None:
    tx.execute(
        insert(locations).values(
            id=location.id,
            dataset_id=dataset_id,
            site_id=site_ids[location.site] if location.site else None,
            kind=location.kind,
            path=location.path,
            url=location.url,
            size_bytes=location.size_bytes,
            sha256=location.sha256,
            position=_next_position(tx, locations, dataset_id),
        )
    )


def learn_size(tx: Tx, dataset_id: str, place: str, site: str | None, size_bytes: int) -> bool:
    """Note the size of what is at a path of a site; False where one is stated already.

    Not for addresses: a stated size limits what is downloaded from there, and what was measured once
    must not.
    """
    here = select(sites.c.id).where(sites.c.name == site).scalar_subquery()
    learned = tx.execute(
        update(locations)
        .where(
            locations.c.dataset_id == dataset_id,
            locations.c.size_bytes.is_(None),
            locations.c.path == place,
            locations.c.site_id == here,
        )
        .values(size_bytes=size_bytes)
    )
    return learned.rowcount > 0


def remove_location(tx: Tx, dataset_id: str, location_id: str) -> bool:
    gone = tx.execute(
        delete(locations).where(locations.c.dataset_id == dataset_id, locations.c.id == location_id)
    )
    return gone.rowcount > 0


def remove(tx: Tx, dataset_id: str) -> None:
    tx.execute(delete(datasets).where(datasets.c.id == dataset_id))


def runs_using(tx: Tx, dataset_id: str, states: Iterable[State]) -> dict[str, str]:
    """The runs in one of these states that have the dataset, and whose they are: id → account."""
    query = (
        select(runs.c.id, runs.c.account_id)
        .join(run_datasets, run_datasets.c.run_id == runs.c.id)
        .where(run_datasets.c.dataset_id == dataset_id, runs.c.state.in_(list(states)))
        .order_by(runs.c.id)
        .distinct()
    )
    return {row.id: row.account_id for row in tx.execute(query)}


def hidden_in_run(tx: Tx, caller: Caller, run_id: str) -> list[str]:
    """Names under data/ of a run's datasets that the caller may not see."""
    query = (
        select(run_datasets.c.name)
        .where(
            run_datasets.c.run_id == run_id,
            run_datasets.c.dataset_id.is_not(None),
            not_(visible("dataset", run_datasets.c.dataset_id, caller)),
        )
        .order_by(run_datasets.c.name)
    )
    return list(tx.execute(query).scalars())


def _next_position(tx: Tx, table: Any, dataset_id: str) -> int:
    last = tx.execute(select(func.max(table.c.position)).where(table.c.dataset_id == dataset_id)).scalar_one()
    return 0 if last is None else last + 1


def _search_text(dataset: Dataset) -> str:
    """What a person may type to find a dataset, in lower case."""
    parts = [dataset.title, dataset.description, *dataset.creators]
    for identifier in dataset.identifiers:
        parts += [identifier.value, identifier.display]
    for location in dataset.locations:
        parts.append(location.path or location.url or "")
    parts += [str(value) for value in dataset.metadata.values() if isinstance(value, str | int | float)]
    return "\n".join(parts).casefold()[:SEARCH_TEXT_MAX]


def _datasets(tx: Tx, rows: Sequence[Any]) -> list[Dataset]:
    ids = [row.id for row in rows]
    if not ids:
        return []
    named = _grouped(
        tx.execute(select(identifiers).where(_among(identifiers, ids)).order_by(identifiers.c.position)).all()
    )
    placed = _grouped(
        tx.execute(
            select(locations, sites.c.name.label("site"))
            .outerjoin(sites, sites.c.id == locations.c.site_id)
            .where(_among(locations, ids))
            .order_by(locations.c.position)
        ).all()
    )
    tagged = tag_names(tx, "dataset", ids)
    return [
        Dataset(
            id=row.id,
            title=row.title,
            identifiers=tuple(Identifier(item.scheme, item.value, item.display) for item in named[row.id]),
            locations=tuple(_location(item) for item in placed[row.id]),
            description=row.description,
            creators=tuple(row.creators),
            metadata=row._mapping["metadata"],
            tags=tagged.get(row.id, ()),
            may_leave=row.may_leave,
            created_by=row.created_by,
            created_at=row.created_at,
            updated_at=row.updated_at,
            revision=row.revision,
        )
        for row in rows
    ]


def _among(table: Any, ids: Sequence[str]) -> ColumnElement[bool]:
    return and_(table.c.dataset_id.in_(ids))


def _grouped(rows: Sequence[Any]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.dataset_id].append(row)
    return groups


def _location(row: Any) -> Location:
    return Location(
        id=row.id,
        kind=row.kind,
        site=row.site,
        path=row.path,
        url=row.url,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
    )
