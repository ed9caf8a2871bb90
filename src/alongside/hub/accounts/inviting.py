"""Invitations: a link that admits, for one address or for whoever holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from alongside.errors import Fault, Invalid, InvitationUnknown
from alongside.hub import couriers
from alongside.hub.accounts import groups
from alongside.hub.store import admission as store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import hashed, new_id, new_secret
from alongside.spec import admission as rules
from alongside.spec.accounts import Account
from alongside.spec.admission import Invitation

PREFIX = "ali_"


@dataclass(frozen=True)
class NewInvitation:
    invitation: Invitation
    #: shown once; after the # of the link, so that no server on the way sees it
    secret: str


def invite(
    tx: Tx,
    by: Account,
    *,
    email: str | None,
    account_class: str,
    group: str | None,
    note: str,
    uses: int,
    days: float,
    now: datetime,
) -> NewInvitation:
    """
    Raises:
        Invalid: the address is none, or is to be used more than once.
        GroupUnknown
    """
    faults: list[Fault] = []
    if email is not None:
        email = rules.address(email)
        if email is None:
            faults.append(Fault("email", "is no e-mail address"))
        if uses != 1:
            faults.append(Fault("uses", "an invitation for one address is used once"))
    if faults:
        raise Invalid(faults)
    if group is not None:
        groups.get_group(tx, group)
    made = Invitation(
        new_id(now), email, account_class, group, note, uses, by.id, now, now + timedelta(days=days)
    )
    secret = new_secret(PREFIX)
    store.add_invitation(tx, made, hashed(secret))
    return NewInvitation(made, secret)


def send(tx: Tx, made: NewInvitation, link: str, by: Account, now: datetime) -> None:
    """Mail the invitation to its address."""
    assert made.invitation.email is not None
    text = (
        f"{by.display_name} invites you to Alongside.\n\n{made.invitation.note}\n\n"
        f"Register here until {made.invitation.expires_at:%d %B %Y, %H:%M} UTC:\n{link}\n"
    )
    couriers.send(tx, made.invitation.email, "You are invited to Alongside", text, now)


def page(tx: Tx, after: str | None, limit: int) -> list[Invitation]:
    return store.invitation_page(tx, after, limit)


def revoke(tx: Tx, invitation_id: str) -> None:
    """
    Raises:
        InvitationUnknown
    """
    if not store.remove_invitation(tx, invitation_id):
        raise InvitationUnknown


def redeem(tx: Tx, secret: str, email: str | None, now: datetime) -> Invitation:
    """Use the invitation once.

    Raises:
        Invalid: it is none, has ended, is used up or is for somebody else.
    """
    found = store.invitation(tx, hashed(secret))
    if found is None or found.expires_at <= now:
        raise Invalid([Fault("invitation", "is unknown, was revoked or has ended; ask for a new one")])
    if found.email is not None and found.email != email:
        raise Invalid([Fault("email", "must be the address that the invitation was made for")])
    if not store.use_invitation(tx, found.id):
        raise Invalid([Fault("invitation", "was used already; ask for a new one")])
    return found
