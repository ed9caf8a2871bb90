"""The dispatcher's postman: takes what is due, sends it by mail or webhook, and notes what came of it.

At least once: who dies between sending and noting sends again, under the same Message-ID or delivery id.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from alongside import __version__, values
from alongside.config import Config, MailSettings
from alongside.hub import couriers
from alongside.hub.couriers import Outcome
from alongside.hub.doors import Hub
from alongside.hub.store.database import Tx
from alongside.spec.hosts import is_literal, is_public
from alongside.spec.notices import Delivery

T = TypeVar("T")

#: deliveries that are on their way at once
AT_ONCE = 8
#: taken from the store at a time
BATCH = 50
TIMEOUT_S = 15.0
#: looks for what is due even if nobody said that there is something
LOOK_EVERY_S = 60.0
FAULT_MAX = 300

log = structlog.get_logger("alongside.dispatcher")


class Desk(Protocol):
    hub: Hub

    async def read(self, look: Callable[[Tx], T]) -> T: ...

    async def write(self, act: Callable[[Tx], T]) -> T: ...


class Postman:
    """Sends until it is canceled. `nudge` says that something was put on its way."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._config = desk.hub.config
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        self._nudged.set()

    async def deliver_until_canceled(self) -> None:
        async with http_session(private=self._config.notices.webhooks_private) as session:
            while True:
                self._nudged.clear()
                try:
                    wait_s = await self._turn(session)
                except Exception as error:
                    # The store does not answer, or its disk is full: what is due stays due.
                    log.error("deliveries.wait", exc_info=error)
                    wait_s = LOOK_EVERY_S
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._nudged.wait(), wait_s)

    async def _turn(self, session: aiohttp.ClientSession) -> float:
        """Send what is due; answers how long nothing will be."""
        clock = self._desk.hub.clock
        batch = await self._desk.read(lambda tx: couriers.due(tx, clock(), BATCH))
        if batch:
            limit = asyncio.Semaphore(AT_ONCE)
            outcomes = await asyncio.gather(*(self._send(session, limit, item) for item in batch))

            def record(tx: Tx) -> None:
                for item, outcome in zip(batch, outcomes, strict=True):
                    couriers.record(tx, item, outcome, clock(), random.random())

            await self._desk.write(record)
            return 0.0
        due = await self._desk.read(couriers.next_due)
        return LOOK_EVERY_S if due is None else min(LOOK_EVERY_S, max(0.0, (due - clock()).total_seconds()))

    async def _send(
        self, session: aiohttp.ClientSession, limit: asyncio.Semaphore, item: Delivery
    ) -> Outcome:
        async with limit:
            if item.channel == "mail":
                outcome = await asyncio.to_thread(send_mail, item, self._config)
            else:
                outcome = await call_webhook(session, item, self._desk.hub)
        if outcome.fault:
            log.info("delivery.failed", delivery=item.id, channel=item.channel, reason=outcome.fault)
        return outcome


# Mail


def send_mail(item: Delivery, config: Config) -> Outcome:
    settings = config.mail
    if not settings.host:
        return Outcome("no mail server is configured (mail.host)", final=True)
    try:
        message = letter(item, config)
    except (ValueError, UnicodeError) as error:
        return Outcome(f"this is no letter: {error}"[:FAULT_MAX], final=True)
    try:
        with _server(settings) as server:
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()), (550, b"refused"))
        return Outcome(_said(code, reason), final=code >= 500)
    except smtplib.SMTPResponseException as error:
        # A wrong password may be mended within the day; what was said of the letter itself stays true.
        mendable = isinstance(error, smtplib.SMTPAuthenticationError) or error.smtp_code < 500
        return Outcome(_said(error.smtp_code, error.smtp_error), final=not mendable)
    except (OSError, smtplib.SMTPException) as error:
        return Outcome(f"{settings.host}:{settings.port}: {error}"[:FAULT_MAX])
    return Outcome()


