"""Notices: what a person is told, by which way, and the wish of each person about that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from urllib.parse import urlsplit

from alongside.spec.runs import State

NoticeKind = Literal[
    "ready",
    "failed",
    "ending_soon",
    "idle",
    "quota",
    "budget",
    "approval",
    "share",
    "maintenance",
    "message",
]
"""`approval`: somebody waits to be let in, or was; `message`: written by a person."""

KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)

Channel = Literal["mail", "webhook"]
"""The inbox is not one of them: every notice is in it."""

#: mail for what is missed by somebody who looks away; who has just launched something looks at it
MAILED: frozenset[NoticeKind] = frozenset(
    {"failed", "ending_soon", "idle", "quota", "budget", "approval", "share", "maintenance", "message"}
)


@dataclass(frozen=True)
class Notice:
    """One line of a person's inbox."""

    id: str
    account: str
    kind: NoticeKind
    title: str
    body: str
    #: path in the web app; empty: none
    link: str
    run: str | None
    created_at: datetime
    read_at: datetime | None = None
    #: how many like it this one stands for: a thousand failed tasks are one line
    count: int = 1


@dataclass(frozen=True)
class NoticeSetting:
    """By which ways a person hears of one kind of notice, beside the inbox."""

    kind: NoticeKind
    mail: bool
    webhook: bool


@dataclass(frozen=True)
class Webhook:
    """An address that is told of a person's notices."""

    id: str
    account: str
    url: str
    active: bool
    created_at: datetime
    #: what the last delivery came to; empty while it went well
    fault: str = ""


@dataclass(frozen=True)
class Delivery:
    """One letter or one call of a webhook, and how far it came."""

    id: str
    channel: Channel
    #: mail: the address; webhook: its url
    to: str
    subject: str
    body: str
    state: State
    attempts: int
    due_at: datetime
    created_at: datetime
    #: None: a letter that is no notice, and may carry a secret
    notice: Notice | None = None
    webhook: str | None = None


#: a delivery that fails so long is given up
GIVE_UP_AFTER_S = 86_400.0
RETRY_FIRST_S = 5.0
RETRY_MAX_S = 3_600.0


def retry_after(attempts: int, jitter: float) -> float:
    """Seconds until the next try, after so many that failed; `jitter` from 0 to 1 spreads them."""
    wait = min(RETRY_MAX_S, RETRY_FIRST_S * 2.0 ** min(attempts - 1, 16))
    return wait * (0.5 + 0.5 * jitter)


def default(kind: NoticeKind) -> NoticeSetting:
    return NoticeSetting(kind, mail=kind in MAILED, webhook=True)


def url_fault(url: str) -> str | None:
    """Why a webhook cannot be at this address, if it cannot."""
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        return "is no address"
    if not url.isprintable() or " " in url or not url.isascii():
        return "must be written in printable ASCII without spaces"
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_ok:
        return "must be http://… or https://… with a host"
    if parts.username or parts.password:
        return "must not carry a name or password"
    return None
