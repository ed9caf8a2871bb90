"""Rows of accounts and of what proves them: passwords, sessions, tokens, one-time links."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, union, update

from alongside import values
from alongside.hub.store.database import Tx
from alongside.hub.store.schema import (
    accounts,
    address_links,
    datasets,
    group_members,
    groups,
    outside_identities,
    runs,
    sessions,
    signin_links,
    tag_accounts,
    tag_groups,
    tags,
    tokens,
)
from alongside.spec.accounts import Account, Limits, Standing, Token
from alongside.spec.runs import ACTIVE


@dataclass(frozen=True)
class Session:
    id: str
    account: Account
    csrf: str
    expires_at: datetime
    #: the account as which this one looks, and how long
    acting: str | None = None
    acting_until: datetime | None = None


@dataclass(frozen=True)
class Held:
    """What an account's active runs hold together."""

    running: int
    cpus: float
    memory_gb: float
    gpus: int


def get(tx: Tx, account_id: str) -> Account | None:
    return _one(tx, accounts.c.id == account_id)


def by_name(tx: Tx, name: str) -> Account | None:
    return _one(tx, accounts.c.name == name)


def by_verified_address(tx: Tx, email: str) -> Account | None:
    return _one(tx, (func.lower(accounts.c.email) == email) & accounts.c.email_verified.is_(True))


def by_address(tx: Tx, email: str) -> Account | None:
    """Whose address it is: who proved it, or the only one who named it."""
    rows = tx.execute(select(accounts).where(func.lower(accounts.c.email) == email).limit(50)).all()
    proven = [row for row in rows if row.email_verified]
    found = proven or [row for row in rows if row.active and not row.guest]
    return _account(found[0]) if len(found) == 1 else None


def page(tx: Tx, after: str | None, limit: int, *, standing: Standing | None = None) -> list[Account]:
    query = select(accounts).where(accounts.c.deleted_at.is_(None)).order_by(accounts.c.id).limit(limit)
    if after is not None:
        query = query.where(accounts.c.id > after)
    if standing is not None:
        query = query.where(accounts.c.standing == standing)
    return [_account(row) for row in tx.execute(query)]


def admins(tx: Tx) -> list[Account]:
    query = select(accounts).where(accounts.c.role == "admin", accounts.c.active.is_(True))
    return [_account(row) for row in tx.execute(query.order_by(accounts.c.id))]


def expired(tx: Tx, now: datetime, limit: int) -> list[Account]:
    """Accounts that ended and were not buried yet."""
    query = select(accounts).where(accounts.c.expires_at <= now, accounts.c.deleted_at.is_(None))
    return [_account(row) for row in tx.execute(query.order_by(accounts.c.expires_at).limit(limit))]


def bury(tx: Tx, account_id: str, name: str, now: datetime) -> None:
    """Take away everything that says who it was."""
    tx.execute(
        update(accounts)
        .where(accounts.c.id == account_id)
        .values(
            name=name,
            display_name="Somebody who left",
            email=None,
            email_verified=False,
            password_hash=None,
            active=False,
            role="user",
            deleted_at=now,
        )
    )
    for table in (group_members, tag_accounts, outside_identities, signin_links, address_links):
        tx.execute(delete(table).where(table.c.account_id == account_id))
    tx.execute(update(datasets).where(datasets.c.created_by == account_id).values(created_by=None))


def add(tx: Tx, account: Account, password_hash: str | None) -> None:
    tx.execute(
        insert(accounts).values(
            id=account.id,
            name=account.name,
            role=account.role,
            display_name=account.display_name,
            email=account.email,
            active=account.active,
            limits=values.dump(account.limits),
            password_hash=password_hash,
            created_at=account.created_at,
            account_class=account.account_class,
            email_verified=account.email_verified,
            standing=account.standing,
            guest=account.guest,
            expires_at=account.expires_at,
        )
    )


