"""Doors to come in and to leave: password, one-time link, sign-out, and one's own account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from alongside import errors, values
from alongside.hub import accounts
from alongside.hub.api.guard import caller, csrf_token, door, given, hub
from alongside.hub.doors import Tx
from alongside.spec.accounts import SCOPES, Account, Caller, Scope

doors = APIBlueprint("signin", __name__, tag="Sign-in and own account")

Secret = Annotated[str, Field(max_length=1024)]


@dataclass(frozen=True)
class Credentials:
    name: Annotated[str, Field(max_length=63)]
    password: Secret


@dataclass(frozen=True)
class Link:
    token: Secret


@dataclass(frozen=True)
class Me:
    account: Account
    scopes: tuple[Scope, ...]
    via: str
    tags: tuple[str, ...]
    quota: accounts.Quota
    #: to be sent as X-CSRF-Token with unsafe methods; empty for a token
    csrf_token: str


@values.strict
@dataclass(frozen=True)
class MyEdit:
    display_name: Annotated[str | None, Field(max_length=200)] = None
    email: Annotated[str | None, Field(max_length=200)] = None


@dataclass(frozen=True)
class PasswordChange:
    new: Secret
    #: not needed where no password was set so far
    current: Secret = ""


@door(
    doors,
    "POST",
    "/sign-in",
    needs=None,
    body=Credentials,
    answers={200: Me},
    problems=(errors.Unauthenticated, errors.RateLimited),
    tx="none",
)
def sign_in(body: Credentials) -> Response:
    """Sign in with name and password; sets the session's cookies."""
    here, now, address = hub(), hub().clock(), _address()
    here.limiter.check(body.name, address, now)
    with here.database.read() as tx:
        account, stored = accounts.password_of(tx, body.name)
    if not here.passwords.matches(stored, body.password) or account is None:
        here.limiter.failed(body.name, address, now)
        raise errors.Unauthenticated("The name or the password is wrong.")
    here.limiter.succeeded(body.name)
    with here.database.write() as tx:
        return _signed_in(tx, account)


@door(
    doors,
    "POST",
    "/sign-in/link",
    needs=None,
    body=Link,
    answers={200: Me},
    problems=(errors.Unauthenticated, errors.RateLimited),
)
def sign_in_with_link(tx: Tx, body: Link) -> Response:
    """Sign in with a one-time link's token; sets the session's cookies."""
    return _signed_in(tx, accounts.use_link(tx, body.token, hub().clock()))


@door(doors, "POST", "/sign-out", answers={204: None})
def sign_out(tx: Tx) -> Response:
    """End this session, or revoke this token."""
    response = Response(status=204)
    if caller().via == "token":
        accounts.revoke_token(tx, caller().account.id, caller().credential)
        return response
    accounts.sign_out(tx, caller())
    for name in (hub().session_cookie, hub().csrf_cookie):
        response.delete_cookie(name, secure=hub().https, samesite="Lax")
    return response


@door(doors, "GET", "/me", answers={200: Me})
def get_me(tx: Tx) -> Me:
    """Who I am, what I may do, and what I hold of what I may hold."""
    return _me(tx, caller(), csrf_token())


@door(doors, "PATCH", "/me", body=MyEdit, answers={200: Me})
def edit_me(tx: Tx, body: MyEdit) -> Me:
    """Change my own display name or e-mail address."""
    _whole_account()
    members = {name: value for name, value in given(body).items() if value is not None or name == "email"}
    account = accounts.edit(tx, caller().account.id, members)
    me = caller()
    return _me(tx, Caller(account, me.scopes, me.via, me.credential, me.tags), csrf_token())


@door(doors, "PUT", "/me/password", body=PasswordChange, answers={204: None}, tx="none")
def change_my_password(body: PasswordChange) -> None:
    """Set my password; every other session of mine ends."""
    _whole_account()
    here, account = hub(), caller().account
    with here.database.read() as tx:
        _, stored = accounts.password_of(tx, account.name)
    if stored is not None and not here.passwords.matches(stored, body.current):
        raise errors.Invalid([errors.Fault("current", "is not your present password")])
    fresh = here.passwords.hashed(body.new, field="new")
    session = caller().credential if caller().via == "session" else None
    with here.database.write() as tx:
        accounts.change_password(tx, account.id, fresh, keep_session=session)


def _whole_account() -> None:
    """A token with few scopes must not take over the account that it belongs to."""
    if caller().via == "token" and "admin" not in caller().scopes:
        raise errors.Forbidden("Sign in with a browser session to change your account.")


def _signed_in(tx: Tx, account: Account) -> Response:
    here, now = hub(), hub().clock()
    session = accounts.open_session(tx, account, here.config.hub.session_days, now)
    found = accounts.by_session(tx, session.secret, now)
    response = Response(
        values.dump_as(Me, _me(tx, found.caller, session.csrf)), content_type="application/json"
    )
    options: dict[str, Any] = {
        "expires": session.expires_at,
        "samesite": "Lax",
        "secure": here.https,
    }
    response.set_cookie(here.session_cookie, session.secret, httponly=True, **options)
    response.set_cookie(here.csrf_cookie, session.csrf, **options)
    return response


def _me(tx: Tx, who: Caller, csrf: str) -> Me:
    return Me(
        account=who.account,
        scopes=tuple(scope for scope in SCOPES if scope in who.scopes),
        via=who.via,
        tags=tuple(sorted(who.tags)),
        quota=accounts.usage(tx, who.account, hub().config.accounts),
        csrf_token=csrf,
    )


def _address() -> str:
    """The other side's address; the edge on this machine says whom it speaks for."""
    peer = request.remote_addr or ""
    forwarded = request.headers.get("X-Forwarded-For", "")
    if peer in {"127.0.0.1", "::1"} and forwarded:
        return forwarded.rpartition(",")[2].strip()
    return peer
