"""Callers for tests of rooms: an account with the tags it holds, as the doorkeeper would hand it on."""

from __future__ import annotations

from datetime import datetime

from alongside.hub import accounts
from alongside.hub.store.database import Tx
from alongside.spec.accounts import ROLE_SCOPES, Caller, Role


def person(tx: Tx, now: datetime, name: str, role: Role = "user", tags: tuple[str, ...] = ()) -> Caller:
    """A new account that holds `tags`; tags that do not exist yet are made."""
    account = accounts.create(tx, now, name=name, role=role, limits=limits)
    return Caller(account, ROLE_SCOPES[role], "session", "none", frozenset(tags))
