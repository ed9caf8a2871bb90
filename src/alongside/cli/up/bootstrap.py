"""What a new installation needs before its processes start: schema, an administrator, the site `local`.

Works on the database directly, since nothing answers yet. Doing it again changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from alongside.cli.session import local_token_file, write_secret
from alongside.config import Config
from alongside.errors import SiteUnknown
from alongside.hub import sites
from alongside.hub.accounts import credentials, people
from alongside.hub.store import migrate
from alongside.hub.store.database import Database, Tx
from alongside.spec.accounts import SCOPES, Account, Caller

ADMINISTRATOR = "admin"
SITE = "local"
#: the registration token is used at once
REGISTRATION_DAYS = 1.0
TOKEN_NAME = "this machine's command line"
TOKEN_DAYS = 30


@dataclass(frozen=True)
class Standing:
    """What the processes and the person are given."""

    administrator: str
    #: API token of the administrator, also kept for commands on this machine
    token: str
    #: for the runner, if it has not joined before
    registration_token: str
    #: signs in once
    link: str
    is_new: bool


def bootstrap(config: Config) -> Standing:
    """
    Raises:
        Misconfigured: the database is newer than this version, or cannot be opened.
    """
    database = Database(config.database_url)
    now = datetime.now(UTC)
    try:
        migrate.upgrade(database)
        with database.write() as tx:
            account, is_new = _administrator(tx, now)
            _site(tx, config, now)
            registration = sites.create_registration_token(tx, SITE, "alongside up", REGISTRATION_DAYS, now)
            token = _token(tx, account, now)
            secret, _ = credentials.create_link(tx, account.id, config.hub.link_minutes, now)
    finally:
        database.close()
    path = local_token_file(config.data_dir)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_secret(path, json.dumps({"url": config.hub.url, "token": token}))
    link = f"{config.hub.url}/sign-in?token={secret}"
    return Standing(account.name, token, registration.secret, link, is_new)


def _administrator(tx: Tx, now: datetime) -> tuple[Account, bool]:
    """The first active administrator, made if there is none."""
    for account in people.page(tx, None, 500):
        if account.role == "admin" and account.active:
            return account, False
    return people.create(tx, now, name=ADMINISTRATOR, role="admin", display_name="Administrator"), True


def _site(tx: Tx, config: Config, now: datetime) -> None:
    try:
        sites.get(tx, SITE)
    except SiteUnknown:
        sites.create(tx, now, name=SITE, edge_url=config.edge.url, title="This machine")


def _token(tx: Tx, account: Account, now: datetime) -> str:
    """A fresh token in place of the last start's: an old copy of the file is worth nothing."""
    for old in credentials.list_tokens(tx, account.id, None, 500):
        if old.name == TOKEN_NAME:
            credentials.revoke_token(tx, account.id, old.id)
    caller = Caller(account, frozenset(SCOPES), "session", "bootstrap")
    made = credentials.create_token(tx, caller, TOKEN_NAME, SCOPES, TOKEN_DAYS, now)
    return made.secret
