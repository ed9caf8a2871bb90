"""People: accounts, groups, access tags, API tokens and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

Role = Literal["admin", "user", "guest"]

Scope = Literal["read", "run", "publish", "admin"]
"""`read` looks, `run` launches and steers runs, `publish` registers datasets and tools,
`admin` does what an administrator may. A browser session holds all that its role allows."""

SCOPES: tuple[Scope, ...] = ("read", "run", "publish", "admin")

ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    "admin": frozenset(SCOPES),
    "user": frozenset({"read", "run", "publish"}),
    "guest": frozenset({"read", "run"}),
}


@dataclass(frozen=True)
class Limits:
    """What one account may hold at a time; None means no limit of that kind."""

    running: int | None = None
    cpus: float | None = None
    memory_gb: float | None = None
    gpus: int | None = None
    #: how long a run may last before it pauses by itself
    lifetime_s: float | None = None
    #: size of a home
    home_gb: float | None = None

    def or_else(self, other: Limits) -> Limits:
        """Each limit that is not set here, from the other."""
        return Limits(
            **{
                item.name: getattr(other, item.name)
                if getattr(self, item.name) is None
                else getattr(self, item.name)
                for item in fields(Limits)
            }
        )


@dataclass(frozen=True)
class AccountClass:
    """Accounts that share limits; a limit of the account itself comes before that of its class."""

    name: str
    title: str
    limits: Limits
    #: how many are in it
    accounts: int = 0


Standing = Literal["admitted", "waiting", "refused"]
"""Whether a person who asked has an account: `waiting` ends with an approval or a verified address."""

STANDARD = "standard"
"""The class of accounts that nobody put into another."""


@dataclass(frozen=True)
class Account:
    id: str
    name: str
    role: Role
    display_name: str
    email: str | None
    active: bool
    limits: Limits
    created_at: datetime
    account_class: str = STANDARD
    email_verified: bool = False
    standing: Standing = "admitted"
    #: an anonymous account of one browser
    guest: bool = False
    #: None: it lasts
    expires_at: datetime | None = None
    deleted_at: datetime | None = None

    def may_enter(self, now: datetime) -> bool:
        """Whether what proves this account opens anything."""
        lasts = self.expires_at is None or now < self.expires_at
        return self.active and lasts and self.standing == "admitted" and self.deleted_at is None


@dataclass(frozen=True)
class Caller:
    """Who is asking: an account, how it proved itself, and the scopes that proof carries."""

    account: Account
    scopes: frozenset[Scope]
    via: Literal["session", "token"]
    #: id of the session or token row
    credential: str
    #: tags held by the account itself or through its groups; admins hold every tag implicitly
    tags: frozenset[str] = frozenset()
    #: the administrator who looks as this account; such a caller changes nothing
    looker: Account | None = None

    @property
    def is_admin(self) -> bool:
        return self.account.role == "admin" and "admin" in self.scopes


@dataclass(frozen=True)
class Group:
    id: str
    name: str
    created_at: datetime
    members: tuple[str, ...] = ()
    #: members who see and steer what the group does
    managers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tag:
    """A thing that carries tags is visible only to those granted one of them."""

    id: str
    name: str
    description: str
    created_at: datetime
    accounts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    #: (`dataset`, id), (`tool`, name) and (`site`, name) pairs
    things: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Token:
    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
