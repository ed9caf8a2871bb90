"""A first start: an administrator, a site, and what lets the parts of one machine find each other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from alongside.config import Config
from alongside.errors import Misconfigured
from alongside.hub import accounts, keyring, sites
from alongside.hub.store import migrate
from alongside.hub.store.database import Database, Tx
from alongside.spec.accounts import ROLE_SCOPES, SCOPES, Account, Caller

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "lustre", "beegfs", "gpfs", "9p", "afs"}
)
SEED_TOKEN_DAYS = 1 / 24
REGISTRATION_DAYS = 1.0


@dataclass(frozen=True)
class Started:
    """What `alongside up` needs and prints."""

    #: whether this was the first start of this data folder
    first: bool
    admin: Account
    #: signs in once, as the administrator
    sign_in_url: str
    #: lets a runner join the site; None where this machine's has joined already
    registration_token: str | None
    site: str
    #: an API token of the administrator that ends within the hour, for registering demonstration data
    api_token: str


def bootstrap(config: Config, now: datetime, *, admin: str = "admin", site: str = "local") -> Started:
    """Make the data folder's installation ready to start; a second time it only hands out new secrets.

    Migrates the database, so nothing else may run on this data folder.

    Raises:
        Misconfigured: the data folder cannot hold a database.
    """
    prepare_folder(config)
    keyring.opened(config.data_dir / "keys")
    database = Database(config.database_url)
    try:
        migrate.upgrade(database)
        with database.write() as tx:
            return _start(tx, config, now, admin, site)
    finally:
        database.close()


def prepare_folder(config: Config) -> None:
    """
    Raises:
        Misconfigured: it cannot be made, or is on a network file system, where locks do not hold.
    """
    folder = config.data_dir.absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("logs", "blobs"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"data_dir: cannot make {folder}: {error.strerror}") from None
    kind = file_system(folder)
    if not config.hub.database and kind in NETWORK_FILE_SYSTEMS:
        raise Misconfigured(
            f"data_dir: {folder} is on a network file system ({kind}), where SQLite's locks do not hold; "
            "choose a local folder, or PostgreSQL with hub.database"
        )


def file_system(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """The type of the file system that holds `folder`; None where that cannot be told."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return None
    resolved, best, kind = os.path.realpath(folder), "", None
    for line in lines:
        _, where, found, *_ = line.split(" ")
        where = where.replace("\\040", " ")
        inside = resolved == where or resolved.startswith(where.rstrip("/") + "/")
        if inside and len(where) >= len(best):
            best, kind = where, found
    return kind


def _runner_is_known(config: Config) -> bool:
    """Not so in a restored installation: a backup holds the hub's side of its runners, not theirs."""
    folder = Path(config.runner.work_dir or config.data_dir / "runner")
    return (folder / "credentials.json").exists()


def _start(tx: Tx, config: Config, now: datetime, admin: str, site: str) -> Started:
    account = accounts.by_name(tx, admin)
    first = account is None
    if account is None:
        account = accounts.create(tx, now, name=admin, role="admin", display_name="Administrator")
    present = {found.name: found for found in sites.page(tx, None, 500)}
    if site not in present:
        title = "This machine" if site == "local" else site
        sites.create(tx, now, name=site, edge_url=config.edge.url, title=title)
    elif present[site].edge_url != config.edge.url:
        sites.edit(tx, site, {"edge_url": config.edge.url})
    registration = None
    if site not in present or not present[site].runners or not _runner_is_known(config):
        registration = sites.create_registration_token(tx, site, "up", REGISTRATION_DAYS, now).secret
    secret, _ = accounts.create_link(tx, account.id, config.hub.link_minutes, now)
    caller = Caller(account, ROLE_SCOPES[account.role], "session", "bootstrap")
    return Started(
        first=first,
        admin=account,
        sign_in_url=f"{config.hub.url}/sign-in#token={quote(secret)}",
        registration_token=registration,
        site=site,
        api_token=accounts.create_token(tx, caller, "alongside up", SCOPES, SEED_TOKEN_DAYS, now).secret,
    )
