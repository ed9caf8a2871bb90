"""Backup and restore of one installation: database first, then files, keys last.

The database is copied as of one moment while the hub runs. Files are only ever added before the rows
that name them, so files copied afterwards hold at least all that the database knows.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alongside import __version__
from alongside.config import Config
from alongside.errors import Misconfigured
from alongside.hub.store import copies, migrate
from alongside.hub.store.database import Database

#: copied in this order
FOLDERS = ("blobs", "logs", "git", "keys")
MANIFEST = "backup.json"
#: may lie in a data folder that is otherwise empty
SETTINGS = "alongside.toml"


def backup(config: Config, into: Path) -> Path:
    """Copy the installation into a folder that is empty or does not exist; answers the folder.

    Raises:
        Misconfigured: the folder holds something, or the database cannot be copied.
    """
    _refuse_full(into, "is not empty; name a new folder for the backup", but=())
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    started = datetime.now(UTC)
    database = copies.take(config.database_url, into)
    for name in FOLDERS:
        if (config.data_dir / name).is_dir():
            _copy_tree(config.data_dir / name, into / name)
    manifest = {
        "alongside": __version__,
        "schema": _schema(config),
        "taken_at": started.isoformat().replace("+00:00", "Z"),
        "database": database.name,
        "sha256": _digest(database),
    }
    # Written last: a backup without it was interrupted, and is refused.
    (into / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return into


def restore(config: Config, source: Path) -> None:
    """Put a backup into an empty data folder (and, with PostgreSQL, an empty database).

    Raises:
        Misconfigured: the backup is incomplete or damaged, or something is there already.
    """
    manifest = _read_manifest(source)
    copy = source / manifest["database"]
    if _digest(copy) != manifest["sha256"]:
        raise Misconfigured(f"{copy} is damaged: its checksum is not the one in {MANIFEST}")
    copies.check_kind(config.database_url, copy)
    _refuse_full(
        config.data_dir,
        "is not empty; restore into a new data folder (data_dir), or move the old one away first",
        but=(SETTINGS,),
    )
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in FOLDERS:
        if (source / name).is_dir():
            _copy_tree(source / name, config.data_dir / name)
    copies.put(config.database_url, copy)


def _copy_tree(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700, exist_ok=True)
    for entry in sorted(source.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            _copy_tree(entry, target / entry.name)
        elif entry.is_file() and not entry.is_symlink():
            try:
                shutil.copy2(entry, target / entry.name)
            except FileNotFoundError:
                # Logs and blobs of runs that are deleted meanwhile: the database copy is older, and a
                # missing log of a deleted run is what its owner asked for.
                continue


def _refuse_full(folder: Path, why: str, *, but: tuple[str, ...]) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise Misconfigured(f"{folder} is not a folder")
    found = [
        entry.name for entry in folder.iterdir() if entry.name not in but and not entry.name.endswith(".lock")
    ]
    if found:
        raise Misconfigured(f"{folder} {why}")


def _read_manifest(source: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((source / MANIFEST).read_text())
    except FileNotFoundError:
        raise Misconfigured(f"{source} is no complete backup: it has no {MANIFEST}") from None
    except ValueError:
        raise Misconfigured(f"{source / MANIFEST} is not readable") from None
    if manifest.get("database") not in copies.NAMES or "sha256" not in manifest:
        raise Misconfigured(f"{source / MANIFEST} was not written by `alongside admin backup`")
    return manifest


def _schema(config: Config) -> str | None:
    database = Database(config.database_url)
    try:
        return migrate.revision(database)
    finally:
        database.close()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
