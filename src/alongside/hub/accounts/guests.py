"""Guests: an anonymous account of one browser, with limits and an end of its own."""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime, timedelta

from alongside.config import Config
from alongside.errors import Unauthenticated
from alongside.hub.accounts import people, throttle
from alongside.hub.store import accounts as store
from alongside.hub.store.database import Tx
from alongside.spec.accounts import Account, Limits

PREFIX = "alg_"
#: the keyring's, which only hub processes can compute
Mac = Callable[[bytes], bytes]
#: account class of guests, for those who set limits by class
GUEST_CLASS = "guest"


def arrive(tx: Tx, config: Config, email: str | None, address: str, now: datetime) -> Account:
    """A new guest from a browser at `address`; `email` is kept unproven.

    Raises:
        RateLimited: too many came from there within the hour.
    """
    limit = throttle.Rule("guests", config.guests.per_hour, throttle.HOUR).of(address)
    throttle.check(tx, [limit], now)
    throttle.count(tx, [limit], now)
    settings = config.guests
    return people.create(
        tx,
        now,
        name=f"guest-{secrets.token_hex(5)}",
        role="guest",
        display_name="Guest",
        email=email,
        limits=Limits(settings.running_max, settings.cpus_max or None, settings.memory_gb_max or None),
        account_class=GUEST_CLASS,
        guest=True,
        expires_at=now + timedelta(hours=settings.hours),
    )


def return_secret(account: Account, mac: Mac) -> str:
    """What brings this guest back from any browser; the same every time, so that it can be shown again."""
    return f"{PREFIX}{account.id}.{_proof(account, mac)}"


def come_back(tx: Tx, secret: str, config: Config, mac: Mac, now: datetime) -> Account:
    """The guest whose return link this is; their time begins anew.

    Raises:
        Unauthenticated: there is no such guest (any more).
    """
    account_id, _, sent = secret.removeprefix(PREFIX).partition(".")
    account = store.get(tx, account_id) if account_id.isascii() else None
    if (
        account is None
        or not account.guest
        or not hmac.compare_digest(sent.encode(errors="replace"), _proof(account, mac).encode())
        or not account.may_enter(now)
    ):
        raise Unauthenticated("This return link does not work any more: the guest's time is over.")
    expires_at = now + timedelta(hours=config.guests.hours)
    store.change(tx, account.id, {"expires_at": expires_at})
    return people.get(tx, account.id)


def overdue(tx: Tx, now: datetime, limit: int) -> list[Account]:
    """Guests whose time is over and whose work is still there."""
    return store.expired(tx, now, limit)


def _proof(account: Account, mac: Mac) -> str:
    proof = mac(f"guest-return\0{account.id}\0{account.created_at.isoformat()}".encode())
    return urlsafe_b64encode(proof).decode().rstrip("=")
