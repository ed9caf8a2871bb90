"""Rows of inboxes: notices, the wishes about them, and webhooks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import accounts, notice_settings, notices, webhooks
from alongside.spec.notices import Notice, NoticeKind, NoticeSetting, Webhook


def add(tx: Tx, notice: Notice, topic: str) -> None:
    tx.execute(
        insert(notices).values(
            id=notice.id,
            account_id=notice.account,
            kind=notice.kind,
            title=notice.title,
            body=notice.body,
            link=notice.link,
            run_id=notice.run,
            topic=topic,
            created_at=notice.created_at,
        )
    )


def unread_of(tx: Tx, account: str, topic: str, since: datetime) -> Notice | None:
    """The newest unread notice of a topic that is not older than that."""
    row = tx.execute(
        select(notices)
        .where(
            notices.c.account_id == account,
            notices.c.read_at.is_(None),
            notices.c.topic == topic,
            notices.c.created_at >= since,
        )
        .order_by(notices.c.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else notice_of(row)


def count_up(tx: Tx, notice_id: str) -> None:
    tx.execute(update(notices).where(notices.c.id == notice_id).values(times=notices.c.times + 1))


def page(tx: Tx, account: str, *, unread: bool, before: str | None, limit: int) -> list[Notice]:
    """Newest first."""
    query = select(notices).where(notices.c.account_id == account).order_by(notices.c.id.desc()).limit(limit)
    if unread:
        query = query.where(notices.c.read_at.is_(None))
    if before is not None:
        query = query.where(notices.c.id < before)
    return [notice_of(row) for row in tx.execute(query)]


def unread(tx: Tx, account: str) -> int:
    return tx.execute(
        select(func.count()).where(notices.c.account_id == account, notices.c.read_at.is_(None))
    ).scalar_one()


def mark_read(tx: Tx, account: str, ids: Collection[str] | None, now: datetime) -> None:
    """These, or all."""
    query = update(notices).where(notices.c.account_id == account, notices.c.read_at.is_(None))
    if ids is not None:
        query = query.where(notices.c.id.in_(ids))
    tx.execute(query.values(read_at=now))


def remove_older(tx: Tx, before: datetime, limit: int) -> None:
    old = select(notices.c.id).where(notices.c.created_at < before).limit(limit)
    tx.execute(delete(notices).where(notices.c.id.in_(old.scalar_subquery())))


def address_of(tx: Tx, account: str) -> str | None:
    """Where mail to this account goes; None: nowhere. Whose an unconfirmed address is nobody knows."""
    query = select(accounts.c.email).where(
        accounts.c.id == account, accounts.c.active, accounts.c.email_verified
    )
    return tx.execute(query).scalar() or None


def settings(tx: Tx, account: str) -> dict[NoticeKind, NoticeSetting]:
    """Those that the account changed."""
    rows = tx.execute(select(notice_settings).where(notice_settings.c.account_id == account))
    return {row.kind: NoticeSetting(row.kind, row.mail, row.webhook) for row in rows}


def set_settings(tx: Tx, account: str, wanted: Collection[NoticeSetting]) -> None:
    kinds = [setting.kind for setting in wanted]
    tx.execute(
        delete(notice_settings).where(
            notice_settings.c.account_id == account, notice_settings.c.kind.in_(kinds)
        )
    )
    if wanted:
        tx.execute(
            insert(notice_settings),
            [
                {"account_id": account, "kind": item.kind, "mail": item.mail, "webhook": item.webhook}
                for item in wanted
            ],
        )


def webhooks_of(tx: Tx, account: str) -> list[Webhook]:
    rows = tx.execute(select(webhooks).where(webhooks.c.account_id == account).order_by(webhooks.c.id))
    return [_webhook(row) for row in rows]


def webhook(tx: Tx, webhook_id: str) -> Webhook | None:
    row = tx.execute(select(webhooks).where(webhooks.c.id == webhook_id)).one_or_none()
    return None if row is None else _webhook(row)


def add_webhook(tx: Tx, hook: Webhook) -> None:
    tx.execute(
        insert(webhooks).values(
            id=hook.id,
            account_id=hook.account,
            url=hook.url,
            active=hook.active,
            created_at=hook.created_at,
        )
    )


def change_webhook(tx: Tx, webhook_id: str, **columns: Any) -> None:
    tx.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(**columns))


def remove_webhook(tx: Tx, webhook_id: str) -> None:
    tx.execute(delete(webhooks).where(webhooks.c.id == webhook_id))


def notice_of(row: Row[Any]) -> Notice:
    return Notice(
        id=row.id,
        account=row.account_id,
        kind=row.kind,
        title=row.title,
        body=row.body,
        link=row.link,
        run=row.run_id,
        created_at=row.created_at,
        read_at=row.read_at,
        count=row.times,
    )


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(row.id, row.account_id, row.url, row.active, row.created_at, row.fault)
