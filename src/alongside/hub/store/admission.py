"""Rows of coming in: invitations, links sent to addresses, identities of outside providers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import address_links, invitations, outside_identities
from alongside.spec.admission import Invitation


@dataclass(frozen=True)
class AddressLink:
    """What a link that was sent to an address is for."""

    purpose: str
    email: str
    #: None: nobody had this address when it was sent
    account: str | None


def add_invitation(tx: Tx, new: Invitation, secret_hash: str) -> None:
    tx.execute(
        insert(invitations).values(
            id=new.id,
            secret_hash=secret_hash,
            email=new.email,
            account_class=new.account_class,
            group_id=new.group,
            note=new.note,
            uses_left=new.uses_left,
            created_by=new.created_by,
            created_at=new.created_at,
            expires_at=new.expires_at,
        )
    )


def invitation(tx: Tx, secret_hash: str) -> Invitation | None:
    row = tx.execute(select(invitations).where(invitations.c.secret_hash == secret_hash)).first()
    return None if row is None else _invitation(row)


def invitation_page(tx: Tx, after: str | None, limit: int) -> list[Invitation]:
    query = select(invitations).where(invitations.c.id > (after or "")).order_by(invitations.c.id)
    return [_invitation(row) for row in tx.execute(query.limit(limit))]


def use_invitation(tx: Tx, invitation_id: str) -> bool:
    """Take one use of it; False when none is left."""
    used = tx.execute(
        update(invitations)
        .where(invitations.c.id == invitation_id, invitations.c.uses_left > 0)
        .values(uses_left=invitations.c.uses_left - 1)
    )
    return used.rowcount > 0


def remove_invitation(tx: Tx, invitation_id: str) -> bool:
    return tx.execute(delete(invitations).where(invitations.c.id == invitation_id)).rowcount > 0


def add_link(
    tx: Tx, link_id: str, link: AddressLink, secret_hash: str, now: datetime, until: datetime
) -> None:
    tx.execute(
        insert(address_links).values(
            id=link_id,
            secret_hash=secret_hash,
            purpose=link.purpose,
            email=link.email,
            account_id=link.account,
            created_at=now,
            expires_at=until,
        )
    )


def use_link(tx: Tx, secret_hash: str, purpose: str, now: datetime) -> AddressLink | None:
    """The link if it is unused and has not ended; it is used from now on."""
    row = tx.execute(
        update(address_links)
        .where(
            address_links.c.secret_hash == secret_hash,
            address_links.c.purpose == purpose,
            address_links.c.used_at.is_(None),
            address_links.c.expires_at > now,
        )
        .values(used_at=now)
        .returning(address_links.c.purpose, address_links.c.email, address_links.c.account_id)
    ).first()
    return None if row is None else AddressLink(row.purpose, row.email, row.account_id)


def remove_expired(tx: Tx, now: datetime) -> None:
    tx.execute(delete(address_links).where(address_links.c.expires_at < now))


def identity(tx: Tx, issuer: str, subject: str) -> str | None:
    """The account that an outside provider calls `subject`."""
    return tx.execute(
        select(outside_identities.c.account_id).where(
            outside_identities.c.issuer == issuer, outside_identities.c.subject == subject
        )
    ).scalar_one_or_none()


def add_identity(tx: Tx, issuer: str, subject: str, account_id: str, now: datetime) -> None:
    tx.execute(
        insert(outside_identities).values(
            issuer=issuer, subject=subject, account_id=account_id, created_at=now
        )
    )


def identities_of(tx: Tx, account_id: str) -> list[tuple[str, str]]:
    query = select(outside_identities.c.issuer, outside_identities.c.subject).where(
        outside_identities.c.account_id == account_id
    )
    return [(row.issuer, row.subject) for row in tx.execute(query)]


def drop_identities(tx: Tx, account_id: str) -> None:
    tx.execute(delete(outside_identities).where(outside_identities.c.account_id == account_id))


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(
        id=row.id,
        email=row.email,
        account_class=row.account_class,
        group=row.group_id,
        note=row.note,
        uses_left=row.uses_left,
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
