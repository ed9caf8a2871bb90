"""What people are told: every notice is in their inbox, and leaves by the ways that they chose."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alongside.config import NoticeSettings
from alongside.errors import Fault, Invalid, QuotaExceeded, WebhookUnknown
from alongside.hub import couriers
from alongside.hub.store import changes
from alongside.hub.store import notices as store
from alongside.hub.store.database import MAX_ROWS, Tx
from alongside.hub.store.keys import new_id
from alongside.spec.notices import KINDS, Notice, NoticeKind, NoticeSetting, Webhook, default, url_fault

TITLE_MAX = 200
BODY_MAX = 4_000
#: a notice that is older is not added to, but told anew
FRESH = timedelta(hours=1)


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
    topic: str = "",
) -> Notice:
    """Tell somebody something. `link` is a path in the web app, as `/runs/…`; empty: none.

    Nothing is sent in here: mail and webhooks are rows that the dispatcher works off. What has a `topic`
    is only counted while an earlier notice of that topic is fresh and unread.
    """
    if topic and (earlier := store.unread_of(tx, account_id, topic, now - FRESH)):
        store.count_up(tx, earlier.id)
        changes.note(tx, "notice", account_id)
        return replace(earlier, count=earlier.count + 1)
    notice = Notice(
        new_id(now), account_id, kind, " ".join(title.split())[:TITLE_MAX], body[:BODY_MAX], link, run_id, now
    )
    store.add(tx, notice, topic)
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


def webhooks(tx: Tx, account_id: str) -> list[Webhook]:
    return store.webhooks_of(tx, account_id)


def add_webhook(tx: Tx, account_id: str, url: str, now: datetime, settings: NoticeSettings) -> Webhook:
    """
    Raises:
        Invalid: this cannot be called.
        QuotaExceeded: the account has as many as it may.
    """
    if fault := url_fault(url):
        raise Invalid([Fault("url", fault)])
    present = store.webhooks_of(tx, account_id)
    if len(present) >= settings.webhooks_max:
        raise QuotaExceeded(f"you have {len(present)} webhooks, and may have {settings.webhooks_max}")
    hook = Webhook(new_id(now), account_id, url, True, now)
    store.add_webhook(tx, hook)
    return hook


def edit_webhook(tx: Tx, account_id: str, webhook_id: str, active: bool) -> Webhook:
    """Switch a webhook off or on; on also forgets what went wrong."""
    hook = _webhook(tx, account_id, webhook_id)
    store.change_webhook(tx, hook.id, active=active, fault="")
    return replace(hook, active=active, fault="")


def remove_webhook(tx: Tx, account_id: str, webhook_id: str) -> None:
    store.remove_webhook(tx, _webhook(tx, account_id, webhook_id).id)


def try_webhook(tx: Tx, account_id: str, webhook_id: str, now: datetime) -> None:
    """Send a notice by this webhook alone."""
    hook = _webhook(tx, account_id, webhook_id)
    notice = Notice(
        new_id(now), account_id, "message", "A test", "This webhook works.", "/account", None, now
    )
    store.add(tx, notice, "")
    couriers.send_notice(tx, notice, "webhook", hook.url, now, webhook=hook.id)
    changes.note(tx, "notice", account_id)


def purge(tx: Tx, now: datetime, keep: timedelta) -> None:
    """Forget what is old; called now and then."""
    store.remove_older(tx, now - keep, MAX_ROWS)
    couriers.purge(tx, now)


def _webhook(tx: Tx, account_id: str, webhook_id: str) -> Webhook:
    hook = store.webhook(tx, webhook_id)
    if hook is None or hook.account != account_id:
        raise WebhookUnknown
    return hook
