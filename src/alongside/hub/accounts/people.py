"""Accounts: made, read, edited and removed by administrators."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from alongside.errors import AccountUnknown, Fault, InUse, Invalid, NameTaken, StateConflict
from alongside.hub.store import accounts as store
from alongside.hub.store import changes
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.spec.accounts import STANDARD, Account, Limits, Role, Standing

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
    account_class: str | None = None,
    email_verified: bool = False,
    standing: Standing = "admitted",
    guest: bool = False,
    expires_at: datetime | None = None,
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
    account = Account(
        new_id(now),
        name,
        role,
        display_name or name,
        email,
        True,
        limits or Limits(),
        now,
        account_class=account_class or STANDARD,
        email_verified=email_verified,
        standing=standing,
        guest=guest,
        expires_at=expires_at,
    )
    store.add(tx, account, password_hash)
    changes.note(tx, "account", account.id)
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


def page(tx: Tx, after: str | None, limit: int, *, standing: Standing | None = None) -> list[Account]:
    """Those that were not deleted, oldest first."""
    return store.page(tx, after, limit, standing=standing)


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
    if "email" in members and members["email"] != account.email:
        members = {**members, "email_verified": False}
    store.change(tx, account_id, members)
    changes.note(tx, "account", account_id)
    if "role" in members:
        # Administrators may use every site, and the dispatcher knows them by heart.
        changes.note(tx, "site", "")
    if not members.get("active", True):
        lock_out(tx, account_id)
    return get(tx, account_id)


def refuse(tx: Tx, account: Account) -> None:
    """Say no to somebody who asks for an account.

    Raises:
        StateConflict: they have one already; deactivate it instead.
    """
    if account.standing == "admitted":
        raise StateConflict(f"{account.name} was admitted already; deactivate the account instead")
    store.change(tx, account.id, {"standing": "refused"})
    lock_out(tx, account.id)


def bury(tx: Tx, account: Account, now: datetime) -> None:
    """Forget who it was: the row stays, for the runs and figures that name it, and nothing else does.

    Raises:
        InUse: it is the last administrator.
    """
    if account.role == "admin" and account.active:
        _another_admin_remains(tx, account)
    lock_out(tx, account.id)
    store.bury(tx, account.id, f"gone-{account.id[-12:]}", now)
    changes.note(tx, "site", "")


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
    lock_out(tx, account_id)
    store.remove(tx, account_id)


def _another_admin_remains(tx: Tx, account: Account) -> None:
    if store.other_admins(tx, account.id) == 0:
        raise InUse(f"{account.name} is the last administrator")


def lock_out(tx: Tx, account_id: str) -> None:
    """End every session and token, and what is open through them."""
    store.remove_sessions(tx, account_id)
    store.remove_tokens(tx, account_id)
    changes.note(tx, "revoke", f"account:{account_id}")
