"""From an identifier in any form to the dataset it names, and to the sites that hold it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from alongside.errors import DatasetUnknown, IdentifierUnknown, Invalid
from alongside.hub.store import datasets as store
from alongside.hub.store.database import Tx
from alongside.spec import identifiers
from alongside.spec.accounts import Caller
from alongside.spec.datasets import Dataset
from alongside.spec.identifiers import Identifier
from alongside.spec.ids import is_ulid
from alongside.spec.sites import Site

NEAR_SHOWN = 3
NEAR_LOOKED_AT = 500
#: how alike two identifiers are before one is offered for the other (difflib's ratio)
NEAR_CUTOFF = 0.85


@dataclass(frozen=True)
class Whereabouts:
    """One site, as the holder of a dataset and as a place to run."""

    site: str
    #: a location of the dataset is at this site
    path_known: bool
    #: a runner of this site answers
    online: bool
    runners: int


def resolve(tx: Tx, caller: Caller, text: str, *, field: str = "id") -> Dataset:
    """The dataset that `text` names: an identifier in any form, or a dataset's own id.

    Raises:
        Invalid: the identifier is malformed; `field` is the path of the fault.
        IdentifierUnknown: nothing is registered under it, or nothing that the caller may see.
        DatasetUnknown: the same for a dataset's own id.
    """
    own_id = text.strip().lower()
    if is_ulid(own_id):
        found = store.find(tx, caller, own_id)
        if found is None:
            raise DatasetUnknown(f"no dataset has the id {own_id}")
        return found
    identifier = identifiers.parse(text, field=field)
    matches = store.search(tx, caller, holding=[identifier.value], limit=1)
    if not matches:
        near = _near(tx, caller, identifier)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise IdentifierUnknown(
            f"no dataset is registered under {identifier.value}{hint}", identifier=identifier.value, near=near
        )
    return matches[0]


def read(text: str) -> Identifier | None:
    """The identifier in what may as well be the words of a search."""
    try:
        return identifiers.parse(text)
    except Invalid:
        return None


def whereabouts(dataset: Dataset, sites: Iterable[Site]) -> tuple[Whereabouts, ...]:
    """Every site that the caller sees, those that hold the dataset first."""
    holding = {location.site for location in dataset.locations if location.site}
    found = [
        Whereabouts(
            site.name,
            site.name in holding,
            any(runner.state == "online" for runner in site.runners),
            len(site.runners),
        )
        for site in sites
    ]
    return tuple(sorted(found, key=lambda item: (not item.path_known, not item.online, item.site)))


def _near(tx: Tx, caller: Caller, identifier: Identifier) -> list[str]:
    """Registered identifiers that are a slip of the pen away from this one."""
    value = identifier.value
    scheme = len(identifier.scheme) + 1 if value.startswith(identifier.scheme + ":") else 0
    candidates: set[str] = set()
    # A long common beginning keeps the slips in the tail in view however many share the prefix.
    for length in (scheme + (len(value) - scheme) * 3 // 4, max(value.find("/") + 1, scheme)):
        if length > scheme:
            candidates.update(store.similar(tx, caller, value[:length], NEAR_LOOKED_AT))
    return difflib.get_close_matches(value, sorted(candidates), n=NEAR_SHOWN, cutoff=NEAR_CUTOFF)
