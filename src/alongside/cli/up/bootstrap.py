"""What `up` needs before its processes start, and the token it leaves for commands on this machine."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

from alongside.cli.session import local_token_file, write_secret
from alongside.client import Client
from alongside.config import Config
from alongside.hub.bootstrap import Started
from alongside.hub.bootstrap import bootstrap as start_anew
from alongside.spec.accounts import SCOPES

#: the store is nobody else's business, also on this machine
PRIVATE = 0o077
TOKEN_NAME = "commands on this machine"


def bootstrap(config: Config) -> Started:
    """Migrate, and make the administrator, the site and the secrets of this start.

    Raises:
        Misconfigured: the database is newer than this version, or cannot be kept here.
    """
    before = os.umask(PRIVATE)
    try:
        return start_anew(config, datetime.now(UTC))
    finally:
        os.umask(before)


def leave_token(config: Config, client: Client) -> None:
    """A fresh token in place of the last start's: an old copy of the file is worth nothing."""
    old = [token for token in client.tokens() if token.name == TOKEN_NAME]
    made = client.new_token(TOKEN_NAME, SCOPES)
    path = local_token_file(config.data_dir)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_secret(path, json.dumps({"url": config.hub.url, "token": made.secret}))
    for token in old:
        client.revoke_token(token.id)
