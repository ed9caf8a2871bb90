"""The edge's memory on the site's disk: one small file per run, so that a change is one rename."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from alongside import values
from alongside.errors import Invalid
from alongside.spec.ids import is_ulid

log = structlog.get_logger("edge")


@dataclass(frozen=True)
class Secret:
    """A capability that was handed out; only its hash is kept."""

    digest: str
    grantee: str
    #: Unix seconds; moves on while the grantee uses the run
    expires_at: float


@dataclass(frozen=True)
class Route:
    """What the edge knows about one run."""

    run: str
    #: empty while the run is stopped and its secrets are kept for the next start
    address: str = ""
    open_path: str = "/"
    secrets: tuple[Secret, ...] = ()
    #: slot per grantee; the key "" is the slot reserved for the first one
    slots: dict[str, int] = field(default_factory=dict)
    #: grantee ("" for everybody) to the Unix second up to which issued tickets are void
    revoked: dict[str, float] = field(default_factory=dict)


class RouteFiles:
    """`<folder>/<run>.json` for every run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read(self) -> Iterator[Route]:
        """Every route on disk; a damaged file is set aside and said, never fatal for the others."""
        for path in sorted(self._folder.glob("*.json")):
            if not is_ulid(path.stem):
                continue
            try:
                yield values.load_json(Route, path.read_bytes())
            except Invalid as error:
                log.error("route file is damaged and set aside", path=str(path), why=error.detail)
                path.rename(path.with_suffix(".damaged"))

    def write(self, route: Route) -> None:
        replace_file(self._folder / f"{route.run}.json", values.dump_json(route))

    def remove(self, run: str) -> None:
        (self._folder / f"{run}.json").unlink(missing_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that a crash leaves the old contents or the new ones, readable by us only."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
