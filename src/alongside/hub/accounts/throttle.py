"""Slows down guessing and flooding: counts of attempts in the store, shared by all workers.

A key's value is hashed before it is stored: no address of a person or a machine stays here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alongside.errors import RateLimited
from alongside.hub.store import throttle as store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import hashed

FAILURES_WINDOW = timedelta(minutes=5)
HOUR = timedelta(hours=1)
KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Rule:
    """At most `allowed` within `window` for one value of `kind`."""

    kind: str
    allowed: int
    window: timedelta = FAILURES_WINDOW

    def of(self, value: str) -> tuple[Rule, str]:
        return self, f"{self.kind}:{hashed(value)[:32]}"


FAILED_NAME = Rule("name", 10)
FAILED_ADDRESS = Rule("address", 50)
#: letters that strangers cause, whoever has the address
ASKED_FOR = Rule("asked_for", 5, HOUR)
LETTERS_TO = Rule("letters", 20, HOUR)
LETTERS_FROM = Rule("asked", 300, HOUR)
REGISTRATIONS = Rule("registered", 300, HOUR)
#: passwords that are set by a letter: to hash one is work, which a stranger must not cause at will
PASSWORDS_SET = Rule("password_set", 100, HOUR)


def check(tx: Tx, limits: Iterable[tuple[Rule, str]], now: datetime) -> None:
    """
    Raises:
        RateLimited: too many lately; says when to try again.
    """
    wanted = {key: rule for rule, key in limits}
    waits = [
        (since + wanted[key].window - now).total_seconds()
        for key, (count, since) in store.counts(tx, wanted).items()
        if count >= wanted[key].allowed and since > now - wanted[key].window
    ]
    if waits:
        seconds = int(max(waits)) + 1
        raise RateLimited(f"Too many attempts; try again in {seconds} seconds.", retry_after_s=seconds)


def count(tx: Tx, limits: Iterable[tuple[Rule, str]], now: datetime) -> None:
    for rule, key in limits:
        store.count(tx, key, now, now - rule.window)


def forget(tx: Tx, limit: tuple[Rule, str]) -> None:
    store.forget(tx, limit[1])


def purge(tx: Tx, now: datetime) -> None:
    store.remove_before(tx, now - KEPT)