def _server(settings: MailSettings) -> smtplib.SMTP:
    """A connection that is encrypted and signed in as the settings want it."""
    if settings.security == "tls":
        context = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            settings.host, settings.port, timeout=TIMEOUT_S, context=context
        )
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_S)
    try:
        if settings.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if settings.user:
            server.login(settings.user, settings.password)
    except BaseException:
        server.close()
        raise
    return server


def letter(item: Delivery, config: Config) -> EmailMessage:
    """What is sent for a delivery.

    Raises:
        ValueError: the address is none.
    """
    hub_host = urlsplit(config.hub.url).hostname or "localhost"
    message = EmailMessage()
    message["Subject"] = item.subject
    message["From"] = config.mail.sender or str(Address("Alongside", "alongside", hub_host))
    message["To"] = Address(addr_spec=item.to)
    message["Date"] = format_datetime(item.created_at)
    message["Message-ID"] = f"<{item.id}@{hub_host}>"
    message["Auto-Submitted"] = "auto-generated"
    notice = item.notice
    if notice is None:
        text = item.body
    else:
        address = f"{config.hub.url.rstrip('/')}{notice.link}" if notice.link else ""
        foot = f"-- \nYou chose to be told by mail: {config.hub.url.rstrip('/')}/account"
        text = "\n\n".join(part for part in (notice.body or notice.title, address, foot) if part)
    message.set_content(text)
    return message


def _said(code: int, reason: bytes | str) -> str:
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    return f"the mail server said {code}: {text}"[:FAULT_MAX]


# Webhooks


class PublicOnly(AbstractResolver):
    """Names of the public internet alone; the connection goes to the very address that was checked."""

    def __init__(self) -> None:
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        allowed = [item for item in found if is_public(item["host"])]
        if not allowed:
            raise OSError(f"{host} is an address of a private network, which webhooks may not call")
        return allowed

    async def close(self) -> None:
        await self._inner.close()


def http_session(*, private: bool) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(resolver=None if private else PublicOnly(), force_close=True)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        headers={"User-Agent": f"alongside/{__version__}"},
    )


async def call_webhook(session: aiohttp.ClientSession, item: Delivery, hub: Hub) -> Outcome:
    if item.webhook is None or item.notice is None:
        return Outcome("the webhook was removed", final=True)
    host = urlsplit(item.to).hostname or ""
    # An address in figures is not resolved, so nobody else looks at it.
    if not hub.config.notices.webhooks_private and is_literal(host) and not is_public(host):
        return Outcome(f"{host} is an address of a private network, which webhooks may not call", final=True)
    body = payload(item, hub.config, hub.clock())
    sent_at = str(int(hub.clock().timestamp()))
    secret = hub.keyring.webhook_secret(item.webhook)
    signature = hmac.new(secret.encode(), sent_at.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "Alongside-Delivery": item.id,
        "Alongside-Timestamp": sent_at,
        "Alongside-Signature": f"sha256={signature}",
    }
    try:
        async with session.post(item.to, data=body, headers=headers, allow_redirects=False) as response:
            status = response.status
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        # Said by the resolver: the library's own words around it tell less.
        cause = getattr(error, "os_error", None) if getattr(error, "errno", 0) is None else None
        return Outcome((str(cause or error) or type(error).__name__)[:FAULT_MAX])
    if 200 <= status < 300:
        return Outcome()
    if 300 <= status < 400:
        return Outcome(f"it answered {status}: redirects are not followed", final=True)
    return Outcome(f"it answered {status}", final=status == 410)


def payload(item: Delivery, config: Config, now: datetime) -> bytes:
    """The JSON that a webhook is sent; `link` is a whole address."""
    assert item.notice is not None
    told = values.dump(item.notice)
    told.pop("read_at")
    if item.notice.link:
        told["link"] = config.hub.url.rstrip("/") + item.notice.link
    return json.dumps({"delivery": item.id, "attempt": item.attempts + 1, "notice": told}).encode()
