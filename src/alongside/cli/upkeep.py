"""`alongside admin migrate|backup|restore`: the database and files of this machine's installation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alongside.cli import screen
from alongside.cli.session import current
from alongside.cli.up.folder import DataFolder


def migrate() -> None:
    """Bring the database to the schema of this version. Nothing else ever does."""
    from alongside.hub.store import migrate as schema
    from alongside.hub.store.database import Database

    config = current().config()
    config.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(config.database_url)
    try:
        before, after = schema.upgrade(database)
    finally:
        database.close()
    said = "had" if before == after else "has now"
    screen.say(f"The database {said} the schema of this version ({after}).")


def backup(
    into: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or is empty.")],
) -> None:
    """Copy database, git and blobs of one consistent point. The hub may go on running."""
    from alongside.hub import backup as room

    config = current().config()
    room.backup(config, into.absolute())
    screen.say(f"Backed up {config.data_dir} to {into}. Keep it as safe as the installation: it holds keys.")


def restore(
    source: Annotated[Path, typer.Argument(help="A folder made by backup.", exists=True, file_okay=False)],
) -> None:
    """Put a backup into an empty data folder (--data-dir). What is there is never overwritten."""
    from alongside.hub import backup as room

    config = current().config()
    with DataFolder(config.data_dir):
        room.restore(config, source.absolute())
    folder = config.data_dir
    screen.say(f"Restored {source} into {folder}. Start it: alongside --data-dir {folder} up")
