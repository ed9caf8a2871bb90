"""Connections and transactions; on SQLite, writers of different processes take turns.

Without the turnstile `busy_timeout` lets a saturated dispatcher starve the hub's writers for seconds.
With it each writer waits for `turn`, then for `write`, and frees `turn` for the next in line.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from alongside.errors import Unavailable

Tx = Connection
"""A transaction, as rooms see it: they add statements, their caller commits."""

#: of PostgreSQL's advisory lock that writers take; any number that nobody else uses
WRITE_KEY = 0x616C6F6E6701

MAX_ROWS = 500
"""Most rows that one write transaction changes."""


class Database:
    """One process's way to the store.

    `read()` gives a snapshot, `write()` a transaction that holds the write lock from its first
    statement (`BEGIN IMMEDIATE`), so that a check and its write are one.
    Safe to use from several threads; not across a fork.
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 8}
        # Several times faster than the standard library's.
        options["json_deserializer"] = from_json
        if self.is_sqlite:
            options["connect_args"] = {"check_same_thread": False, "timeout": 30.0}
        else:
            options["pool_pre_ping"] = True
        self.engine: Engine = create_engine(url, **options)
        self._turnstile = (
            _Turnstile(Path(self.engine.url.database or "hub.sqlite")) if self.is_sqlite else None
        )
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A read transaction: everything inside sees one state of the database."""
        with _answering(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A write transaction; commits at the end of the block, rolls back when it raises."""
        with _answering():
            if self._turnstile is None:
                with self.engine.begin() as connection:
                    # One writer at a time here too: rooms check and write without thinking of races.
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITE_KEY})
                    yield connection
                return
            with self._turnstile.held(), self._connected_to_write() as connection:
                yield connection

    @contextmanager
    def _connected_to_write(self) -> Iterator[Tx]:
        with self.engine.connect() as connection:
            connection = connection.execution_options(alongside_write=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _answering() -> Iterator[None]:
    """A database that does not answer is a state of the installation, not a fault of the request."""
    try:
        yield
    except OperationalError as error:
        raise Unavailable(f"The database does not answer: {error.orig}") from error


class _Turnstile:
    """Two file locks that make writers of one or several processes take turns in order."""

    def __init__(self, database: Path) -> None:
        self._turn = database.with_name(database.name + ".turn")
        self._write = database.with_name(database.name + ".write")
        #: flock belongs to an open file, so threads of one process need a lock of their own
        self._mutex = threading.Lock()
        self._files: tuple[int, int] | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._mutex:
            turn, write = self._open()
            fcntl.flock(turn, fcntl.LOCK_EX)
            try:
                fcntl.flock(write, fcntl.LOCK_EX)
            finally:
                fcntl.flock(turn, fcntl.LOCK_UN)
            try:
                yield
            finally:
                fcntl.flock(write, fcntl.LOCK_UN)

    def _open(self) -> tuple[int, int]:
        if self._files is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._files = (os.open(self._turn, flags, 0o600), os.open(self._write, flags, 0o600))
        return self._files


def _prepare_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    # SQLAlchemy's own begin event decides about BEGIN; the driver must not start transactions itself.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("alongside_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
