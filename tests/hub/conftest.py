"""Fixtures.

postgres         a PostgreSQL cluster of this session
database         an empty, migrated store; each test runs on SQLite and on PostgreSQL
sqlite_database  the same, on SQLite alone
clock            a clock moved by hand
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alongside.hub.store import migrate
from alongside.hub.store.database import Database
from support import postgres as support
from support.clocks import Clock


@pytest.fixture(scope="session")
def postgres() -> Iterator[support.Postgres]:
    with support.running() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_template(postgres: support.Postgres) -> str:
    """A migrated database to copy: far quicker than migrating one for each test."""
    url = postgres.new_database()
    migrate.migrate(url)
    return url.rpartition("/")[2]


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    migrate.upgrade(database)
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_database")
        return
    cluster: support.Postgres = request.getfixturevalue("postgres")
    database = Database(cluster.new_database(request.getfixturevalue("postgres_template")))
    yield database
    database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()
