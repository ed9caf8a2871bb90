"""A hub over a fresh database, on a clock that only moves when it is told to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alongside.config import Config, DispatcherSettings
from alongside.hub import keyring
from alongside.hub.accounts import Passwords
from alongside.hub.doors import Hub
from alongside.hub.store import migrate
from alongside.hub.store.database import Database

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class Clock:
    """A wall clock and a monotonic one. `pass_s` moves both; `step` sets the wall clock alone."""

    def __init__(self, start: datetime = START) -> None:
        self.wall = start
        self.monotonic = 1000.0

    def __call__(self) -> datetime:
        return self.wall

    def pass_s(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic += seconds

    def step(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)


def make_hub(folder: Path, clock: Any = None, *, database: Database | None = None, **dispatcher: Any) -> Hub:
    """A hub in `folder`, over a migrated database or one made there; keywords are dispatcher settings."""
    settings = replace(
        DispatcherSettings(port=0, lease_ttl_s=2.0, sync_every_s=0.5, wait_s=0.5, unreachable_grace_s=10.0),
        **dispatcher,
    )
    config = Config(data_dir=folder, dispatcher=settings)
    folder.mkdir(parents=True, exist_ok=True)
    if database is None:
        database = Database(config.database_url)
        migrate.upgrade(database)
    return Hub(
        config=config,
        database=database,
        clock=clock or (lambda: datetime.now(UTC)),
        keyring=keyring.opened(folder / "keys"),
        passwords=Passwords(),
    )
