"""Doors for e-mail addresses: sign-in links, confirmation, forgotten passwords. None tells who is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from alongside import errors, values
from alongside.hub import accounts
from alongside.hub.accounts import throttle
from alongside.hub.api.guard import address, caller, door, hub
from alongside.hub.doors import Tx

doors = APIBlueprint("addresses", __name__, tag="Sign-in and own account")

Secret = Annotated[str, Field(max_length=1024)]


@values.strict
@dataclass(frozen=True)
class AskedAddress:
    email: Annotated[str, Field(max_length=200)]


@values.strict
@dataclass(frozen=True)
class AddressProof:
    token: Secret


@values.strict
@dataclass(frozen=True)
class NewPassword:
    token: Secret
    password: Annotated[str, Field(min_length=8, max_length=1024)]


@dataclass(frozen=True)
class Confirmed:
    email: str
    #: whether its owner may sign in now
    admitted: bool


@door(
    doors,
    "POST",
    "/sign-in/ask",
    needs=None,
    body=AskedAddress,
    answers={202: None},
    problems=(errors.RateLimited, errors.Forbidden),
)
def ask_for_sign_in_link(tx: Tx, body: AskedAddress) -> Response:
    """Send a one-time sign-in link to this address; the answer is the same whether it is known."""
    if "link" not in hub().config.accounts.sign_in:
        raise errors.Forbidden("Nobody signs in by e-mail link here (accounts.sign_in).")
    email, now = _asked(tx, body.email), hub().clock()
    accounts.admission.ask_for_link(tx, email, hub().config, now)
    return Response(status=202)


@door(
    doors,
    "POST",
    "/password-reset",
    needs=None,
    body=AskedAddress,
    answers={202: None},
    problems=(errors.RateLimited,),
)
def ask_for_password_reset(tx: Tx, body: AskedAddress) -> Response:
    """Send a link to set a new password; the answer is the same whether the address is known."""
    email, now = _asked(tx, body.email), hub().clock()
    accounts.addresses.ask_for_reset(tx, email, hub().config, now)
    return Response(status=202)


def _hashed(body: NewPassword) -> str:
    limit, now = throttle.PASSWORDS_SET.of(address()), hub().clock()
    with hub().database.write() as tx:
        throttle.check(tx, [limit], now)
        throttle.count(tx, [limit], now)
    return hub().passwords.hashed(body.password)


@door(
    doors,
    "POST",
    "/password-reset/finish",
    needs=None,
    body=NewPassword,
    answers={204: None},
    problems=(errors.Unauthenticated, errors.RateLimited),
    before=_hashed,
)
def reset_password(tx: Tx, body: NewPassword, prepared: str) -> None:
    """Set a new password with the token of a letter; every session of before ends."""
    now = hub().clock()
    account = accounts.addresses.reset(tx, body.token, prepared, hub().config, now)
    accounts.auditing.note(tx, now, account.name, "reset_password", account.name)


@door(
    doors,
    "POST",
    "/addresses/confirm",
    needs=None,
    body=AddressProof,
    answers={200: Confirmed},
    problems=(errors.Unauthenticated,),
)
def confirm_address(tx: Tx, body: AddressProof) -> Confirmed:
    """Prove an address with the token of a letter."""
    account = accounts.addresses.verify(tx, body.token, hub().config, hub().clock())
    return Confirmed(account.email or "", account.may_enter(hub().clock()))


@door(
    doors,
    "POST",
    "/me/confirm-address",
    answers={202: None},
    problems=(errors.RateLimited, errors.StateConflict),
)
def ask_to_confirm_my_address(tx: Tx) -> Response:
    """Send the letter that confirms my address again."""
    account = caller().account
    if account.email is None or account.email_verified or not hub().config.mail.host:
        raise errors.StateConflict("there is no address to confirm, or no mail can be sent here")
    accounts.addresses.ask_to_verify(tx, account, hub().config, hub().clock())
    return Response(status=202)


def _asked(tx: Tx, email: str) -> str:
    """
    Raises:
        Invalid: it is no address.
        RateLimited: too many letters were asked for, to this address or from where this comes from.
    """
    found, now = accounts.addresses.checked(email), hub().clock()
    limits = [throttle.LETTERS_FROM.of(address()), throttle.ASKED_FOR.of(found)]
    throttle.check(tx, limits, now)
    throttle.count(tx, limits, now)
    return found
