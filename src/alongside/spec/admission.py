"""Rules of coming in: which addresses and names are taken, and what a new person's standing is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from alongside.spec.accounts import Standing

Policy = Literal["open", "domain", "invitation", "approval", "closed"]
SignIn = Literal["password", "link", "email", "oidc", "open"]
WaitsFor = Literal["", "address", "approval"]

NAME_MAX = 40
"""Names made from addresses; a number may follow."""
ADDRESS_MAX = 200
#: what mail servers take, more or less: one @, no spaces, a dot in the domain
ADDRESS_PATTERN = r"^[^@\s<>\"(),:;\\\[\]]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$"


@dataclass(frozen=True)
class Invitation:
    id: str
    #: None: whoever holds the link
    email: str | None
    account_class: str
    group: str | None
    note: str
    uses_left: int
    created_by: str | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class AuditEntry:
    """One thing that an administrator did to somebody, or that somebody did for good."""

    seq: int
    at: datetime
    actor: str
    action: str
    kind: str
    thing: str
    detail: str


def address(text: str) -> str | None:
    """The address in the form that is compared; None when it is none."""
    text = text.strip()
    if len(text) > ADDRESS_MAX or not re.fullmatch(ADDRESS_PATTERN, text) or ".." in text:
        return None
    return text.lower()


def in_domains(email: str, domains: Collection[str]) -> bool:
    """Whether the address is at one of the domains; those below them are others."""
    domain = email.rpartition("@")[2].lower()
    return domain in {wanted.strip().lower().removeprefix("@") for wanted in domains}


def first_standing(
    policy: Policy, *, invited: bool, email: str | None, verified: bool, domains: Collection[str]
) -> tuple[Standing, WaitsFor]:
    """How somebody who registers stands, and what they wait for; `refused` when they cannot register."""
    if policy == "closed":
        return "refused", ""
    if invited or policy == "open":
        return "admitted", ""
    if policy == "approval":
        return "waiting", "approval"
    if policy == "domain" and email is not None and in_domains(email, domains):
        return ("admitted", "") if verified else ("waiting", "address")
    return "refused", ""


def names_for(text: str) -> Iterator[str]:
    """Account names for somebody called so (or with this address), the best first, without end."""
    plain = unicodedata.normalize("NFKD", text.partition("@")[0]).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")[:NAME_MAX].strip("-._") or "person"
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1
