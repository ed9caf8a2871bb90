"""Callers for tests of rooms: an account with the tags it holds, as the doorkeeper would hand it on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select

from alongside.hub import accounts
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.hub.store.schema import tag_accounts
from alongside.hub.store.schema import tags as tags_table
from alongside.spec.accounts import ROLE_SCOPES, SCOPES, Caller, Limits, Role


def person(
    tx: Tx,
    now: datetime,
    name: str,
    role: Role = "user",
    tags: tuple[str, ...] = (),
    limits: Limits | None = None,
) -> Caller:
    """A new account that holds `tags`; tags that do not exist yet are made."""
    account = accounts.create(tx, now, name=name, role=role, limits=limits)
    for tag in tags:
        tag_id = tx.execute(select(tags_table.c.id).where(tags_table.c.name == tag)).scalar()
        if tag_id is None:
            tag_id = new_id(now)
            tx.execute(insert(tags_table).values(id=tag_id, name=tag, created_at=now))
        tx.execute(insert(tag_accounts).values(tag_id=tag_id, account_id=account.id))
    return Caller(account, ROLE_SCOPES[role], "session", "none", frozenset(tags))


def token_of(tx: Tx, caller: Caller, now: datetime) -> str:
    """An API token of this caller, with all that it may do."""
    scopes = [scope for scope in SCOPES if scope in caller.scopes]
    return accounts.create_token(tx, caller, "test", scopes, 1, now).secret
