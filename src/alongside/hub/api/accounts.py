"""Doors for accounts: administrators make, edit and remove them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import accounts
from alongside.hub.api.guard import door, given, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.accounts import Account, Limits, Role

doors = APIBlueprint("accounts", __name__, tag="Accounts")

Text = Annotated[str, Field(max_length=200)]
Number = Annotated[float | None, Field(ge=0, le=1e6)]


@values.strict
@dataclass(frozen=True)
class WantedLimits:
    """null: what this hub gives everyone."""

    running: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    cpus: Number = None
    memory_gb: Number = None

    def limits(self) -> Limits:
        return Limits(self.running, self.cpus, self.memory_gb)


@values.strict
@dataclass(frozen=True)
class NewAccount:
    name: Annotated[str, Field(pattern=accounts.NAME_PATTERN)]
    role: Role
    display_name: Text = ""
    email: Text | None = None
    password: Annotated[str | None, Field(min_length=8, max_length=1024)] = None
    limits: WantedLimits = field(default_factory=WantedLimits)


@values.strict
@dataclass(frozen=True)
class AccountEdit:
    """Members that are left out stay as they are."""

    role: Role | None = None
    display_name: Text | None = None
    email: Text | None = None
    active: bool | None = None
    limits: WantedLimits | None = None
    password: Annotated[str | None, Field(min_length=8, max_length=1024)] = None


@dataclass(frozen=True)
class SigninLink:
    url: str
    expires_at: datetime


@door(doors, "GET", "/accounts", needs="admin", query=Paging, answers={200: Page[Account]})
def list_accounts(tx: Tx, query: Paging) -> Page[Account]:
    """All accounts, oldest first."""
    return query.page(accounts.page(tx, query.after, query.fetch), lambda account: account.id)


def _hashed(body: NewAccount | AccountEdit) -> str | None:
    return hub().passwords.hashed(body.password) if body.password is not None else None


@door(
    doors,
    "POST",
    "/accounts",
    needs="admin",
    body=NewAccount,
    answers={201: Account},
    problems=(errors.NameTaken,),
    before=_hashed,
)
def create_account(tx: Tx, body: NewAccount, prepared: str | None) -> Account:
    """Make an account; without a password its owner comes in by a one-time link."""
    return accounts.create(
        tx,
        hub().clock(),
        name=body.name,
        role=body.role,
        display_name=body.display_name,
        email=body.email,
        limits=body.limits.limits(),
        password_hash=prepared,
    )


@door(
    doors, "GET", "/accounts/<id>", needs="admin", answers={200: Account}, problems=(errors.AccountUnknown,)
)
def get_account(tx: Tx, id: str) -> Account:
    """One account."""
    return accounts.get(tx, id)


@door(
    doors,
    "PATCH",
    "/accounts/<id>",
    needs="admin",
    body=AccountEdit,
    answers={200: Account},
    problems=(errors.AccountUnknown, errors.InUse),
    before=_hashed,
)
def edit_account(tx: Tx, id: str, body: AccountEdit, prepared: str | None) -> Account:
    """Change an account; one that is no longer active is signed out everywhere."""
    members: dict[str, Any] = {
        name: value for name, value in given(body).items() if value is not None or name == "email"
    }
    members.pop("password", None)
    if body.limits is not None:
        members["limits"] = body.limits.limits()
    account = accounts.edit(tx, id, members)
    if prepared is not None:
        accounts.change_password(tx, id, prepared, keep_session=None)
    return account


@door(
    doors,
    "DELETE",
    "/accounts/<id>",
    needs="admin",
    answers={204: None},
    problems=(errors.AccountUnknown, errors.InUse),
)
def delete_account(tx: Tx, id: str) -> None:
    """Remove an account that has no runs."""
    accounts.remove(tx, id)


@door(
    doors,
    "POST",
    "/accounts/<id>/sign-in-link",
    needs="admin",
    answers={201: SigninLink},
    problems=(errors.AccountUnknown,),
    secret=True,
)
def create_signin_link(tx: Tx, id: str) -> SigninLink:
    """A link that signs in as this account, once."""
    settings = hub().config.hub
    secret, expires_at = accounts.create_link(tx, id, settings.link_minutes, hub().clock())
    return SigninLink(f"{settings.url}/sign-in?token={quote(secret)}", expires_at)
