"""Doors to come in and to leave: password, one-time link, guests, sign-out, and one's own account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from alongside import errors, values
from alongside.hub import accounts
from alongside.hub.accounts import throttle
from alongside.hub.accounts.admission import Ways
from alongside.hub.api import guard
from alongside.hub.api.guard import caller, csrf_token, door, given, hub
from alongside.hub.doors import Tx
from alongside.spec.accounts import SCOPES, Account, Caller, Scope
from alongside.spec.admission import SignIn

doors = APIBlueprint("signin", __name__, tag="Sign-in and own account")

Secret = Annotated[str, Field(max_length=1024)]


@dataclass(frozen=True)
class Credentials:
    name: Annotated[str, Field(max_length=63)]
    password: Secret


@dataclass(frozen=True)
class Link:
    token: Secret


@values.strict
@dataclass(frozen=True)
class GuestArrival:
    #: only asked for where accounts.sign_in says `email`; kept, not proven
    email: Annotated[str | None, Field(max_length=200)] = None


@dataclass(frozen=True)
class ReturnLink:
    #: brings the guest back from any browser; whoever has it is the guest
    url: str
    #: until then the guest's work is kept
    expires_at: datetime


@dataclass(frozen=True)
class Me:
    account: Account
    scopes: tuple[Scope, ...]
    via: str
    tags: tuple[str, ...]
    quota: accounts.Quota
    #: to be sent as X-CSRF-Token with unsafe methods; empty for a token
    csrf_token: str
    #: name of the administrator who looks as this account; null for oneself
    looker: str | None = None


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


@door(doors, "GET", "/sign-in/ways", needs=None, answers={200: Ways}, tx="none")
def get_sign_in_ways() -> Ways:
    """How one may sign in and register here."""
    return accounts.admission.ways(hub().config)


@door(
    doors,
    "POST",
    "/sign-in",
    needs=None,
    body=Credentials,
    answers={200: Me},
    problems=(errors.Unauthenticated, errors.RateLimited, errors.AccountWaiting, errors.Forbidden),
    tx="none",
)
def sign_in(body: Credentials) -> Response:
    """Sign in with name and password; sets the session's cookies."""
    here, now = hub(), hub().clock()
    _allow("password")
    by_name = throttle.FAILED_NAME.of(body.name)
    limits = (by_name, throttle.FAILED_ADDRESS.of(guard.address()))
    with here.database.read() as tx:
        throttle.check(tx, limits, now)
        account, stored = accounts.password_of(tx, body.name)
    if not here.passwords.matches(stored, body.password) or account is None:
        with here.database.write() as tx:
            throttle.count(tx, limits, now)
        raise errors.Unauthenticated("The name or the password is wrong.")
    with here.database.write() as tx:
        throttle.forget(tx, by_name)
        return _signed_in(tx, accounts.admission.admitted(account, here.config, now))


@door(
    doors,
    "POST",
    "/sign-in/guest",
    needs=None,
    body=GuestArrival,
    answers={200: Me},
    problems=(errors.Forbidden, errors.RateLimited),
)
def sign_in_as_guest(tx: Tx, body: GuestArrival) -> Response:
    """Come in as a guest of this browser, with limits and an end; sets the session's cookies."""
    email = None
    if "open" not in hub().config.accounts.sign_in:
        _allow("email")
        if body.email is None:
            raise errors.Invalid([errors.Fault("email", "is needed")])
    if body.email is not None:
        email = accounts.addresses.checked(body.email)
    now = hub().clock()
    return _signed_in(tx, accounts.guests.arrive(tx, hub().config, email, guard.address(), now))


@door(doors, "GET", "/me/return-link", answers={200: ReturnLink}, problems=(errors.NotFound,))
def get_return_link(tx: Tx) -> ReturnLink:
    """The link that brings a guest back from any browser."""
    me = caller()
    _no_looker()
    if not me.account.guest or me.account.expires_at is None or me.via != "session":
        raise errors.NotFound("only a guest's own browser has a return link")
    secret = accounts.guests.return_secret(me.account, hub().keyring.mac)
    return ReturnLink(f"{hub().config.hub.url}/sign-in#token={secret}", me.account.expires_at)


@door(
    doors,
    "POST",
    "/sign-in/link",
    needs=None,
    body=Link,
    answers={200: Me},
    problems=(errors.Unauthenticated, errors.RateLimited, errors.RegistrationClosed, errors.AccountWaiting),
    tx="none",
)
def sign_in_with_link(body: Link) -> Response:
    """Sign in with the token of a one-time link, or of a guest's return link; sets the session's cookies."""
    here, now = hub(), hub().clock()
    with here.database.write() as tx:
        if body.token.startswith(accounts.addresses.PREFIX):
            _allow("link")
            account = accounts.admission.enter_by_address(tx, body.token, here.config, now)
        elif body.token.startswith(accounts.guests.PREFIX):
            account = accounts.guests.come_back(tx, body.token, here.config, here.keyring.mac, now)
        else:
            account = accounts.use_link(tx, body.token, now)
    # Whoever waits for an approval has to be in the store before they are told so.
    accounts.admission.admitted(account, here.config, now)
    with here.database.write() as tx:
        return _signed_in(tx, account)


@door(doors, "POST", "/sign-out", answers={204: None}, while_looking=True)
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


@door(doors, "PATCH", "/me", body=MyEdit, answers={200: Me}, problems=(errors.RateLimited,))
def edit_me(tx: Tx, body: MyEdit) -> Me:
    """Change my own display name or e-mail address; another address is to be confirmed by a letter."""
    _whole_account()
    members = {name: value for name, value in given(body).items() if value is not None or name == "email"}
    me, now = caller(), hub().clock()
    changed = "email" in members and members["email"] != me.account.email
    if changed and members["email"] is not None:
        members["email"] = accounts.addresses.checked(members["email"])
    account = accounts.edit(tx, me.account.id, members)
    if changed:
        accounts.addresses.ask_to_verify(tx, account, hub().config, now)
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


def _allow(way: SignIn) -> None:
    """
    Raises:
        Forbidden: one does not sign in so here.
    """
    if way not in hub().config.accounts.sign_in:
        raise errors.Forbidden("This way to sign in is not switched on here (accounts.sign_in).")


def _no_looker() -> None:
    if caller().looker is not None:
        raise errors.ReadOnlyLook


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
        looker=who.looker.name if who.looker else None,
    )
