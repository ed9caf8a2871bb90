"""What people are told: every notice is in their inbox, and leaves by the ways that they chose."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from alongside.hub import couriers
from alongside.hub.store import changes
from alongside.hub.store import notices as store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.spec.notices import KINDS, Notice, NoticeKind, NoticeSetting, default

TITLE_MAX = 200
BODY_MAX = 4_000


def notify(
    tx: Tx,
    account_id: str,
    kind: NoticeKind,
    title: str,
    body: str,
    link: str,
    now: datetime,
    *,
    run_id: str | None = None,
) -> Notice:
    """Tell somebody something. `link` is a path in the web app, as `/runs/…`; empty: none.

    Nothing is sent in here: mail and webhooks are rows that the dispatcher works off.
    """
    notice = Notice(
        new_id(now), account_id, kind, " ".join(title.split())[:TITLE_MAX], body[:BODY_MAX], link, run_id, now
    )
    store.add(tx, notice)
    wish = store.settings(tx, account_id).get(kind) or default(kind)
    if wish.mail and (address := store.address_of(tx, account_id)):
        couriers.send_notice(tx, notice, "mail", address, now)
    if wish.webhook:
        for hook in store.webhooks_of(tx, account_id):
            if hook.active:
                couriers.send_notice(tx, notice, "webhook", hook.url, now, webhook=hook.id)
    changes.note(tx, "notice", account_id)
    return notice


def inbox(tx: Tx, account_id: str, *, unread: bool, before: str | None, limit: int) -> list[Notice]:
    """Newest first."""
    return store.page(tx, account_id, unread=unread, before=before, limit=limit)


def unread(tx: Tx, account_id: str) -> int:
    return store.unread(tx, account_id)


def mark_read(tx: Tx, account_id: str, ids: Collection[str] | None, now: datetime) -> int:
    """Mark these as read, or all; answers how many remain unread."""
    store.mark_read(tx, account_id, ids, now)
    changes.note(tx, "notice", account_id)
    return store.unread(tx, account_id)


def settings(tx: Tx, account_id: str) -> tuple[NoticeSetting, ...]:
    """One for each kind."""
    own = store.settings(tx, account_id)
    return tuple(own.get(kind) or default(kind) for kind in KINDS)


def set_settings(tx: Tx, account_id: str, wanted: Sequence[NoticeSetting]) -> tuple[NoticeSetting, ...]:
    """Change those named; of a kind named twice the last counts."""
    latest = {setting.kind: setting for setting in wanted}
    store.set_settings(tx, account_id, tuple(latest.values()))
    return settings(tx, account_id)