def change(tx: Tx, account_id: str, members: dict[str, Any]) -> None:
    stored = {name: values.dump(value) if name == "limits" else value for name, value in members.items()}
    if stored:
        tx.execute(update(accounts).where(accounts.c.id == account_id).values(**stored))


def remove(tx: Tx, account_id: str) -> None:
    tx.execute(delete(accounts).where(accounts.c.id == account_id))


def has_runs(tx: Tx, account_id: str) -> bool:
    return tx.execute(select(runs.c.id).where(runs.c.account_id == account_id).limit(1)).first() is not None


def other_admins(tx: Tx, account_id: str) -> int:
    """Active administrators besides this one."""
    return tx.execute(
        select(func.count()).where(
            accounts.c.role == "admin", accounts.c.active.is_(True), accounts.c.id != account_id
        )
    ).scalar_one()


def password_hash(tx: Tx, account_id: str) -> str | None:
    return tx.execute(
        select(accounts.c.password_hash).where(accounts.c.id == account_id)
    ).scalar_one_or_none()


def tag_names(tx: Tx, account_id: str) -> frozenset[str]:
    """Tags granted to the account itself or to a group that it is in."""
    # asked with every request: a subquery of a union would be built anew each time, at ten times the cost
    own = (
        select(tags.c.name)
        .join(tag_accounts, tag_accounts.c.tag_id == tags.c.id)
        .where(tag_accounts.c.account_id == account_id)
    )
    through_groups = (
        select(tags.c.name)
        .join(tag_groups, tag_groups.c.tag_id == tags.c.id)
        .join(group_members, group_members.c.group_id == tag_groups.c.group_id)
        .where(group_members.c.account_id == account_id)
    )
    return frozenset(tx.execute(union(own, through_groups)).scalars())


def group_names(tx: Tx, account_id: str) -> list[str]:
    query = select(groups.c.name).join(group_members, group_members.c.group_id == groups.c.id)
    return list(
        tx.execute(query.where(group_members.c.account_id == account_id).order_by(groups.c.name)).scalars()
    )


def datasets_by(tx: Tx, account_id: str, limit: int) -> list[dict[str, str]]:
    """Id and title of what an account registered."""
    query = select(datasets.c.id, datasets.c.title).where(datasets.c.created_by == account_id)
    rows = tx.execute(query.order_by(datasets.c.id).limit(limit))
    return [{"id": row.id, "title": row.title} for row in rows]


def held(tx: Tx, account_id: str) -> Held:
    row = tx.execute(
        select(
            func.count(),
            func.coalesce(func.sum(runs.c.cpus), 0.0),
            func.coalesce(func.sum(runs.c.memory_gb), 0.0),
            func.coalesce(func.sum(runs.c.gpus), 0),
        ).where(runs.c.account_id == account_id, runs.c.state.in_(sorted(ACTIVE)))
    ).one()
    return Held(row[0], float(row[1]), float(row[2]), int(row[3]))


def add_session(tx: Tx, session: Session, secret_hash: str, now: datetime) -> None:
    tx.execute(
        insert(sessions).values(
            id=session.id,
            secret_hash=secret_hash,
            csrf=session.csrf,
            account_id=session.account.id,
            created_at=now,
            expires_at=session.expires_at,
        )
    )


def session(tx: Tx, secret_hash: str) -> Session | None:
    row = tx.execute(
        select(
            sessions.c.id.label("session_id"),
            sessions.c.csrf,
            sessions.c.expires_at.label("session_expires_at"),
            sessions.c.acting,
            sessions.c.acting_until,
            accounts,
        )
        .join(accounts, accounts.c.id == sessions.c.account_id)
        .where(sessions.c.secret_hash == secret_hash)
    ).first()
    if row is None:
        return None
    return Session(
        row.session_id, _account(row), row.csrf, row.session_expires_at, row.acting, row.acting_until
    )


def set_acting(tx: Tx, session_id: str, account_id: str | None, until: datetime | None) -> None:
    tx.execute(
        update(sessions).where(sessions.c.id == session_id).values(acting=account_id, acting_until=until)
    )


