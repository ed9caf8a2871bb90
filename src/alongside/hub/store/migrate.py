"""Brings a database to this version's schema, and tells whether it is there.

Only `alongside admin migrate` and `alongside up` upgrade; every other process only checks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from alongside.errors import Misconfigured
from alongside.hub.store.database import Database
from alongside.hub.store.schema import metadata

FOLDER = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> tuple[str | None, str]:
    """Migrate under the write lock; answers the revision before and after.

    Raises:
        Misconfigured: the database is newer than this version of Alongside.
    """
    with database.write() as tx:
        before = _revision(tx)
        _refuse_newer(before)
        command.upgrade(_settings(tx), "head")
        return before, head()


def migrate(url: str) -> str:
    """`upgrade` for those who have no database open; answers the revision it is at now."""
    database = Database(url)
    try:
        return upgrade(database)[1]
    finally:
        database.close()


def check(database: Database) -> None:
    """
    Raises:
        Misconfigured: the schema is not the one of this version; says what to do.
    """
    found = revision(database)
    if found == head():
        return
    _refuse_newer(found)
    what = "is empty" if found is None else f"has the schema {found}, and this version needs {head()}"
    raise Misconfigured(f"the database {what}: run `alongside admin migrate`")


def revision(database: Database) -> str | None:
    """The schema that the database has; None for an empty one."""
    with database.read() as tx:
        return _revision(tx)


def head() -> str:
    """The newest revision that this version knows."""
    newest = ScriptDirectory(str(FOLDER)).get_current_head()
    if newest is None:
        raise Misconfigured("this installation lacks its migrations; install it again")
    return newest


def drift(database: Database) -> list[Any]:
    """What the tables lack of the schema in the code, or have beyond it; empty when they agree."""
    with database.read() as tx:
        return compare_metadata(MigrationContext.configure(tx, opts={"compare_type": True}), metadata)


def draft(database: Database, message: str, number: str) -> None:
    """Write the next migration from what drifted, for a developer to read and complete."""
    with database.write() as tx:
        command.revision(_settings(tx), message=message, autogenerate=True, rev_id=number)


def _refuse_newer(found: str | None) -> None:
    known = {script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions()}
    if found is not None and found not in known:
        raise Misconfigured(
            f"the database has the schema {found}, which this version does not know: "
            "it was used by a newer Alongside; install that one, or restore a backup"
        )


def _revision(tx: Connection) -> str | None:
    if not inspect(tx).has_table("alembic_version"):
        return None
    return MigrationContext.configure(tx).get_current_revision()


def _settings(tx: Connection) -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(FOLDER))
    settings.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    settings.attributes["connection"] = tx
    return settings
