"""What proves an account: sessions of browsers, API tokens, one-time links."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alongside.errors import AccountUnknown, Fault, Forbidden, Invalid, TokenUnknown, Unauthenticated
from alongside.hub.accounts import throttle
from alongside.hub.store import accounts as store
from alongside.hub.store import admission as links
from alongside.hub.store import changes
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import hashed, new_id, new_secret
from alongside.spec.accounts import ROLE_SCOPES, SCOPES, Account, Caller, Scope, Token

SESSION_PREFIX = "als_"
TOKEN_PREFIX = "alt_"
LINK_PREFIX = "all_"
#: a token's last use is written at most so often: reading must not mean writing
NOTE_USE_EVERY = timedelta(minutes=10)


@dataclass(frozen=True)
class Authenticated:
    """A caller and what the doorkeeper needs to know of the proof."""

    caller: Caller
    #: of a session: unsafe requests must repeat it
    csrf: str = ""
    #: of a token
    last_used_at: datetime | None = None


@dataclass(frozen=True)
class NewSession:
    id: str
    account: Account
    #: the value of the cookie; kept nowhere else
    secret: str
    csrf: str
    expires_at: datetime


@dataclass(frozen=True)
class NewToken:
    token: Token
    #: shown once
    secret: str


def by_session(tx: Tx, secret: str, now: datetime) -> Authenticated:
    """Who a session's cookie belongs to.

    Raises:
        Unauthenticated: it has ended, or never was one.
    """
    session = store.session(tx, hashed(secret))
    if session is None or session.expires_at <= now or not session.account.may_enter(now):
        raise Unauthenticated("Your session has ended; sign in again.")
    account = session.account
    if seen := _looked_as(tx, session, now):
        # What changes something needs more than `read`; the doorkeeper refuses the rest.
        tags = store.tag_names(tx, seen.id)
        return Authenticated(
            Caller(seen, frozenset({"read"}), "session", session.id, tags, looker=account), csrf=session.csrf
        )
    return Authenticated(
        Caller(account, ROLE_SCOPES[account.role], "session", session.id, store.tag_names(tx, account.id)),
        csrf=session.csrf,
    )


def _looked_as(tx: Tx, session: store.Session, now: datetime) -> Account | None:
    """Whom the session's administrator looks as."""
    if session.acting is None or session.acting_until is None or session.acting_until <= now:
        return None
    if session.account.role != "admin":
        return None
    seen = store.get(tx, session.acting)
    return seen if seen is not None and seen.role != "admin" and seen.deleted_at is None else None


def by_token(tx: Tx, secret: str, now: datetime) -> Authenticated:
    """Who an API token belongs to, with the scopes that both it and its owner's role carry.

    Raises:
        Unauthenticated: it has ended or was revoked, or never was one.
    """
    found = store.token(tx, hashed(secret))
    if found is None or found[0].expires_at <= now or not found[1].may_enter(now):
        raise Unauthenticated("This token is unknown, has ended, or was revoked.")
    token, account = found
    scopes = frozenset(token.scopes) & ROLE_SCOPES[account.role]
    return Authenticated(
        Caller(account, scopes, "token", token.id, store.tag_names(tx, account.id)),
        last_used_at=token.last_used_at,
    )


def csrf_matches(csrf: str, sent: str) -> bool:
    return bool(csrf) and hmac.compare_digest(csrf.encode(), sent.encode())


def use_is_worth_noting(last_used_at: datetime | None, now: datetime) -> bool:
    return last_used_at is None or now - last_used_at >= NOTE_USE_EVERY


def note_use(tx: Tx, token_id: str, now: datetime) -> None:
    store.note_use(tx, token_id, now)


def password_of(tx: Tx, name: str) -> tuple[Account | None, str | None]:
    """The account of this name and the hash of its password; both may be missing.

    It may still wait for its admission: `admission.admitted` says so, once the password was right.
    """
    account = store.by_name(tx, name)
    if account is None or not account.active or account.deleted_at is not None:
        return None, None
    return account, store.password_hash(tx, account.id)


def change_password(tx: Tx, account_id: str, password_hash: str, *, keep_session: str | None) -> None:
    """Set the password and end every other session of the account."""
    store.change(tx, account_id, {"password_hash": password_hash})
    store.remove_sessions(tx, account_id, but=keep_session)


def open_session(tx: Tx, account: Account, days: int, now: datetime) -> NewSession:
    """A guest's lasts as long as the guest."""
    store.remove_expired(tx, now)
    links.remove_expired(tx, now)
    throttle.purge(tx, now)
    expires_at = account.expires_at or now + timedelta(days=days)
    session = store.Session(new_id(now), account, new_secret(), expires_at)
    secret = new_secret(SESSION_PREFIX)
    store.add_session(tx, session, hashed(secret), now)
    return NewSession(session.id, account, secret, session.csrf, session.expires_at)


def sign_out(tx: Tx, caller: Caller) -> None:
    """End the session, and with it the account's open connections to its tools."""
    store.remove_session(tx, caller.credential)
    changes.note(tx, "revoke", f"account:{(caller.looker or caller.account).id}")


def create_link(tx: Tx, account_id: str, minutes: int, now: datetime) -> tuple[str, datetime]:
    """A one-time secret that signs in as this account, and when it ends.

    Raises:
        AccountUnknown: there is none, or it is not active.
    """
    account = store.get(tx, account_id)
    if account is None or not account.may_enter(now):
        raise AccountUnknown
    secret, expires_at = new_secret(LINK_PREFIX), now + timedelta(minutes=minutes)
    store.add_link(tx, new_id(now), account_id, hashed(secret), expires_at)
    return secret, expires_at


def use_link(tx: Tx, secret: str, now: datetime) -> Account:
    """
    Raises:
        Unauthenticated: the link was used, has ended, or never was one.
    """
    account_id = store.use_link(tx, hashed(secret), now)
    account = store.get(tx, account_id) if account_id else None
    if account is None or not account.may_enter(now):
        raise Unauthenticated("This sign-in link was used already or has ended; ask for a new one.")
    return account


def create_token(
    tx: Tx, caller: Caller, name: str, scopes: Sequence[Scope], days: float, now: datetime
) -> NewToken:
    """
    Raises:
        Invalid: no scope is asked for.
        Forbidden: the caller does not hold one of the scopes itself.
    """
    if not scopes:
        raise Invalid([Fault("scopes", "name at least one scope")])
    if beyond := [scope for scope in scopes if scope not in caller.scopes]:
        raise Forbidden(f"you cannot give a token a scope that you do not hold: {', '.join(beyond)}")
    ordered: tuple[Scope, ...] = tuple(scope for scope in SCOPES if scope in scopes)
    token = Token(new_id(now), name, ordered, now, now + timedelta(days=days), None)
    secret = new_secret(TOKEN_PREFIX)
    store.add_token(tx, caller.account.id, token, hashed(secret))
    return NewToken(token, secret)


def list_tokens(tx: Tx, account_id: str, after: str | None, limit: int) -> list[Token]:
    return store.token_page(tx, account_id, after, limit)


def revoke_token(tx: Tx, account_id: str, token_id: str) -> None:
    """
    Raises:
        TokenUnknown: this account has no such token.
    """
    if not store.remove_token(tx, account_id, token_id):
        raise TokenUnknown
