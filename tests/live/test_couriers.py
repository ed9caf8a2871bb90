"""Couriers: a dispatcher hands letters to a real mail server and notices to a real receiver."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP
from sqlalchemy import select, update

from alongside.config import MailSettings, NoticeSettings
from alongside.hub import couriers, notices
from alongside.hub.doors import Hub
from alongside.hub.store import changes
from alongside.hub.store.schema import accounts, deliveries
from alongside.spec.notices import Webhook
from support.dispatchers import leading
from support.houses import House

WITHIN_S = 60.0


class Post:
    """A mail server that keeps what it is handed; it refuses the first `busy` letters for now."""

    def __init__(self) -> None:
        self.busy = 0
        self.letters: list[EmailMessage] = []

    async def handle_RCPT(self, _s: Any, _session: Any, envelope: Any, address: str, _o: Any) -> str:
        if address.startswith("nobody@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.busy:
            self.busy -= 1
            return "451 come back later"
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"


class Receiver:
    """Answers what the test says, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.calls.append((dict(request.headers), await request.read()))
        status = self.answers.pop(0) if self.answers else 204
        return web.Response(status=status, headers={"Location": self.url} if status == 302 else {})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Receiver]:
        app = web.Application()
        app.router.add_post("/hook", self.take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        try:
            yield self
        finally:
            await runner.cleanup()


@pytest.fixture
async def post() -> AsyncIterator[tuple[Post, int]]:
    handler = Post()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, hostname="post.example"), "127.0.0.1", 0
    )
    yield handler, server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().running() as receiver:
        yield receiver


def with_post(house: House, port: int, *, private: bool = True) -> Hub:
    """The hub of the house, with a mail server."""
    mail = MailSettings(host="127.0.0.1", port=port, security="none")
    settings = NoticeSettings(webhooks_private=private)
    return replace(house.hub, config=replace(house.hub.config, mail=mail, notices=settings))


def hook_of(hub: Hub, account: str, url: str) -> Webhook:
    with hub.database.write() as tx:
        return notices.add_webhook(tx, account, url, hub.clock(), hub.config.notices)


def tell(hub: Hub, account: str) -> None:
    with hub.database.write() as tx:
        notices.notify(
            tx, account, "failed", "Grüße\nX-Injected: yes", "It ended with 3.", "/runs/1", hub.clock()
        )


def at_once(hub: Hub) -> None:
    """What waits for its next try is due now."""
    with hub.database.write() as tx:
        tx.execute(update(deliveries).where(deliveries.c.state == "queued").values(due_at=hub.clock()))
        changes.note(tx, "delivery", "")


def state_of(hub: Hub, delivery: str) -> tuple[str, str, int]:
    with hub.database.read() as tx:
        fate = couriers.fate(tx, delivery)
    assert fate is not None
    return fate


def fault_of(hub: Hub, hook: Webhook) -> str:
    with hub.database.read() as tx:
        return next(item.fault for item in notices.webhooks(tx, hook.account) if item.id == hook.id)


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not true():  # noqa: ASYNC110  # what is waited for is in the database or at a receiver
            await asyncio.sleep(0.02)


async def test_a_notice_leaves_by_mail_and_webhook_and_again_until_it_is_taken(
    house: House, post: tuple[Post, int], receiver: Receiver
) -> None:
    mailbox, port = post
    hub, ann = with_post(house, port), house.people["ann"].account.id
    with hub.database.write() as tx:
        tx.execute(update(accounts).values(email="ann@example.org", email_verified=True))
    hook = hook_of(hub, ann, receiver.url)
    mailbox.busy, receiver.answers = 1, [500]
    async with leading(hub):
        tell(hub, ann)
        await until(lambda: receiver.calls and not mailbox.busy and fault_of(hub, hook))
        assert mailbox.letters == []
        assert fault_of(hub, hook) == "it answered 500"
        at_once(hub)
        await until(lambda: len(receiver.calls) == 2 and mailbox.letters)
        await until(lambda: not fault_of(hub, hook))

    (letter,) = mailbox.letters
    assert (letter["To"], letter["Subject"]) == ("ann@example.org", "Grüße X-Injected: yes")
    assert letter["X-Injected"] is None
    assert "It ended with 3." in letter.get_content()
    assert f"{hub.config.hub.url}/runs/1" in letter.get_content()

    (first, _), (headers, body) = receiver.calls
    assert first["Alongside-Delivery"] == headers["Alongside-Delivery"], "whoever got it twice can tell"
    signed = headers["Alongside-Timestamp"].encode() + b"." + body
    secret = hub.keyring.webhook_secret(hook.id).encode()
    assert headers["Alongside-Signature"] == f"sha256={hmac.new(secret, signed, hashlib.sha256).hexdigest()}"
    told = json.loads(body)
    assert (told["attempt"], told["notice"]["kind"]) == (2, "failed")
    assert told["notice"]["link"] == f"{hub.config.hub.url}/runs/1"


async def test_letters_with_secrets_go_out_and_are_forgotten(house: House, post: tuple[Post, int]) -> None:
    mailbox, port = post
    hub = with_post(house, port)
    async with leading(hub):
        with hub.database.write() as tx:
            sent = couriers.send(tx, "new@example.org", "Welcome", "https://hub/once", hub.clock())
            lost = couriers.send(tx, "nobody@example.org", "Welcome", "https://hub/once", hub.clock())
        await until(lambda: "queued" not in (state_of(hub, sent)[0], state_of(hub, lost)[0]))
    assert "https://hub/once" in mailbox.letters[0].get_content()
    assert state_of(hub, sent) == ("complete", "", 1)
    assert state_of(hub, lost) == ("system_error", "the mail server said 550: no such user", 1)
    with hub.database.read() as tx:
        assert list(tx.execute(select(deliveries.c.body)).scalars()) == ["", ""]


async def test_webhooks_reach_no_private_address_and_follow_no_redirect(
    house: House, post: tuple[Post, int], receiver: Receiver
) -> None:
    _, port = post
    ann = house.people["ann"].account.id
    closed = with_post(house, port, private=False)
    literal = hook_of(closed, ann, receiver.url)
    named = hook_of(closed, ann, receiver.url.replace("127.0.0.1", "localhost"))
    async with leading(closed):
        tell(closed, ann)
        await until(lambda: fault_of(closed, literal) and fault_of(closed, named))
    assert receiver.calls == []
    for hook in (literal, named):
        assert "private network" in fault_of(closed, hook)

    open_hub = with_post(house, port)
    for hook in (literal, named):
        with open_hub.database.write() as tx:
            notices.remove_webhook(tx, ann, hook.id)
    receiver.answers = [302]
    moved = hook_of(open_hub, ann, receiver.url)
    async with leading(open_hub):
        tell(open_hub, ann)
        await until(lambda: fault_of(open_hub, moved))
    assert fault_of(open_hub, moved) == "it answered 302: redirects are not followed"
    assert len(receiver.calls) == 1
