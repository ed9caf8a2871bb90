"""Datasets: identifiers, metadata and the places where the bytes are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from alongside.spec.identifiers import Identifier

LocationKind = Literal["file", "folder"]


@dataclass(frozen=True)
class Location:
    """Where a dataset's bytes are: a path at a site, or a URL that anyone may fetch."""

    id: str
    kind: LocationKind
    #: name of the site that holds `path`; None for a URL
    site: str | None = None
    path: str | None = None
    url: str | None = None
    size_bytes: int | None = None
    #: lower-case hexadecimal SHA-256 of a single file
    sha256: str | None = None


@dataclass(frozen=True)
class Dataset:
    id: str
    title: str
    identifiers: tuple[Identifier, ...]
    locations: tuple[Location, ...]
    description: str = ""
    creators: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    #: whether the bytes may be copied to a site that does not hold them
    may_leave: bool = False
    created_by: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    #: grows with each edit; the ETag
    revision: int = 1

    @property
    def size_bytes(self) -> int | None:
        """The largest size any location states."""
        sizes = [location.size_bytes for location in self.locations if location.size_bytes]
        return max(sizes, default=None)
