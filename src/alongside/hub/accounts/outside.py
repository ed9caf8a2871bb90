"""People whom an outside provider (OpenID Connect) vouches for, known by issuer and subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alongside.config import Config
from alongside.hub.accounts import admission
from alongside.hub.store import accounts as store
from alongside.hub.store import admission as links
from alongside.hub.store.database import Tx
from alongside.spec import admission as rules
from alongside.spec.accounts import Account


@dataclass(frozen=True)
class Outsider:
    """What a validated id token says."""

    issuer: str
    subject: str
    email: str | None = None
    email_verified: bool = False
    name: str = ""
    username: str = ""


def enter(tx: Tx, who: Outsider, config: Config, now: datetime) -> Account:
    """The account of this identity; made on first sight, where the policy allows.

    An address leads to an account that exists only where the provider is trusted with its domain:
    otherwise whoever runs a provider could enter any account. It may have to wait: ask
    `admission.admitted`, after this is committed.

    Raises:
        RegistrationClosed
    """
    known = links.identity(tx, who.issuer, who.subject)
    account = store.get(tx, known) if known else None
    if account is None:
        account = _first_time(tx, who, config, now)
        links.add_identity(tx, who.issuer, who.subject, account.id, now)
    return account


def _first_time(tx: Tx, who: Outsider, config: Config, now: datetime) -> Account:
    email = rules.address(who.email) if who.email else None
    owner = store.by_verified_address(tx, email) if email else None
    believed = email is not None and rules.in_domains(email, config.oidc.trusted_domains)
    if owner is not None and who.email_verified and believed:
        return owner
    return admission.newcomer(
        tx,
        now,
        config,
        wanted=who.username or email or who.name,
        email=email,
        verified=who.email_verified and email is not None and owner is None,
        display_name=who.name[:200],
        admit=config.oidc.admits_all,
    )
