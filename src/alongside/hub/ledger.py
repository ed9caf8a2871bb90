"""The dispatcher's books: what runs use is booked, and budgets are looked at when their pace says so."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from alongside.hub import budgets, usage
from alongside.hub.deadlines import Deadlines, Key
from alongside.hub.runs.actions import stop_for
from alongside.hub.store import runs as runs_store
from alongside.hub.store.database import Tx
from alongside.spec.usage import Budget

BOOK: Key = ("book", "")
#: however much begins and ends, a budget is looked at no more often
LOOK_AFTER_S = 2.0


class Ledger:
    """Which budgets there are, by heart; everything else is in the tables."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._budgets: dict[str, Budget] = {}

    def load(self, tx: Tx, monotonic: float) -> None:
        if BOOK not in self._deadlines:
            self._deadlines.set(BOOK, monotonic + usage.BOOK_EVERY.total_seconds())
        self._budgets = budgets.all_of(tx)
        for budget in self._budgets:
            self._deadlines.set(("budget", budget), monotonic)

    def turned(self, tx: Tx, run_ids: Collection[str], now: datetime, monotonic: float) -> None:
        """Something happened to these runs."""
        if not run_ids:
            return
        usage.book_ended(tx, run_ids, now)
        if not self._budgets:
            return
        accounts = runs_store.accounts_of(tx, run_ids)
        for budget in self._budgets.values():
            key = ("budget soon", budget.id)
            concerned = budget.scope != "account" or budget.subject in accounts
            if concerned and key not in self._deadlines:
                self._deadlines.set(key, monotonic + LOOK_AFTER_S)

    def due(self, tx: Tx, key: Key, now: datetime, monotonic: float) -> None:
        """A deadline of ours has come."""
        if key == BOOK:
            more = usage.book_running(tx, now)
            self._deadlines.set(BOOK, monotonic + (0.0 if more else usage.BOOK_EVERY.total_seconds()))
            return
        _, budget = key
        look = budgets.look(tx, budget, now)
        if look is None:
            self._deadlines.drop(("budget", budget))
            return
        self._deadlines.at(("budget", budget), look.again_at, now, monotonic)
        for run_id in look.pause:
            run = runs_store.standing(tx, run_id)
            if run is not None:
                stop_for(tx, run, "budget_spent", "a budget that it is paid from is used up", now)
