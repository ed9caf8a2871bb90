"""Doors to what one is told: the inbox, the ways out of it, and webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import couriers, notices
from alongside.hub.api.guard import caller, door, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.ids import LENGTH
from alongside.spec.notices import KINDS, Notice, NoticeSetting, Webhook
from alongside.spec.runs import State

doors = APIBlueprint("notices", __name__, tag="Notices")

Id = Annotated[str, Field(max_length=LENGTH)]


@dataclass(frozen=True)
class NoticesQuery(Paging):
    unread: bool = False


@dataclass(frozen=True)
class Unread:
    unread: int


@values.strict
@dataclass(frozen=True)
class ReadBody:
    #: null: all of them
    ids: Annotated[tuple[Id, ...] | None, Field(max_length=500)] = None


@dataclass(frozen=True)
class NoticeSettings:
    #: where mail goes; null: the account has no address that was confirmed
    address: str | None
    #: whether this installation sends mail at all
    mail: bool
    settings: tuple[NoticeSetting, ...]


@values.strict
@dataclass(frozen=True)
class NoticeSettingsBody:
    settings: Annotated[tuple[NoticeSetting, ...], Field(max_length=len(KINDS))]


@values.strict
@dataclass(frozen=True)
class WebhookBody:
    url: Annotated[str, Field(min_length=8, max_length=2000)]


@values.strict
@dataclass(frozen=True)
class WebhookEdit:
    active: bool


@dataclass(frozen=True)
class NewWebhook:
    webhook: Webhook
    #: key of the HMAC that signs each call; shown once
    secret: str


@values.strict
@dataclass(frozen=True)
class MailTestBody:
    to: Annotated[str, Field(max_length=320, pattern=r"^[^\s@]+@[^\s@]+$")]


@dataclass(frozen=True)
class DeliveryFate:
    id: str
    state: State
    #: why the last try failed
    reason: str
    attempts: int


@door(doors, "GET", "/notices", query=NoticesQuery, answers={200: Page[Notice]})
def list_notices(tx: Tx, query: NoticesQuery) -> Page[Notice]:
    """Your inbox, newest first."""
    found = notices.inbox(tx, caller().account.id, unread=query.unread, before=query.after, limit=query.fetch)
    return query.page(found, lambda notice: notice.id)


@door(doors, "GET", "/notices/unread", answers={200: Unread})
def count_unread_notices(tx: Tx) -> Unread:
    """How many notices you have not read."""
    return Unread(notices.unread(tx, caller().account.id))


@door(doors, "POST", "/notices/read", needs="run", body=ReadBody, answers={200: Unread})
def mark_notices_read(tx: Tx, body: ReadBody) -> Unread:
    """Mark notices as read: those named, or all."""
    return Unread(notices.mark_read(tx, caller().account.id, body.ids, hub().clock()))


@door(doors, "GET", "/notice-settings", answers={200: NoticeSettings})
def get_notice_settings(tx: Tx) -> NoticeSettings:
    """By which ways you hear of what."""
    return _settings(notices.settings(tx, caller().account.id))


@door(
    doors,
    "PUT",
    "/notice-settings",
    needs="run",
    body=NoticeSettingsBody,
    answers={200: NoticeSettings},
)
def set_notice_settings(tx: Tx, body: NoticeSettingsBody) -> NoticeSettings:
    """Choose the ways; kinds that are not named stay as they are."""
    return _settings(notices.set_settings(tx, caller().account.id, body.settings))


@door(doors, "GET", "/webhooks", answers={200: tuple[Webhook, ...]})
def list_webhooks(tx: Tx) -> tuple[Webhook, ...]:
    """Addresses that are told of your notices."""
    return tuple(notices.webhooks(tx, caller().account.id))


@door(
    doors,
    "POST",
    "/webhooks",
    needs="run",
    body=WebhookBody,
    answers={201: NewWebhook},
    problems=(errors.QuotaExceeded,),
    secret=True,
)
def create_webhook(tx: Tx, body: WebhookBody) -> NewWebhook:
    """Have your notices sent to an address, each signed with the secret that is answered."""
    hook = notices.add_webhook(tx, caller().account.id, body.url, hub().clock(), hub().config.notices)
    return NewWebhook(hook, hub().keyring.webhook_secret(hook.id))


@door(
    doors,
    "PATCH",
    "/webhooks/<id>",
    needs="run",
    body=WebhookEdit,
    answers={200: Webhook},
    problems=(errors.WebhookUnknown,),
)
def edit_webhook(tx: Tx, id: str, body: WebhookEdit) -> Webhook:
    """Switch a webhook off or on."""
    return notices.edit_webhook(tx, caller().account.id, id, body.active)


@door(doors, "DELETE", "/webhooks/<id>", needs="run", answers={204: None}, problems=(errors.WebhookUnknown,))
def delete_webhook(tx: Tx, id: str) -> None:
    """Remove a webhook."""
    notices.remove_webhook(tx, caller().account.id, id)


@door(
    doors, "POST", "/webhooks/<id>/test", needs="run", answers={202: None}, problems=(errors.WebhookUnknown,)
)
def test_webhook(tx: Tx, id: str) -> None:
    """Send a notice by this webhook; what came of it is its `fault`."""
    notices.try_webhook(tx, caller().account.id, id, hub().clock())


@door(doors, "POST", "/mail/test", needs="admin", body=MailTestBody, answers={202: DeliveryFate})
def test_mail(tx: Tx, body: MailTestBody) -> DeliveryFate:
    """Send a letter, to see whether mail leaves this installation."""
    sent = couriers.send(
        tx, body.to, "Mail from Alongside works", "This letter was asked for by a test.", hub().clock()
    )
    return DeliveryFate(sent, "queued", "", 0)


@door(doors, "GET", "/deliveries/<id>", needs="admin", answers={200: DeliveryFate})
def get_delivery(tx: Tx, id: str) -> DeliveryFate:
    """How a letter or a call of a webhook fares."""
    fate = couriers.fate(tx, id)
    if fate is None:
        raise errors.NotFound
    return DeliveryFate(id, *fate)


def _settings(found: tuple[NoticeSetting, ...]) -> NoticeSettings:
    account = caller().account
    return NoticeSettings(
        account.email if account.email_verified else None, bool(hub().config.mail.host), found
    )
