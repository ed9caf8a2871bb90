"""Datasets: identifiers, metadata and the places where the bytes are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from alongside.errors import Fault
from alongside.spec.identifiers import Identifier

LocationKind = Literal["file", "folder"]

PATH_MAX = 4096


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


@dataclass(frozen=True)
class NewLocation:
    """A place as its registrar states it: a path at a site, or a URL."""

    site: str | None = None
    path: str | None = None
    url: str | None = None
    #: None is told from the path: a name with a suffix is a file, a URL always is
    kind: LocationKind | None = None
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class NewDataset:
    """What it takes to register a dataset; without an identifier it gets a `local:` one."""

    locations: tuple[NewLocation, ...]
    identifiers: tuple[str, ...] = ()
    #: None takes the first identifier, or the name of the file or folder
    title: str | None = None
    description: str = ""
    creators: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    #: names of access tags
    tags: tuple[str, ...] = ()
    may_leave: bool = False


def kind_of(place: NewLocation) -> LocationKind:
    """Whether a place is a file or a folder, as far as its name tells."""
    if place.kind is not None:
        return place.kind
    if place.url is not None:
        return "file"
    name = (place.path or "").rpartition("/")[2]
    return "file" if "." in name.strip(".") else "folder"


def location_faults(place: NewLocation) -> Iterator[Fault]:
    """What is wrong with a stated place, whatever sites there are."""
    if (place.url is None) == (place.path is None):
        yield Fault("", "give either a path at a site or a url")
    if place.path is not None:
        if place.site is None:
            yield Fault("site", "say which site holds the path")
        if not place.path.startswith("/") or not place.path.strip("/"):
            yield Fault("path", "must be an absolute path below the root folder")
        elif any(part in {".", ".."} for part in place.path.split("/")):
            yield Fault("path", "must not contain . or .. as a part")
        if not place.path.isprintable() or len(place.path) > PATH_MAX:
            yield Fault("path", f"must be at most {PATH_MAX} printable characters")
    if place.url is not None:
        if place.site is not None:
            yield Fault("site", "a url is not at a site")
        if place.kind == "folder":
            yield Fault("kind", "a url is a single file")
        yield from _url_faults(place.url)
    if place.size_bytes is not None and not 0 <= place.size_bytes < 2**63:
        yield Fault("size_bytes", "must be from 0 to 2^63 - 1")
    if place.sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", place.sha256):
        yield Fault("sha256", "must be 64 lower-case hexadecimal digits")


def _url_faults(url: str) -> Iterator[Fault]:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        yield Fault("url", f"is not a web address: {error}")
        return
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        yield Fault("url", "must start with http:// or https:// and a host name")
    if parts.username is not None or parts.password is not None:
        yield Fault("url", "must not hold a user name or password")
    if len(url) > PATH_MAX or not url.isprintable() or " " in url:
        yield Fault("url", f"must be at most {PATH_MAX} printable characters without spaces")
