"""Datasets: registered once, found by any form of any of their identifiers, kept where they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from alongside.errors import (
    DatasetUnknown,
    EditConflict,
    Fault,
    Forbidden,
    IdentifierTaken,
    IdentifierUnknown,
    InUse,
    Invalid,
    LocationUnknown,
)
from alongside.hub import resolver
from alongside.hub.store import changes, visibility
from alongside.hub.store import datasets as store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.spec import identifiers
from alongside.spec.accounts import Caller
from alongside.spec.datasets import Dataset, Location, NewDataset, NewLocation, kind_of, location_faults
from alongside.spec.identifiers import Identifier
from alongside.spec.runs import ACTIVE

TITLE_MAX = 500
DESCRIPTION_MAX = 50_000
METADATA_MAX_BYTES = 100_000
LIST_MAX = 100


def register(tx: Tx, caller: Caller, new: NewDataset, now: datetime) -> Dataset:
    """Make a dataset known; without an identifier it gets `local:<its id>`.

    Raises:
        Invalid: naming every fault at once.
        IdentifierTaken: an identifier belongs to another dataset.
        Forbidden: a path overlaps data that the caller may not see.
    """
    faults: list[Fault] = []
    key = new_id(now)
    named = _identifiers(new.identifiers, faults)
    places, site_ids = _places(tx, caller, new.locations, now, faults)
    if not new.locations:
        faults.append(Fault("locations", "give at least one path at a site, or a url"))
    dataset = Dataset(
        id=key,
        title=(_title(new, named) if new.title is None else new.title).strip(),
        identifiers=named or (identifiers.parse(f"local:{key}"),),
        locations=places,
        description=new.description,
        creators=new.creators,
        metadata=new.metadata,
        tags=tuple(sorted(set(new.tags))),
        may_leave=new.may_leave,
        created_by=caller.account.id,
        created_at=now,
        updated_at=now,
    )
    faults += _member_faults(dataset)
    faults += _tag_faults(tx, caller, dataset.tags)
    if faults:
        raise Invalid(faults)
    _refuse_taken(tx, caller, dataset.identifiers, key)
    _refuse_hidden(tx, caller, places, site_ids)
    store.add(tx, dataset, site_ids)
    visibility.put_tags(tx, "dataset", key, dataset.tags)
    changes.note(tx, "dataset", key)
    return dataset


def check_new(tx: Tx, caller: Caller, dataset: Dataset, faults: list[Fault]) -> None:
    """Whether a dataset that is still being made can be registered, beside the faults known so far.

    Raises:
        Invalid, IdentifierTaken
    """
    faults += _member_faults(dataset)
    faults += _tag_faults(tx, caller, dataset.tags)
    if faults:
        raise Invalid(faults)
    _refuse_taken(tx, caller, dataset.identifiers, dataset.id)


def add_sealed(tx: Tx, dataset: Dataset) -> bool:
    """Register what a site made; its account may see it. False if an identifier was taken meanwhile."""
    if store.exists(tx, dataset.id):
        return True
    if store.holders(tx, [identifier.value for identifier in dataset.identifiers]):
        return False
    site_ids = store.site_ids(tx, [place.site for place in dataset.locations if place.site])
    store.add(tx, dataset, site_ids)
    visibility.put_tags(tx, "dataset", dataset.id, dataset.tags)
    changes.note(tx, "dataset", dataset.id)
    return True


def get(tx: Tx, caller: Caller, dataset_id: str) -> Dataset:
    """
    Raises:
        DatasetUnknown: there is none, or the caller may not see it.
    """
    found = store.find(tx, caller, dataset_id)
    if found is None:
        raise DatasetUnknown(f"no dataset has the id {dataset_id}")
    return found


def search(
    tx: Tx,
    caller: Caller,
    *,
    text: str | None = None,
    site: str | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[Dataset]:
    """Newest first. `text` is an identifier in any form, part of one, or words; all words must occur."""
    words = (text or "").split()
    identifier = resolver.read(text or "")
    if identifier is not None:
        exact = store.search(tx, caller, holding=[identifier.value], site=site, after=after, limit=limit)
        if exact:
            return exact
        # Typed so far, an identifier is the beginning of many: its canonical form is in their text.
        begun = store.search(
            tx, caller, words=[identifier.value.casefold()], site=site, after=after, limit=limit
        )
        if begun:
            return begun
    return store.search(
        tx, caller, words=[word.casefold() for word in words], site=site, after=after, limit=limit
    )


def edit(
    tx: Tx, caller: Caller, dataset_id: str, members: dict[str, Any], revision: int, now: datetime
) -> Dataset:
    """Change title, description, creators, metadata, tags or may_leave.

    Raises:
        EditConflict: it is no longer at `revision`.
        Invalid, DatasetUnknown, Forbidden.
    """
    found = _own(tx, caller, dataset_id)
    if found.revision != revision:
        raise EditConflict(f"you read revision {revision}, it is now at {found.revision}")
    changed = replace(found, **members)
    faults = [
        *_member_faults(changed),
        *(_tag_faults(tx, caller, set(changed.tags) - set(found.tags)) if "tags" in members else ()),
    ]
    if not caller.is_admin and not set(found.tags) <= set(changed.tags):
        faults.append(Fault("tags", "only an administrator takes tags away"))
    if faults:
        raise Invalid(faults)
    if "tags" in members:
        visibility.put_tags(tx, "dataset", dataset_id, changed.tags)
    return _rewritten(tx, caller, changed, now)


def add_location(tx: Tx, caller: Caller, dataset_id: str, new: NewLocation, now: datetime) -> Dataset:
    found = _own(tx, caller, dataset_id)
    faults: list[Fault] = []
    places, site_ids = _places(tx, caller, (new,), now, faults)
    faults = [Fault(fault.field.removeprefix("locations[0]").lstrip("."), fault.reason) for fault in faults]
    if len(found.locations) >= LIST_MAX:
        faults.append(Fault("", f"a dataset has at most {LIST_MAX} locations"))
    if faults:
        raise Invalid(faults)
    _refuse_hidden(tx, caller, places, site_ids)
    known = next((item for item in found.locations if _same_place(item, places[0])), None)
    if known is not None:
        store.remove_location(tx, dataset_id, known.id)
        places = (replace(places[0], id=known.id),)
    store.add_location(tx, dataset_id, places[0], site_ids)
    return _rewritten(tx, caller, get(tx, caller, dataset_id), now)


def remove_location(tx: Tx, caller: Caller, dataset_id: str, location_id: str, now: datetime) -> Dataset:
    _own(tx, caller, dataset_id)
    if not store.remove_location(tx, dataset_id, location_id):
        raise LocationUnknown(f"this dataset has no location {location_id}")
    return _rewritten(tx, caller, get(tx, caller, dataset_id), now)


def add_identifier(tx: Tx, caller: Caller, dataset_id: str, text: str, now: datetime) -> Dataset:
    """Give the dataset one more identifier; nothing happens when it has it already."""
    found = _own(tx, caller, dataset_id)
    identifier = identifiers.parse(text)
    if identifier in found.identifiers:
        return found
    if len(found.identifiers) >= LIST_MAX:
        raise Invalid([Fault("identifier", f"a dataset has at most {LIST_MAX} identifiers")])
    _refuse_taken(tx, caller, (identifier,), dataset_id)
    store.add_identifier(tx, dataset_id, identifier)
    return _rewritten(tx, caller, get(tx, caller, dataset_id), now)


def remove_identifier(tx: Tx, caller: Caller, dataset_id: str, text: str, now: datetime) -> Dataset:
    """
    Raises:
        InUse: it is the last one; a dataset without an identifier could not be asked for.
    """
    found = _own(tx, caller, dataset_id)
    identifier = identifiers.parse(text)
    if identifier not in found.identifiers:
        raise IdentifierUnknown(f"this dataset does not have the identifier {identifier.value}")
    if len(found.identifiers) == 1:
        raise InUse(f"{identifier.value} is the dataset's only identifier; add another one first")
    store.remove_identifier(tx, dataset_id, identifier.value)
    return _rewritten(tx, caller, get(tx, caller, dataset_id), now)


def delete(tx: Tx, caller: Caller, dataset_id: str) -> None:
    """Forget a dataset; its files stay where they are.

    Raises:
        InUse: runs that wait or run have it.
    """
    found = _own(tx, caller, dataset_id)
    users = store.runs_using(tx, dataset_id, ACTIVE)
    if users:
        who = "one run still uses" if len(users) == 1 else f"{len(users)} runs still use"
        named = [run for run, owner in users.items() if caller.is_admin or owner == caller.account.id]
        raise InUse(f"{who} {found.title!r}; stop what runs first", runs=named)
    visibility.put_tags(tx, "dataset", dataset_id, ())
    store.remove(tx, dataset_id)
    changes.note(tx, "dataset", dataset_id)


def _own(tx: Tx, caller: Caller, dataset_id: str) -> Dataset:
    found = get(tx, caller, dataset_id)
    if not caller.is_admin and found.created_by != caller.account.id:
        raise Forbidden("only the account that registered this dataset, or an administrator, changes it")
    return found


def _rewritten(tx: Tx, caller: Caller, dataset: Dataset, now: datetime) -> Dataset:
    store.change(tx, dataset, now)
    changes.note(tx, "dataset", dataset.id)
    return get(tx, caller, dataset.id)


def _identifiers(texts: Sequence[str], faults: list[Fault]) -> tuple[Identifier, ...]:
    found: dict[str, Identifier] = {}
    for index, text in enumerate(texts):
        try:
            identifier = identifiers.parse(text, field=f"identifiers[{index}]")
        except Invalid as error:
            faults += error.faults
            continue
        if identifier.scheme == "local":
            faults.append(Fault(f"identifiers[{index}]", "local: identifiers are given by this hub"))
        found.setdefault(identifier.value, identifier)
    return tuple(found.values())


def _places(
    tx: Tx, caller: Caller, stated: Sequence[NewLocation], now: datetime, faults: list[Fault]
) -> tuple[tuple[Location, ...], dict[str, str]]:
    """Locations as they will be stored, and the ids of their sites by name."""
    site_ids = visibility.visible_sites(tx, caller, {place.site for place in stated if place.site})
    found: list[Location] = []
    for index, place in enumerate(stated):
        where = f"locations[{index}]"
        wrong = list(location_faults(place))
        if place.site is not None and place.site not in site_ids:
            wrong.append(Fault("site", f"there is no site {place.site!r}"))
        faults += (Fault(f"{where}.{fault.field}".rstrip("."), fault.reason) for fault in wrong)
        if not wrong:
            found.append(
                Location(
                    id=new_id(now),
                    kind=kind_of(place),
                    site=place.site,
                    path=None if place.path is None else _plain(place.path),
                    url=place.url,
                    size_bytes=place.size_bytes,
                    sha256=place.sha256,
                )
            )
    return tuple(found), site_ids


def _plain(path: str) -> str:
    return re.sub("/+", "/", path).rstrip("/")


def _title(new: NewDataset, named: Sequence[Identifier]) -> str:
    if named:
        return named[0].value
    for place in new.locations:
        text = place.path or unquote(urlsplit(place.url or "").path)
        name = PurePosixPath(text).name
        if name:
            return name
    return "Untitled dataset"


def _member_faults(dataset: Dataset) -> Iterable[Fault]:
    if not dataset.title.strip() or len(dataset.title) > TITLE_MAX:
        yield Fault("title", f"must have 1 to {TITLE_MAX} characters")
    if len(dataset.description) > DESCRIPTION_MAX:
        yield Fault("description", f"must have at most {DESCRIPTION_MAX} characters")
    if len(dataset.creators) > LIST_MAX or any(len(name) > TITLE_MAX for name in dataset.creators):
        yield Fault("creators", f"at most {LIST_MAX} names of at most {TITLE_MAX} characters")
    if len(json.dumps(dataset.metadata)) > METADATA_MAX_BYTES:
        yield Fault("metadata", f"must have at most {METADATA_MAX_BYTES} bytes as JSON")
    for name in ("identifiers", "locations"):
        if len(getattr(dataset, name)) > LIST_MAX:
            yield Fault(name, f"at most {LIST_MAX}")


def _tag_faults(tx: Tx, caller: Caller, names: Iterable[str]) -> Iterable[Fault]:
    # Whoever puts a tag on a thing decides who sees it: only holders of the tag may.
    wanted = set(names)
    known = visibility.existing_tags(tx, wanted)
    for name in sorted(wanted):
        if name not in known or not (caller.is_admin or name in caller.tags):
            yield Fault("tags", f"there is no access tag {name!r} that you hold")


def _refuse_taken(tx: Tx, caller: Caller, named: Sequence[Identifier], dataset_id: str) -> None:
    holders = store.holders(tx, [identifier.value for identifier in named])
    taken = {value: holder for value, holder in holders.items() if holder != dataset_id}
    if not taken:
        return
    shown = store.seen(tx, caller, taken.values())
    value, holder = next(iter(taken.items()))
    raise IdentifierTaken(
        f"{value} is already registered for another dataset",
        identifiers=sorted(taken),
        **({"dataset": holder} if holder in shown else {}),
    )


def _refuse_hidden(tx: Tx, caller: Caller, places: Sequence[Location], site_ids: dict[str, str]) -> None:
    """Without this, registering a restricted folder anew would open it to everybody."""
    for place in places:
        if place.site is None or place.path is None:
            continue
        if store.overlaps_hidden(tx, caller, site_ids[place.site], place.path):
            raise Forbidden(f"{place.path} at {place.site} overlaps data that you may not see")


def _same_place(one: Location, other: Location) -> bool:
    return (one.site, one.path, one.url) == (other.site, other.path, other.url)