def remove_session(tx: Tx, session_id: str) -> None:
    tx.execute(delete(sessions).where(sessions.c.id == session_id))


def remove_sessions(tx: Tx, account_id: str, *, but: str | None = None) -> None:
    tx.execute(delete(sessions).where(sessions.c.account_id == account_id, sessions.c.id != (but or "")))


def remove_expired(tx: Tx, now: datetime) -> None:
    """Sessions and links that can never be used again."""
    tx.execute(delete(sessions).where(sessions.c.expires_at < now))
    tx.execute(delete(signin_links).where(signin_links.c.expires_at < now))


def add_token(tx: Tx, account_id: str, token: Token, secret_hash: str) -> None:
    tx.execute(
        insert(tokens).values(
            id=token.id,
            account_id=account_id,
            name=token.name,
            secret_hash=secret_hash,
            scopes=list(token.scopes),
            created_at=token.created_at,
            expires_at=token.expires_at,
        )
    )


def token(tx: Tx, secret_hash: str) -> tuple[Token, Account] | None:
    row = tx.execute(
        select(
            tokens.c.id.label("token_id"),
            tokens.c.name.label("token_name"),
            tokens.c.scopes,
            tokens.c.created_at.label("token_created_at"),
            tokens.c.expires_at.label("token_expires_at"),
            tokens.c.last_used_at,
            accounts,
        )
        .join(accounts, accounts.c.id == tokens.c.account_id)
        .where(tokens.c.secret_hash == secret_hash)
    ).first()
    if row is None:
        return None
    found = Token(
        row.token_id,
        row.token_name,
        tuple(row.scopes),
        row.token_created_at,
        row.token_expires_at,
        row.last_used_at,
    )
    return found, _account(row)


def token_page(tx: Tx, account_id: str, after: str | None, limit: int) -> list[Token]:
    query = select(tokens).where(tokens.c.account_id == account_id).order_by(tokens.c.id).limit(limit)
    if after is not None:
        query = query.where(tokens.c.id > after)
    return [
        Token(row.id, row.name, tuple(row.scopes), row.created_at, row.expires_at, row.last_used_at)
        for row in tx.execute(query)
    ]


def remove_token(tx: Tx, account_id: str, token_id: str) -> bool:
    gone = tx.execute(delete(tokens).where(tokens.c.account_id == account_id, tokens.c.id == token_id))
    return gone.rowcount > 0


def remove_tokens(tx: Tx, account_id: str) -> None:
    tx.execute(delete(tokens).where(tokens.c.account_id == account_id))


def note_use(tx: Tx, token_id: str, now: datetime) -> None:
    tx.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at=now))


def add_link(tx: Tx, link_id: str, account_id: str, secret_hash: str, expires_at: datetime) -> None:
    tx.execute(
        insert(signin_links).values(
            id=link_id, account_id=account_id, secret_hash=secret_hash, expires_at=expires_at
        )
    )


def use_link(tx: Tx, secret_hash: str, now: datetime) -> str | None:
    """The account of an unused link that has not ended; the link is used from now on."""
    row = tx.execute(
        update(signin_links)
        .where(
            signin_links.c.secret_hash == secret_hash,
            signin_links.c.used_at.is_(None),
            signin_links.c.expires_at > now,
        )
        .values(used_at=now)
        .returning(signin_links.c.account_id)
    ).first()
    return None if row is None else row.account_id


def _one(tx: Tx, condition: Any) -> Account | None:
    row = tx.execute(select(accounts).where(condition)).first()
    return None if row is None else _account(row)


def _account(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        role=row.role,
        display_name=row.display_name,
        email=row.email,
        active=row.active,
        limits=values.load(Limits, row.limits),
        created_at=row.created_at,
        account_class=row.account_class,
        email_verified=row.email_verified,
        standing=row.standing,
        guest=row.guest,
        expires_at=row.expires_at,
        deleted_at=row.deleted_at,
    )
