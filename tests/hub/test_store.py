"""The store itself: transactions, writers that take turns, schema and its history."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import func, insert, select

from alongside.errors import Conflict, IdempotencyMismatch, Misconfigured, Unavailable
from alongside.hub import accounts, retries
from alongside.hub.store import migrate, schema
from alongside.hub.store.database import Database
from support import postgres as support
from support.clocks import Clock

FIXTURES = Path(__file__).parent / "fixtures"

WRITER = """
import sys, time
from datetime import UTC, datetime
from alongside.hub.store import changes
from alongside.hub.store.database import Database
database, times = Database(sys.argv[1]), []
for number in range(int(sys.argv[2])):
    begun = time.perf_counter()
    with database.write() as tx:
        changes.note(tx, "run", f"{sys.argv[3]}-{number}")
    times.append(time.perf_counter() - begun)
print(sorted(times)[int(len(times) * 0.99)])
"""


Opener = Callable[[str], Database]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Opens databases, and closes them at the end."""
    with ExitStack() as stack:

        def open_(url: str) -> Database:
            database = Database(url)
            stack.callback(database.close)
            return database

        yield open_


def count(database: Database) -> int:
    with database.read() as tx:
        return tx.execute(select(func.count()).select_from(schema.changes)).scalar_one()


def test_a_write_that_raises_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(sqlalchemy.exc.IntegrityError), database.write() as tx:
        tx.execute(insert(schema.changes), [{"seq": 1, "kind": "run", "key": "x"}] * 2)
    assert count(database) == 0


def test_a_reader_sees_one_state_while_others_write(database: Database) -> None:
    with database.read() as tx:
        before = tx.execute(select(func.count()).select_from(schema.changes)).scalar_one()
        with database.write() as other:
            other.execute(insert(schema.changes).values(kind="run", key="x"))
        assert tx.execute(select(func.count()).select_from(schema.changes)).scalar_one() == before
    assert count(database) == before + 1


def test_a_check_and_its_write_are_one(database: Database) -> None:
    """Eight threads that each add a row if there are fewer than three: three rows."""

    def add() -> None:
        with database.write() as tx:
            if tx.execute(select(func.count()).select_from(schema.changes)).scalar_one() < 3:
                time.sleep(0.01)
                tx.execute(insert(schema.changes).values(kind="run", key="x"))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(database) == 3


def test_four_processes_write_without_an_error(sqlite_database: Database) -> None:
    each = 150
    arguments = [sys.executable, "-W", "error", "-c", WRITER, sqlite_database.url, str(each)]
    writers = [
        subprocess.Popen([*arguments, str(number)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    answers = [writer.communicate(timeout=100) for writer in writers]
    assert [(writer.returncode, errors) for writer, (_, errors) in zip(writers, answers, strict=True)] == [
        (0, "")
    ] * 4
    assert count(sqlite_database) == 4 * each


def test_instants_keep_microseconds_and_their_order(database: Database, clock: Clock) -> None:
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=step) for step in (0, 1, 999_999)]
    with database.write() as tx:
        for number, moment in enumerate(moments):
            clock.now = moment
            accounts.create(tx, clock(), name=f"p{number}", role="user")
    with database.read() as tx:
        found = tx.execute(select(schema.accounts.c.created_at).order_by(schema.accounts.c.created_at))
        assert [row[0] for row in found] == moments


def test_foreign_keys_are_kept(database: Database) -> None:
    with pytest.raises(sqlalchemy.exc.IntegrityError), database.write() as tx:
        tx.execute(insert(schema.group_members).values(group_id="none", account_id="none"))


def test_the_migrated_tables_are_those_of_the_code(database: Database) -> None:
    migrate.check(database)
    assert migrate.drift(database) == []


def test_a_difference_between_tables_and_code_is_found(database: Database) -> None:
    with database.write() as tx:
        tx.execute(sqlalchemy.text("ALTER TABLE tags ADD COLUMN forgotten INTEGER"))
        tx.execute(sqlalchemy.text("DROP TABLE lookups"))
    assert {change[0] for change in migrate.drift(database) if isinstance(change, tuple)} == {
        "add_table",
        "remove_column",
    }


def test_an_empty_and_a_newer_database_are_refused(tmp_path: Path, sqlite_database: Database) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with pytest.raises(Misconfigured, match="alongside admin migrate"):
        migrate.check(empty)
    empty.close()
    with sqlite_database.write() as tx:
        tx.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '9999'"))
    for refused in (migrate.check, migrate.upgrade):
        with pytest.raises(Misconfigured, match="newer"):
            refused(sqlite_database)


def test_migrating_twice_changes_nothing(sqlite_database: Database) -> None:
    assert migrate.upgrade(sqlite_database) == (migrate.head(), migrate.head())


def test_a_dump_of_the_first_schema_is_upgraded_with_its_rows(tmp_path: Path, opened: Opener) -> None:
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as connection:
        connection.executescript((FIXTURES / "schema-0001.sql").read_text())
    database = opened(f"sqlite:///{tmp_path / 'old.sqlite'}")
    before, after = migrate.upgrade(database)
    assert (before, after) == ("0001", migrate.head())
    assert migrate.drift(database) == []
    with database.read() as tx:
        assert [account.name for account in accounts.page(tx, None, 9)] == ["admin", "ann"]
        assert tx.execute(select(func.count()).select_from(schema.runs)).scalar_one() == 1


def test_a_dump_of_the_first_schema_is_upgraded_on_postgres(
    postgres: support.Postgres, opened: Opener
) -> None:
    database = opened(postgres.new_database())
    with database.write() as tx:
        for statement in (FIXTURES / "schema-0001.postgres.sql").read_text().split(";\n"):
            if statement.strip():
                tx.exec_driver_sql(statement)
    assert migrate.upgrade(database) == ("0001", migrate.head())
    assert migrate.drift(database) == []
    with database.read() as tx:
        assert [account.name for account in accounts.page(tx, None, 9)] == ["admin", "ann"]


def test_a_database_that_does_not_answer_is_told_as_such() -> None:
    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable), database.read():
        pass
    with pytest.raises(Unavailable), database.write():
        pass
    database.close()


def test_an_answer_is_kept_a_day_under_its_key(database: Database, clock: Clock) -> None:
    answer = retries.Stored("POST /x", "hash", 201, {"Content-Type": "application/json"}, b"{}")
    with database.write() as tx:
        ann = accounts.create(tx, clock(), name="ann", role="user").id
        bob = accounts.create(tx, clock(), name="bob", role="user").id
        retries.remember(tx, ann, "k", answer, secret=False, now=clock())
        assert retries.earlier(tx, ann, "k", "POST /x", "hash") == answer
        assert retries.earlier(tx, bob, "k", "POST /x", "hash") is None
        with pytest.raises(IdempotencyMismatch):
            retries.earlier(tx, ann, "k", "POST /x", "other")
        clock.pass_(hours=25)
        retries.remember(tx, bob, "k", answer, secret=True, now=clock())
        assert retries.earlier(tx, ann, "k", "POST /x", "hash") is None
        with pytest.raises(Conflict, match="secret"):
            retries.earlier(tx, bob, "k", "POST /x", "hash")
        assert tx.execute(select(schema.idempotency.c.body)).scalar_one() == b""
