"""How people come to have an account: under the deployment's policy, or by an administrator's word."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from alongside.config import Config
from alongside.errors import (
    AccountWaiting,
    Fault,
    Invalid,
    NameTaken,
    RateLimited,
    RegistrationClosed,
    Unauthenticated,
)
from alongside.hub import couriers, notices
from alongside.hub.accounts import addresses, groups, inviting, people
from alongside.hub.store import accounts as store
from alongside.hub.store import changes
from alongside.hub.store.database import Tx
from alongside.spec import admission as rules
from alongside.spec.accounts import Account
from alongside.spec.admission import Policy, SignIn, WaitsFor

NAMES_TRIED = 200


@dataclass(frozen=True)
class Ways:
    """How one may come in here: what the sign-in page shows."""

    sign_in: tuple[SignIn, ...]
    registration: Policy
    email_domains: tuple[str, ...]
    #: letters can be sent: a forgotten password can be set anew
    mail: bool
    #: what the button of the OpenID Connect provider says
    oidc_title: str
    guest_hours: float


def ways(config: Config) -> Ways:
    settings = config.accounts
    return Ways(
        sign_in=settings.sign_in,  # type: ignore[arg-type]
        registration=settings.registration,  # type: ignore[arg-type]
        email_domains=settings.email_domains,
        mail=bool(config.mail.host),
        oidc_title=config.oidc.title or config.oidc.issuer.partition("://")[2].partition("/")[0],
        guest_hours=config.guests.hours,
    )


def check_open(config: Config) -> None:
    """
    Raises:
        RegistrationClosed: nobody registers here.
    """
    if config.accounts.registration == "closed":
        raise RegistrationClosed("Nobody registers here; ask an administrator for an account.")


def register(
    tx: Tx,
    now: datetime,
    config: Config,
    *,
    name: str,
    display_name: str,
    email: str | None,
    password_hash: str | None,
    invitation: str,
) -> Account:
    """A new person asks for an account.

    Nothing is said of whether an address is known: two accounts may name the same one until it is proven.

    Raises:
        RegistrationClosed: nobody registers here, or not so.
        Invalid: the address or the invitation will not do.
        NameTaken
    """
    check_open(config)
    settings = config.accounts
    faults = list[Fault]()
    if email is not None and rules.address(email) is None:
        faults.append(Fault("email", "is no e-mail address"))
    by_domain = settings.registration == "domain" and not invitation and not faults
    if by_domain and not (email and rules.in_domains(email, settings.email_domains)):
        faults.append(Fault("email", f"must be an address at {' or '.join(settings.email_domains)}"))
    if settings.registration == "invitation" and not invitation:
        faults.append(Fault("invitation", "is needed here; ask somebody for one"))
    if password_hash is None and "password" in settings.sign_in and "link" not in settings.sign_in:
        faults.append(Fault("password", "is needed"))
    if faults:
        raise Invalid(faults)
    address = rules.address(email) if email is not None else None
    invited = inviting.redeem(tx, invitation, address, now) if invitation else None
    standing, waits_for = rules.first_standing(
        settings.registration,  # type: ignore[arg-type]
        invited=invited is not None,
        email=address,
        verified=False,
        domains=settings.email_domains,
    )
    account = people.create(
        tx,
        now,
        name=name,
        role="user",
        display_name=display_name,
        email=address,
        password_hash=password_hash,
        standing=standing,
        account_class=invited.account_class if invited else None,
    )
    if invited and invited.group:
        groups.add_member(tx, invited.group, account.id)
    addresses.ask_to_verify(tx, account, config, now)
    _tell_administrators(tx, account, waits_for, now)
    return account


def enter_by_address(tx: Tx, secret: str, config: Config, now: datetime) -> Account:
    """The account of who was sent a sign-in link; made on first use, where the policy allows.

    It may have to wait: ask `admitted`, after this is committed.

    Raises:
        Unauthenticated: the link does not work (any more).
        RegistrationClosed
    """
    link = addresses.take(tx, "sign_in", secret, now)
    account = store.by_verified_address(tx, link.email)
    if account is None:
        account = newcomer(tx, now, config, wanted=link.email, email=link.email, verified=True)
    return account


def ask_for_link(tx: Tx, email: str, config: Config, now: datetime) -> None:
    """Send a sign-in link, if whoever has this address may come in; whoever asks is told nothing."""
    account = store.by_verified_address(tx, email)
    if account is None:
        standing, _ = rules.first_standing(
            config.accounts.registration,  # type: ignore[arg-type]
            invited=False,
            email=email,
            verified=True,
            domains=config.accounts.email_domains,
        )
        if standing == "refused":
            return
    elif not account.active:
        return
    with suppress(RateLimited):
        addresses.send_link(tx, "sign_in", email, account, config, now)


def newcomer(
    tx: Tx,
    now: datetime,
    config: Config,
    *,
    wanted: str,
    email: str | None,
    verified: bool,
    display_name: str = "",
    admit: bool = False,
) -> Account:
    """An account for somebody whom an address or a provider vouches for.

    Raises:
        RegistrationClosed: the policy does not let them in.
    """
    standing, waits_for = rules.first_standing(
        config.accounts.registration,  # type: ignore[arg-type]
        invited=False,
        email=email,
        verified=verified,
        domains=config.accounts.email_domains,
    )
    if admit:
        standing, waits_for = "admitted", ""
    if standing == "refused":
        raise RegistrationClosed("You have no account here; ask an administrator for one.")
    account = people.create(
        tx,
        now,
        name=free_name(tx, wanted),
        role="user",
        display_name=display_name,
        email=email,
        email_verified=verified,
        standing=standing,
    )
    _tell_administrators(tx, account, waits_for, now)
    return account


def free_name(tx: Tx, wanted: str) -> str:
    """
    Raises:
        NameTaken: so many people are called so that no number helps.
    """
    for name in islice(rules.names_for(wanted), NAMES_TRIED):
        if store.by_name(tx, name) is None:
            return name
    raise NameTaken(f"there are too many accounts named like {wanted!r}")


def admitted(account: Account, config: Config, now: datetime) -> Account:
    """The account, if what was just proven lets its owner in.

    Raises:
        AccountWaiting: an administrator, or the address, has to say yes first; or said no.
        Unauthenticated: it was deactivated, or has ended.
    """
    if not account.active or account.deleted_at is not None:
        raise Unauthenticated("This account is not active; ask an administrator.")
    if account.standing == "waiting":
        raise AccountWaiting(standing="waiting", waits_for=waits_for(account, config))
    if account.standing == "refused":
        raise AccountWaiting("Your registration was refused.", standing="refused", waits_for="")
    if not account.may_enter(now):
        raise Unauthenticated("This account has ended.")
    return account


def waits_for(account: Account, config: Config) -> WaitsFor:
    if account.standing != "waiting":
        return ""
    return "address" if config.accounts.registration == "domain" else "approval"


def approve(tx: Tx, account_id: str, config: Config, now: datetime) -> Account:
    """
    Raises:
        AccountUnknown
    """
    account = people.get(tx, account_id)
    if account.standing != "admitted":
        store.change(tx, account_id, {"standing": "admitted"})
        changes.note(tx, "site", "")
        changes.note(tx, "account", account_id)
        if account.email and config.mail.host:
            text = f"Your account {account.name} was approved. Sign in:\n\n{config.hub.url}/sign-in\n"
            couriers.send(tx, account.email, "Your account was approved", text, now)
    return people.get(tx, account_id)


def refuse(tx: Tx, account_id: str, config: Config, now: datetime) -> Account:
    """
    Raises:
        AccountUnknown
        StateConflict: the person was admitted; deactivate the account instead.
    """
    account = people.get(tx, account_id)
    people.refuse(tx, account)
    if account.standing == "waiting" and account.email and config.mail.host:
        text = f"Your registration as {account.name} was not accepted.\n"
        couriers.send(tx, account.email, "Your registration", text, now)
    return people.get(tx, account_id)


def _tell_administrators(tx: Tx, account: Account, waits: WaitsFor, now: datetime) -> None:
    if waits != "approval":
        return
    for admin in store.admins(tx):
        notices.notify(
            tx,
            admin.id,
            "approval",
            f"{account.display_name} asks for an account",
            f"{account.name} ({account.email or 'no address'}) waits for your approval.",
            "/admin/people",
            now,
        )
