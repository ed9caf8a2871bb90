"""Errands: asking a site for something that is not about one run, and hearing how it stands.

A room asks, and looks at its errands by kind and subject. What is to happen at the end of an errand
is given by kind to those who take news (the clockwork): errands know none of the rooms above them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from alongside import values
from alongside.errors import NotFound, StateConflict
from alongside.hub.store import accounts as accounts_store
from alongside.hub.store import changes, groups, outbox
from alongside.hub.store import errands as store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.spec.accounts import Caller
from alongside.spec.errands import AskedErrand
from alongside.spec.runs import State
from alongside.spec.wire import Errand, ErrandNews, Owner

#: what a room does when an errand of its kind has ended, however it ended
OnEnd = Callable[[Tx, AskedErrand, datetime], None]
#: given up when nothing was heard of it for so long; a runner speaks of what it does every minute
PATIENCE = timedelta(minutes=15)
KEPT = timedelta(days=7)
MESSAGE_MAX = 2000
#: what a runner may say of an errand
SAID: tuple[State, ...] = ("running", "complete", "executor_error", "system_error", "canceled")

log = structlog.get_logger("alongside.errands")


def ask(
    tx: Tx,
    runner_id: str,
    kind: str,
    subject: str,
    body: dict[str, Any],
    account_id: str | None,
    now: datetime,
) -> str:
    """Have a runner do something, for an account or for the site; answers the errand's id."""
    errand = AskedErrand(
        id=new_id(now),
        runner=runner_id,
        account=account_id,
        kind=kind,
        subject=subject,
        body=body,
        state="queued",
        created_at=now,
        updated_at=now,
        expires_at=now + PATIENCE,
    )
    store.add(tx, errand)
    wire = Errand(errand.id, kind, body, None if account_id is None else owner(tx, account_id))
    outbox.put(tx, runner_id, "errand", values.dump(wire), now)
    changes.note(tx, "errand", errand.id)
    return errand.id


def owner(tx: Tx, account_id: str) -> Owner:
    """An account as runners are told of it."""
    account = accounts_store.get(tx, account_id)
    name = account_id if account is None else account.name
    return Owner(account_id, name, groups.names_of(tx, account_id))


def get(tx: Tx, caller: Caller, errand_id: str) -> AskedErrand:
    """One that the caller asked for; administrators see all.

    Raises:
        NotFound
    """
    errand = store.get(tx, errand_id)
    if errand is None or not (caller.is_admin or errand.account == caller.account.id):
        raise NotFound("there is no such errand")
    return errand


def about(tx: Tx, kind: str, subjects: Collection[str], *, open_only: bool = False) -> dict[str, AskedErrand]:
    """The newest errand of a kind about each of these things."""
    found: dict[str, AskedErrand] = {}
    for errand in store.listing(tx, kind, subjects, open_only=open_only):
        found.setdefault(errand.subject, errand)
    return found


def each(tx: Tx, kind: str, subject: str, *, open_only: bool = False) -> list[AskedErrand]:
    """The errands of a kind about one thing, newest first."""
    return store.listing(tx, kind, [subject], open_only=open_only)


def cancel(tx: Tx, errand_id: str, now: datetime) -> None:
    """Take back an errand that its runner has not heard of.

    Raises:
        StateConflict: it has begun, or ended.
    """
    errand = store.get(tx, errand_id)
    if errand is None or errand.state != "queued" or not outbox.withdraw_errand(tx, errand.runner, errand_id):
        raise StateConflict("the site has begun with it", state=errand.state if errand else "complete")
    store.end(tx, errand_id, "canceled", "canceled_by_owner", "it was taken back", now)


def take(
    tx: Tx, runner_id: str, news: Iterable[ErrandNews], now: datetime, on_end: Mapping[str, OnEnd]
) -> tuple[dict[str, int], list[AskedErrand]]:
    """Write what a runner says of its errands; (errand → number that it need not say again, what changed).

    News of errands that have ended, were given up or are another runner's change nothing.
    """
    heard: dict[str, int] = {}
    changed: list[AskedErrand] = []
    for item in sorted(news, key=lambda item: item.number):
        heard[item.errand] = item.number
        if item.state not in SAID or not store.take(tx, runner_id, _bounded(item), now, now + PATIENCE):
            continue
        errand = store.get(tx, item.errand)
        assert errand is not None, "it was just changed"
        changed.append(errand)
        if not errand.is_open:
            _ended(tx, errand, now, on_end)
    return heard, changed


def expire(tx: Tx, errand_id: str, now: datetime, on_end: Mapping[str, OnEnd]) -> AskedErrand | None:
    """Give up an errand of which nothing was heard."""
    reason = "nothing was heard of it: its runner is not in contact"
    if not store.end(tx, errand_id, "system_error", "expired", reason, now):
        return None
    errand = store.get(tx, errand_id)
    assert errand is not None, "it was just changed"
    outbox.withdraw_errand(tx, errand.runner, errand_id)
    _ended(tx, errand, now, on_end)
    return errand


def due(tx: Tx, errand_id: str) -> AskedErrand | None:
    """An errand that still can be given up."""
    errand = store.get(tx, errand_id)
    return errand if errand is not None and errand.is_open else None


def all_open(tx: Tx) -> list[tuple[str, datetime]]:
    """(id, when it is given up) of each."""
    return store.all_open(tx)


def purge(tx: Tx, now: datetime) -> None:
    store.purge(tx, now - KEPT)


def _ended(tx: Tx, errand: AskedErrand, now: datetime, on_end: Mapping[str, OnEnd]) -> None:
    """A room that fails at it must not undo what others said in the same sync."""
    act = on_end.get(errand.kind)
    if act is None:
        return
    try:
        with tx.begin_nested():
            act(tx, errand, now)
    except Exception as error:
        log.error("errand.end.failed", errand=errand.id, kind=errand.kind, exc_info=error)


def _bounded(news: ErrandNews) -> ErrandNews:
    """PostgreSQL takes no NUL, and nobody reads a page of reason."""
    return ErrandNews(
        news.errand,
        news.number,
        news.state,
        min(100.0, max(0.0, news.progress)),
        _words(news.message),
        news.reason_code and _words(news.reason_code)[:32],
        _words(news.reason),
        news.answer,
    )


def _words(text: str) -> str:
    return text.replace("\0", "")[:MESSAGE_MAX]
