"""What one is told, and the ways by which one hears of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from alongside import values
from alongside.client.transport import Transport, loaded, segment
from alongside.spec.notices import Notice, NoticeSetting, Webhook


@dataclass(frozen=True)
class NoticeSettings:
    #: where mail goes; None: the account has no address that was confirmed
    address: str | None
    #: whether this installation sends mail at all
    mail: bool
    settings: tuple[NoticeSetting, ...]


@dataclass(frozen=True)
class NewWebhook:
    webhook: Webhook
    #: signs each call; told this once
    secret: str


class Notices:
    def __init__(self, transport: Transport) -> None:
        self._hub = transport

    def list(self, *, unread: bool = False) -> Iterator[Notice]:
        """Newest first."""
        return (loaded(Notice, item) for item in self._hub.pages("/notices", unread=unread or None))

    def unread(self) -> int:
        return self._hub.get("/notices/unread")["unread"]

    def mark_read(self, ids: Sequence[str] | None = None) -> int:
        """Mark these as read, or all; answers how many remain."""
        return self._hub.post("/notices/read", {"ids": None if ids is None else [*ids]})["unread"]

    def settings(self) -> NoticeSettings:
        return loaded(NoticeSettings, self._hub.get("/notice-settings"))

    def set(self, *settings: NoticeSetting) -> NoticeSettings:
        body = {"settings": [values.dump(setting) for setting in settings]}
        return loaded(NoticeSettings, self._hub.call("PUT", "/notice-settings", body=body))

    def webhooks(self) -> tuple[Webhook, ...]:
        return tuple(loaded(Webhook, item) for item in self._hub.get("/webhooks"))

    def add_webhook(self, url: str) -> NewWebhook:
        return loaded(NewWebhook, self._hub.post("/webhooks", {"url": url}))

    def switch_webhook(self, id: str, *, active: bool) -> Webhook:
        return loaded(Webhook, self._hub.call("PATCH", f"/webhooks/{segment(id)}", body={"active": active}))

    def try_webhook(self, id: str) -> None:
        self._hub.post(f"/webhooks/{segment(id)}/test")

    def remove_webhook(self, id: str) -> None:
        self._hub.call("DELETE", f"/webhooks/{segment(id)}")

    def test_mail(self, to: str) -> dict[str, Any]:
        """Have a letter sent: its id and state. For administrators."""
        return self._hub.post("/mail/test", {"to": to})

    def delivery(self, id: str) -> dict[str, Any]:
        """How a delivery fares: state, reason, attempts. For administrators."""
        return self._hub.get(f"/deliveries/{segment(id)}")
