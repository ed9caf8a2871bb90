"""Copies of a whole database: taken while it is in use, as of one moment, and put into an empty one."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, make_url

from alongside.errors import Misconfigured
from alongside.hub.store import migrate
from alongside.hub.store.database import Database

SQLITE_COPY = "hub.sqlite"
POSTGRES_COPY = "hub.dump"
NAMES = frozenset({SQLITE_COPY, POSTGRES_COPY})


def take(url: str, into: Path) -> Path:
    """Copy the database into a folder; answers the file.

    Raises:
        Misconfigured: there is none, it is damaged, or a program for copying it is missing.
    """
    parsed = make_url(url)
    if _is_postgres(parsed):
        return _take_postgres(parsed, into)
    return _take_sqlite(Path(parsed.database or ""), into)


def check_kind(url: str, copy: Path) -> None:
    """
    Raises:
        Misconfigured: the copy is of another kind of database.
    """
    if (copy.name == POSTGRES_COPY) != _is_postgres(make_url(url)):
        raise Misconfigured("the backup is of another kind of database than hub.database names")


def put(url: str, copy: Path) -> None:
    """Make a database of a copy.

    Raises:
        Misconfigured: the PostgreSQL database is not empty, or a program for filling it is missing.
    """
    parsed = make_url(url)
    if _is_postgres(parsed):
        _put_postgres(parsed, copy)
    else:
        _put_sqlite(Path(parsed.database or ""), copy)


def _is_postgres(url: URL) -> bool:
    return url.get_backend_name() == "postgresql"


def _take_sqlite(source: Path, into: Path) -> Path:
    target = into / SQLITE_COPY
    if not source.is_file():
        raise Misconfigured(f"there is no database {source}: nothing to back up")
    # The backup API sees one snapshot, write-ahead log included; copying the file would not.
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        problems = [row[0] for row in copy.execute("PRAGMA integrity_check") if row[0] != "ok"]
    if problems:
        raise Misconfigured(f"the database is damaged: {'; '.join(problems[:3])}")
    target.chmod(0o600)
    return target


def _put_sqlite(target: Path, copy: Path) -> None:
    if target.exists():
        raise Misconfigured(f"hub.database: there is a database {target} already; move it away first")
    aside = target.with_name(target.name + ".restoring")
    shutil.copyfile(copy, aside)
    aside.chmod(0o600)
    aside.replace(target)


def _take_postgres(url: URL, into: Path) -> Path:
    target = into / POSTGRES_COPY
    _run(url, ["pg_dump", "--format=custom", "--no-owner", f"--file={target}"])
    target.chmod(0o600)
    return target


def _put_postgres(url: URL, copy: Path) -> None:
    database = Database(url.render_as_string(hide_password=False))
    try:
        if migrate.revision(database) is not None:
            raise Misconfigured("hub.database: the PostgreSQL database is not empty; name an empty one")
    finally:
        database.close()
    name = url.database or ""
    _run(
        url,
        [
            "pg_restore",
            "--no-owner",
            "--exit-on-error",
            "--single-transaction",
            f"--dbname={name}",
            str(copy),
        ],
    )


def _run(url: URL, command: list[str]) -> None:
    """PostgreSQL's own tools; the password goes by environment, which other users cannot read."""
    given = {
        "PGHOST": url.host or url.query.get("host"),
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    environment = {**os.environ, **{name: str(value) for name, value in given.items() if value}}
    try:
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise Misconfigured(f"`{command[0]}` is missing: install PostgreSQL's client programs") from None
    except subprocess.CalledProcessError as error:
        raise Misconfigured(f"{command[0]} failed: {error.stderr.strip()}") from None
