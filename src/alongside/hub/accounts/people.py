"""Accounts: made, read, edited and removed by administrators."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from alongside.errors import AccountUnknown, Fault, InUse, Invalid, NameTaken
from alongside.hub.store import accounts as store
from alongside.hub.store import changes
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.spec.accounts import Account, Limits, Role

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
"""A name is also a folder and a user inside tools, so it is narrower than an e-mail address."""


def create(
    tx: Tx,
    now: datetime,
    *,
    name: str,
    role: Role,
    display_name: str = "",
    email: str | None = None,
    limits: Limits | None = None,
    password_hash: str | None = None,
) -> Account:
    """
    Raises:
        Invalid: the name cannot be one.
        NameTaken: another account has it.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise Invalid([Fault("name", "use lower-case letters, digits, dots, hyphens (at most 63)")])
    if store.by_name(tx, name):
        raise NameTaken(f"there is an account {name!r} already")
    account = Account(new_id(now), name, role, display_name or name, email, True, limits or Limits(), now)
    store.add(tx, account, password_hash)
    return account


def get(tx: Tx, account_id: str) -> Account:
    """
    Raises:
        AccountUnknown: there is none.
    """
    account = store.get(tx, account_id)
    if account is None:
        raise AccountUnknown
    return account


def by_name(tx: Tx, name: str) -> Account | None:
    return store.by_name(tx, name)


def page(tx: Tx, after: str | None, limit: int) -> list[Account]:
    return store.page(tx, after, limit)


def edit(tx: Tx, account_id: str, members: dict[str, Any]) -> Account:
    """Change the named members; who is no longer active is signed out everywhere.

    Raises:
        AccountUnknown: there is none.
        InUse: nobody could administer this installation afterwards.
    """
    account = get(tx, account_id)
    demoted = members.get("role", account.role) != "admin" or not members.get("active", account.active)
    if account.role == "admin" and account.active and demoted:
        _another_admin_remains(tx, account)
    store.change(tx, account_id, members)
    if "role" in members:
        # Administrators may use every site, and the dispatcher knows them by heart.
        changes.note(tx, "site", "")
    if not members.get("active", True):
        _lock_out(tx, account_id)
    return get(tx, account_id)


def remove(tx: Tx, account_id: str) -> None:
    """
    Raises:
        AccountUnknown: there is none.
        InUse: it still has runs, or is the last administrator.
    """
    account = get(tx, account_id)
    if account.role == "admin" and account.active:
        _another_admin_remains(tx, account)
    if store.has_runs(tx, account_id):
        raise InUse(f"{account.name} still has runs; delete them first, or deactivate the account")
    _lock_out(tx, account_id)
    store.remove(tx, account_id)


def _another_admin_remains(tx: Tx, account: Account) -> None:
    if store.other_admins(tx, account.id) == 0:
        raise InUse(f"{account.name} is the last administrator")


def _lock_out(tx: Tx, account_id: str) -> None:
    store.remove_sessions(tx, account_id)
    store.remove_tokens(tx, account_id)
    changes.note(tx, "revoke", f"account:{account_id}")
