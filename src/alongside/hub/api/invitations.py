"""Doors for invitations: administrators make links that admit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import accounts
from alongside.hub.api.guard import caller, door, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.accounts import STANDARD
from alongside.spec.admission import Invitation

doors = APIBlueprint("invitations", __name__, tag="Accounts")


@values.strict
@dataclass(frozen=True)
class WantedInvitation:
    #: null: whoever holds the link
    email: Annotated[str | None, Field(max_length=200)] = None
    account_class: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")] = STANDARD
    #: id of a group that they join
    group: Annotated[str | None, Field(max_length=26)] = None
    note: Annotated[str, Field(max_length=500)] = ""
    uses: Annotated[int, Field(ge=1, le=10_000)] = 1
    #: null: as long as this hub allows
    days: Annotated[int | None, Field(ge=1, le=365)] = None


@dataclass(frozen=True)
class MadeInvitation:
    invitation: Invitation
    #: shown once
    url: str
    #: whether it was mailed to its address
    sent: bool


@door(doors, "GET", "/invitations", needs="admin", query=Paging, answers={200: Page[Invitation]})
def list_invitations(tx: Tx, query: Paging) -> Page[Invitation]:
    """Invitations, oldest first, without their secrets."""
    return query.page(accounts.inviting.page(tx, query.after, query.fetch), lambda found: found.id)


@door(
    doors,
    "POST",
    "/invitations",
    needs="admin",
    body=WantedInvitation,
    answers={201: MadeInvitation},
    problems=(errors.GroupUnknown, errors.RegistrationClosed),
    secret=True,
)
def create_invitation(tx: Tx, body: WantedInvitation) -> MadeInvitation:
    """Make a link that admits; it is mailed where it names an address and mail can be sent."""
    config, me, now = hub().config, caller().account, hub().clock()
    if config.accounts.registration == "closed":
        raise errors.RegistrationClosed("Nobody registers here (accounts.registration is closed).")
    days = min(body.days or config.accounts.invitation_days, config.accounts.invitation_days)
    made = accounts.inviting.invite(
        tx,
        me,
        email=body.email,
        account_class=body.account_class,
        group=body.group,
        note=body.note,
        uses=body.uses,
        days=days,
        now=now,
    )
    url = f"{config.hub.url}/register#invitation={made.secret}"
    sent = made.invitation.email is not None and bool(config.mail.host)
    if sent:
        accounts.inviting.send(tx, made, url, me, now)
    accounts.auditing.note(
        tx, now, me.name, "invite", made.invitation.id, body.email or f"{body.uses} uses", kind="invitation"
    )
    return MadeInvitation(made.invitation, url, sent)


@door(
    doors,
    "DELETE",
    "/invitations/<id>",
    needs="admin",
    answers={204: None},
    problems=(errors.InvitationUnknown,),
)
def revoke_invitation(tx: Tx, id: str) -> None:
    """Take an invitation back; who registered with it stays."""
    accounts.inviting.revoke(tx, id)
    now = hub().clock()
    accounts.auditing.note(tx, now, caller().account.name, "revoke_invitation", id, kind="invitation")
