"""Account classes: limits that many accounts share."""

from __future__ import annotations

import re

from alongside.errors import AccountClassUnknown, Fault, InUse, Invalid
from alongside.hub.store import account_classes as store
from alongside.hub.store.database import Tx
from alongside.spec.accounts import AccountClass, Limits

CLASS_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"


def account_class(tx: Tx, name: str) -> AccountClass:
    """
    Raises:
        AccountClassUnknown: nobody has written it down.
    """
    found = store.get(tx, name)
    if found is None:
        raise AccountClassUnknown
    return found


def account_classes(tx: Tx, after: str | None, limit: int) -> list[AccountClass]:
    return store.page(tx, after, limit)


def put_account_class(tx: Tx, name: str, title: str, limits: Limits) -> AccountClass:
    """Make it, or make it so. What runs keeps what it was given.

    Raises:
        Invalid: the name cannot be one.
    """
    if not re.fullmatch(CLASS_PATTERN, name):
        raise Invalid([Fault("name", "use lower-case letters, digits, dots, hyphens (at most 63)")])
    store.put(tx, AccountClass(name, title or name, limits))
    return account_class(tx, name)


def remove_account_class(tx: Tx, name: str) -> None:
    """
    Raises:
        AccountClassUnknown: there is none.
        InUse: accounts are in it, and would have no limits.
    """
    found = account_class(tx, name)
    if found.accounts:
        raise InUse(f"{found.accounts} accounts are in the class {name}; put them into another one first")
    store.remove(tx, name)
