"""Doors for accounts: people register, administrators make, admit, edit and remove them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import accounts
from alongside.hub.accounts import throttle
from alongside.hub.api.guard import address, admitted, caller, door, given, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.accounts import Account, Limits, Role, Standing
from alongside.spec.admission import AuditEntry

doors = APIBlueprint("accounts", __name__, tag="Accounts")

Text = Annotated[str, Field(max_length=200)]
Number = Annotated[float | None, Field(ge=0, le=1e6)]


@values.strict
@dataclass(frozen=True)
class WantedLimits:
    """null: what the account's class gives, and then what this hub gives everyone."""

    running: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    cpus: Number = None
    memory_gb: Number = None
    gpus: Annotated[int | None, Field(ge=0, le=10_000)] = None
    #: how long a run may last before it pauses by itself
    lifetime_s: Annotated[float | None, Field(gt=0, le=31_536_000)] = None
    home_gb: Number = None

    def limits(self) -> Limits:
        return Limits(self.running, self.cpus, self.memory_gb, self.gpus, self.lifetime_s, self.home_gb)


ClassName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


@values.strict
@dataclass(frozen=True)
class NewAccount:
    name: Annotated[str, Field(pattern=accounts.NAME_PATTERN)]
    #: an administrator chooses it; who registers is a `user`
    role: Role = "user"
    display_name: Text = ""
    email: Text | None = None
    password: Annotated[str | None, Field(min_length=8, max_length=1024)] = None
    #: an administrator's to give
    limits: WantedLimits = field(default_factory=WantedLimits)
    #: an administrator's to give
    account_class: ClassName | None = None
    #: of who registers: the secret of an invitation
    invitation: Annotated[str, Field(max_length=200)] = ""


@values.strict
@dataclass(frozen=True)
class AccountEdit:
    """Members that are left out stay as they are."""

    role: Role | None = None
    display_name: Text | None = None
    email: Text | None = None
    active: bool | None = None
    limits: WantedLimits | None = None
    account_class: ClassName | None = None
    password: Annotated[str | None, Field(min_length=8, max_length=1024)] = None


@dataclass(frozen=True)
class SigninLink:
    url: str
    expires_at: datetime


@dataclass(frozen=True)
class AccountQuery(Paging):
    #: `waiting`: those who ask for an account
    standing: Standing | None = None


@door(doors, "GET", "/accounts", needs="admin", query=AccountQuery, answers={200: Page[Account]})
def list_accounts(tx: Tx, query: AccountQuery) -> Page[Account]:
    """All accounts, oldest first."""
    found = accounts.page(tx, query.after, query.fetch, standing=query.standing)
    return query.page(found, lambda account: account.id)


def _hashed(body: NewAccount | AccountEdit) -> str | None:
    if isinstance(body, NewAccount) and admitted() is None:
        # To hash a password is work: strangers cause it only as often as they may register.
        accounts.admission.check_open(hub().config)
        with hub().database.read() as tx:
            throttle.check(tx, [throttle.REGISTRATIONS.of(address())], hub().clock())
    return hub().passwords.hashed(body.password) if body.password is not None else None


@door(
    doors,
    "POST",
    "/accounts",
    needs=None,
    more_with="admin",
    body=NewAccount,
    answers={201: Account},
    problems=(
        errors.NameTaken,
        errors.RegistrationClosed,
        errors.Forbidden,
        errors.CsrfFailed,
        errors.RateLimited,
        errors.IdempotencyMismatch,
    ),
    before=_hashed,
)
def create_account(tx: Tx, body: NewAccount, prepared: str | None) -> Account:
    """Register, under this hub's policy; or, as an administrator, make an account for somebody.

    Without a password its owner comes in by a one-time link.
    """
    now, admin = hub().clock(), admitted()
    if admin is None:
        return _register(tx, body, prepared)
    accounts.auditing.note(tx, now, admin.account.name, "create", body.name, f"role {body.role}")
    return accounts.create(
        tx,
        now,
        account_class=body.account_class,
        name=body.name,
        role=body.role,
        display_name=body.display_name,
        email=body.email,
        limits=body.limits.limits(),
        password_hash=prepared,
    )


