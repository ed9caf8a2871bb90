"""E-mail addresses: verified by a link, used to sign in and to set a forgotten password.

Asking never tells whether an address is known: the answer is the same, only the letter differs.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal

from alongside.config import Config
from alongside.errors import Fault, Invalid, RateLimited, Unauthenticated
from alongside.hub import couriers
from alongside.hub.accounts import throttle
from alongside.hub.store import accounts as store
from alongside.hub.store import admission as links
from alongside.hub.store import changes
from alongside.hub.store.admission import AddressLink
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import hashed, new_id, new_secret
from alongside.spec import admission as rules
from alongside.spec.accounts import Account

PREFIX = "alm_"
Purpose = Literal["sign_in", "verify", "reset"]
PAGES: dict[Purpose, str] = {"sign_in": "sign-in", "verify": "verify", "reset": "reset"}
VERIFY_HOURS = 48
WORDS: dict[Purpose, tuple[str, str]] = {
    "sign_in": ("Your sign-in link", "Sign in to Alongside with this link, once:"),
    "verify": (
        "Confirm your address",
        "The account {name} names this address. If it is yours, confirm that:",
    ),
    "reset": ("Set a new password", "Set a new password for your account {name} with this link, once:"),
}


def checked(email: str) -> str:
    """
    Raises:
        Invalid: it is no address.
    """
    found = rules.address(email)
    if found is None:
        raise Invalid([Fault("email", "is no e-mail address")])
    return found


def send_link(
    tx: Tx, purpose: Purpose, email: str, account: Account | None, config: Config, now: datetime
) -> None:
    """Mail a one-time link; the secret is behind the #, which no server sees.

    Raises:
        RateLimited: this address was written to often enough within the hour.
    """
    limit = throttle.LETTERS_TO.of(email)
    throttle.check(tx, [limit], now)
    throttle.count(tx, [limit], now)
    hours = VERIFY_HOURS if purpose == "verify" else config.hub.link_minutes / 60
    until = now + timedelta(hours=hours)
    secret = new_secret(PREFIX)
    link = AddressLink(purpose, email, account.id if account else None)
    links.add_link(tx, new_id(now), link, hashed(secret), now, until)
    subject, words = WORDS[purpose]
    text = (
        f"{words.format(name=account.name if account else '')}\n\n"
        f"{config.hub.url}/{PAGES[purpose]}#token={secret}\n\n"
        f"It works until {until:%d %B %Y, %H:%M} UTC. If you did not ask for it, do nothing.\n"
    )
    couriers.send(tx, email, subject, text, now)


def take(tx: Tx, purpose: Purpose, secret: str, now: datetime) -> AddressLink:
    """Use a link up.

    Raises:
        Unauthenticated: it was used, has ended, or never was one.
    """
    link = links.use_link(tx, hashed(secret), purpose, now)
    if link is None:
        raise Unauthenticated("This link was used already or has ended; ask for a new one.")
    return link


def verify(tx: Tx, secret: str, config: Config, now: datetime) -> Account:
    """An address proves to be somebody's; where the policy asked for that alone, they are admitted.

    Raises:
        Unauthenticated: the link does not work (any more).
    """
    link = take(tx, "verify", secret, now)
    account = store.get(tx, link.account) if link.account else None
    if account is None or account.email is None or account.email.lower() != link.email:
        raise Unauthenticated("This link is for an address that your account does not have any more.")
    return proven(tx, account, link.email, config)


def proven(tx: Tx, account: Account, email: str, config: Config) -> Account:
    """
    Raises:
        Unauthenticated: another account proved this address before.
    """
    owner = store.by_verified_address(tx, email)
    if owner is not None and owner.id != account.id:
        raise Unauthenticated("Another account has this address already; sign in to that one.")
    members: dict[str, object] = {"email": email, "email_verified": True}
    settings = config.accounts
    if (
        account.standing == "waiting"
        and settings.registration == "domain"
        and rules.in_domains(email, settings.email_domains)
    ):
        members["standing"] = "admitted"
        changes.note(tx, "account", account.id)
    store.change(tx, account.id, members)
    return store.get(tx, account.id) or account


def ask_to_verify(tx: Tx, account: Account, config: Config, now: datetime) -> None:
    """Where mail can be sent and the address is not proven yet."""
    if config.mail.host and account.email and not account.email_verified:
        send_link(tx, "verify", account.email.lower(), account, config, now)


def ask_for_reset(tx: Tx, email: str, config: Config, now: datetime) -> None:
    """Send the letter if somebody has this address; whoever asks is told nothing either way."""
    if not config.mail.host:
        return
    account = store.by_address(tx, email)
    if account is not None and account.active and not account.guest and account.deleted_at is None:
        with suppress(RateLimited):
            send_link(tx, "reset", email, account, config, now)


def reset(tx: Tx, secret: str, password_hash: str, config: Config, now: datetime) -> Account:
    """Set the password; every session of before ends.

    Raises:
        Unauthenticated: the link does not work (any more).
    """
    link = take(tx, "reset", secret, now)
    account = store.get(tx, link.account) if link.account else None
    if account is None or not account.active or account.deleted_at is not None:
        raise Unauthenticated("This link was used already or has ended; ask for a new one.")
    if (account.email or "").lower() != link.email:
        raise Unauthenticated("This link is for an address that your account does not have any more.")
    store.change(tx, account.id, {"password_hash": password_hash})
    store.remove_sessions(tx, account.id)
    # Who came in with the old password is out of the tools that they opened, too.
    changes.note(tx, "revoke", f"account:{account.id}")
    if not account.email_verified:
        # Whoever registered with somebody else's address must keep no way in.
        store.remove_tokens(tx, account.id)
        links.drop_identities(tx, account.id)
    if not account.email_verified and store.by_verified_address(tx, link.email) is None:
        # Who reads the letters of an address has it.
        return proven(tx, account, link.email, config)
    return account
