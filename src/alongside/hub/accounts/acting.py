"""Support: an administrator looks as somebody else, for an hour, and changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from alongside.errors import Forbidden
from alongside.hub.accounts import auditing, people
from alongside.hub.store import accounts as store
from alongside.hub.store.database import Tx
from alongside.spec.accounts import Account, Caller


def look_as(tx: Tx, caller: Caller, account_id: str, minutes: int, now: datetime) -> Account:
    """From now on the caller's session sees what that account sees.

    Raises:
        AccountUnknown
        Forbidden: not with a token; not as an administrator.
    """
    account = people.get(tx, account_id)
    if caller.via != "session":
        raise Forbidden("Looking as somebody else needs a browser session.")
    if account.role == "admin" or not account.active or account.deleted_at is not None:
        raise Forbidden(f"nobody can look as {account.name}: an administrator, or not active")
    store.set_acting(tx, caller.credential, account.id, now + timedelta(minutes=minutes))
    auditing.note(tx, now, caller.account.name, "look", account.name, f"for at most {minutes} minutes")
    return account


def look_away(tx: Tx, caller: Caller, now: datetime) -> None:
    """End the look; nothing happens when there is none."""
    if caller.looker is None:
        return
    store.set_acting(tx, caller.credential, None, None)
    auditing.note(tx, now, caller.looker.name, "look_ended", caller.account.name)