def _register(tx: Tx, body: NewAccount, password_hash: str | None) -> Account:
    if body.role != "user" or body.limits != WantedLimits() or body.account_class is not None:
        raise errors.Forbidden("role, limits and class of an account are an administrator's to give")
    now, limit = hub().clock(), throttle.REGISTRATIONS.of(address())
    throttle.check(tx, [limit], now)
    throttle.count(tx, [limit], now)
    return accounts.admission.register(
        tx,
        now,
        hub().config,
        name=body.name,
        display_name=body.display_name,
        email=body.email or None,
        password_hash=password_hash,
        invitation=body.invitation,
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
    if "active" in members:
        _note(tx, "activate" if members.pop("active") else "deactivate", account)
    if members:
        _note(tx, "edit", account, ", ".join(sorted(members)))
    if prepared is not None:
        accounts.change_password(tx, id, prepared, keep_session=None)
        _note(tx, "set_password", account)
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
    _note(tx, "delete", accounts.get(tx, id))
    accounts.remove(tx, id)


@door(
    doors,
    "POST",
    "/accounts/<id>/approve",
    needs="admin",
    answers={200: Account},
    problems=(errors.AccountUnknown,),
)
def approve_account(tx: Tx, id: str) -> Account:
    """Admit somebody who asks for an account; they are told by mail."""
    account = accounts.admission.approve(tx, id, hub().config, hub().clock())
    _note(tx, "approve", account)
    return account


@door(
    doors,
    "POST",
    "/accounts/<id>/refuse",
    needs="admin",
    answers={200: Account},
    problems=(errors.AccountUnknown, errors.StateConflict),
)
def refuse_account(tx: Tx, id: str) -> Account:
    """Say no to somebody who asks for an account; they are told by mail."""
    account = accounts.admission.refuse(tx, id, hub().config, hub().clock())
    _note(tx, "refuse", account)
    return account


@door(
    doors,
    "POST",
    "/accounts/<id>/look",
    needs="admin",
    answers={200: Account},
    problems=(errors.AccountUnknown,),
)
def look_as_account(tx: Tx, id: str) -> Account:
    """See what this person sees, for a while, in this browser session; nothing can be changed so."""
    return accounts.acting.look_as(tx, caller(), id, hub().config.accounts.look_minutes, hub().clock())


@door(doors, "DELETE", "/look", answers={204: None}, while_looking=True)
def end_look(tx: Tx) -> None:
    """Be oneself again."""
    accounts.acting.look_away(tx, caller(), hub().clock())


@dataclass(frozen=True)
class AuditQuery:
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    #: entries older than this one
    before: Annotated[int | None, Field(ge=0, le=10**15)] = None
    #: name of an account
    thing: Annotated[str | None, Field(max_length=128)] = None


@dataclass(frozen=True)
class AuditRecord:
    #: newest first
    items: tuple[AuditEntry, ...]


@door(doors, "GET", "/audit", needs="admin", query=AuditQuery, answers={200: AuditRecord})
def list_audit(tx: Tx, query: AuditQuery) -> AuditRecord:
    """What administrators did to accounts, and who left, newest first."""
    return AuditRecord(tuple(accounts.auditing.entries(tx, query.before, query.limit, thing=query.thing)))


def _note(tx: Tx, action: accounts.auditing.Act, account: Account, detail: str = "") -> None:
    accounts.auditing.note(tx, hub().clock(), caller().account.name, action, account.name, detail)


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
    _note(tx, "sign_in_link", accounts.get(tx, id))
    # Behind the #: no server and no log on the way sees it.
    return SigninLink(f"{settings.url}/sign-in#token={quote(secret)}", expires_at)
