"""Doors for datasets: register, find, edit, and ask where one is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import datasets, resolver, sites
from alongside.hub.api.guard import caller, door, given, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec import datasets as spec
from alongside.spec.accounts import Caller

doors = APIBlueprint("datasets", __name__, tag="Datasets")

SITES_SHOWN = 1000


@dataclass(frozen=True)
class Dataset(spec.Dataset):
    """A dataset; `size_bytes` is the largest size that any of its locations states."""

    size_bytes: int | None = None  # type: ignore[assignment]  # a property of the value, a member of its JSON


@values.strict
@dataclass(frozen=True)
class NewLocation(spec.NewLocation):
    """A path at a site, or a url."""


@values.strict
@dataclass(frozen=True)
class NewDataset(spec.NewDataset):
    """Without an identifier it gets one of this hub: `local:…`."""

    locations: tuple[NewLocation, ...]


@values.strict
@dataclass(frozen=True)
class DatasetEdit:
    """Members that are left out stay as they are."""

    title: str | None = None
    description: str | None = None
    creators: tuple[str, ...] | None = None
    metadata: dict[str, Any] | None = None
    tags: tuple[str, ...] | None = None
    may_leave: bool | None = None


@dataclass(frozen=True)
class DatasetQuery(Paging):
    #: words, or an identifier in any form
    q: Annotated[str | None, Field(max_length=2000)] = None
    #: only datasets with a location at this site
    site: Annotated[str | None, Field(max_length=128)] = None


@dataclass(frozen=True)
class ResolveQuery:
    id: Annotated[str, Field(max_length=4000)]


@dataclass(frozen=True)
class Resolved:
    dataset: Dataset
    #: those that hold the dataset first
    sites: tuple[resolver.Whereabouts, ...]


@door(doors, "GET", "/datasets", query=DatasetQuery, answers={200: Page[Dataset]})
def list_datasets(tx: Tx, query: DatasetQuery) -> Page[Dataset]:
    """Datasets that I may see, newest first; `q` takes words or an identifier in any form."""
    found = datasets.search(tx, caller(), text=query.q, site=query.site, after=query.after, limit=query.fetch)
    return query.page([_shown(item) for item in found], lambda item: item.id)


@door(
    doors,
    "POST",
    "/datasets",
    needs="publish",
    body=NewDataset,
    answers={201: Dataset},
    problems=(errors.IdentifierTaken,),
)
def register_dataset(tx: Tx, body: NewDataset) -> Dataset:
    """Register a dataset where its files are; nothing is copied."""
    return _shown(datasets.register(tx, caller(), body, hub().clock()))


@door(doors, "GET", "/datasets/<dataset_id>", answers={200: Dataset}, problems=(errors.DatasetUnknown,))
def get_dataset(tx: Tx, dataset_id: str) -> Dataset:
    """One dataset with its identifiers and locations."""
    return _shown(datasets.get(tx, caller(), dataset_id))


@door(
    doors,
    "PATCH",
    "/datasets/<dataset_id>",
    needs="publish",
    body=DatasetEdit,
    if_match=True,
    answers={200: Dataset},
    problems=(errors.DatasetUnknown,),
)
def edit_dataset(tx: Tx, dataset_id: str, body: DatasetEdit, revision: int) -> Dataset:
    """Change what is said about a dataset."""
    members = {name: value for name, value in given(body).items() if value is not None}
    return _shown(datasets.edit(tx, caller(), dataset_id, members, revision, hub().clock()))


@door(
    doors,
    "DELETE",
    "/datasets/<dataset_id>",
    needs="publish",
    answers={204: None},
    problems=(errors.DatasetUnknown, errors.InUse),
)
def delete_dataset(tx: Tx, dataset_id: str) -> None:
    """Forget a dataset; its files stay where they are."""
    datasets.delete(tx, caller(), dataset_id)


@door(
    doors,
    "POST",
    "/datasets/<dataset_id>/locations",
    needs="publish",
    body=NewLocation,
    answers={201: Dataset},
    problems=(errors.DatasetUnknown,),
)
def add_location(tx: Tx, dataset_id: str, body: NewLocation) -> Dataset:
    """Say where else a dataset is; the same place again replaces what was said about it."""
    return _shown(datasets.add_location(tx, caller(), dataset_id, body, hub().clock()))


@door(
    doors,
    "DELETE",
    "/datasets/<dataset_id>/locations/<location_id>",
    needs="publish",
    answers={200: Dataset},
    problems=(errors.DatasetUnknown, errors.LocationUnknown),
)
def remove_location(tx: Tx, dataset_id: str, location_id: str) -> Dataset:
    """Say that a dataset is no longer there."""
    return _shown(datasets.remove_location(tx, caller(), dataset_id, location_id, hub().clock()))


@door(
    doors,
    "PUT",
    "/datasets/<dataset_id>/identifiers/<path:identifier>",
    needs="publish",
    answers={200: Dataset},
    problems=(errors.DatasetUnknown, errors.IdentifierTaken),
)
def add_identifier(tx: Tx, dataset_id: str, identifier: str) -> Dataset:
    """Give a dataset one more identifier, in any form."""
    return _shown(datasets.add_identifier(tx, caller(), dataset_id, identifier, hub().clock()))


@door(
    doors,
    "DELETE",
    "/datasets/<dataset_id>/identifiers/<path:identifier>",
    needs="publish",
    answers={200: Dataset},
    problems=(errors.DatasetUnknown, errors.IdentifierUnknown, errors.InUse),
)
def remove_identifier(tx: Tx, dataset_id: str, identifier: str) -> Dataset:
    """Take an identifier away from a dataset; not its last one."""
    return _shown(datasets.remove_identifier(tx, caller(), dataset_id, identifier, hub().clock()))


@door(
    doors,
    "GET",
    "/resolve",
    query=ResolveQuery,
    answers={200: Resolved},
    problems=(errors.IdentifierUnknown, errors.DatasetUnknown),
)
def resolve_identifier(tx: Tx, query: ResolveQuery) -> Resolved:
    """The dataset that an identifier in any form names, and the sites that hold it."""
    who: Caller = caller()
    found = resolver.resolve(tx, who, query.id)
    return Resolved(_shown(found), resolver.whereabouts(found, sites.page(tx, None, SITES_SHOWN, who)))


def _shown(dataset: spec.Dataset) -> Dataset:
    members = {item.name: getattr(dataset, item.name) for item in fields(spec.Dataset)}
    return Dataset(**members, size_bytes=dataset.size_bytes)
