"""Budgets: looked at when something begins or ends, and when the present pace says that one is reached.

Who launches reads a mark on the row; only the dispatcher computes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alongside.errors import BudgetSpent, BudgetUnknown, Fault, Invalid
from alongside.hub import accounts, notices
from alongside.hub import usage as usage_room
from alongside.hub.store import budgets as store
from alongside.hub.store import changes
from alongside.hub.store import usage as usage_store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.hub.store.usage import Whose
from alongside.spec.accounts import Caller
from alongside.spec.usage import (
    Budget,
    BudgetScope,
    BudgetState,
    Measure,
    Period,
    Spent,
    period_begin,
    period_end,
    period_key,
    reached_at,
)

#: what runs is paused so long after its owner was told
GRACE = timedelta(minutes=10)
#: even a pace that is wrong is corrected
LOOK_AGAIN = timedelta(hours=1)
#: more than pauses at once are paused in the next turn
PAUSED_AT_ONCE = 30
AMOUNT_MAX = 1e12

COLUMN = {"cpu_hours": "cpu_s", "gpu_hours": "gpu_s", "memory_gb_hours": "memory_gb_s"}
WORDS = {"cpu_hours": "CPU hours", "gpu_hours": "GPU hours", "memory_gb_hours": "GB hours of memory"}


@dataclass(frozen=True)
class Look:
    """What a look at a budget came to: when to look again, and which runs are to be paused now."""

    again_at: datetime | None
    pause: tuple[str, ...] = ()


# Kept by administrators


def create(
    tx: Tx,
    now: datetime,
    *,
    scope: BudgetScope,
    subject: str,
    measure: Measure,
    amount: float,
    period: Period,
    warn_at: float,
    stop: bool,
) -> Budget:
    """
    Raises:
        Invalid: the amount or the share cannot be one.
        AccountUnknown, GroupUnknown
    """
    _check(amount, warn_at)
    if scope == "account":
        accounts.get(tx, subject)
    elif scope == "group":
        accounts.get_group(tx, subject)
    elif subject:
        raise Invalid([Fault("subject", "must be empty where the budget is everyone's")])
    budget = Budget(new_id(now), scope, subject, "", measure, amount, period, warn_at, stop, now)
    store.add(tx, budget)
    changes.note(tx, "budget", budget.id)
    return get(tx, budget.id)


def get(tx: Tx, budget_id: str) -> Budget:
    """
    Raises:
        BudgetUnknown: there is none.
    """
    budget = store.get(tx, budget_id)
    if budget is None:
        raise BudgetUnknown
    return budget


def edit(tx: Tx, budget_id: str, members: dict[str, Any]) -> Budget:
    """Change amount, warn_at or stop; what it now means is found out by the dispatcher."""
    budget = replace(get(tx, budget_id), **members)
    _check(budget.amount, budget.warn_at)
    store.change(tx, budget.id, **members)
    changes.note(tx, "budget", budget.id)
    return budget


def remove(tx: Tx, budget_id: str) -> None:
    store.remove(tx, get(tx, budget_id).id)
    changes.note(tx, "budget", budget_id)


def _check(amount: float, warn_at: float) -> None:
    faults: list[Fault] = []
    if not 0 < amount <= AMOUNT_MAX:
        faults.append(Fault("amount", "must be greater than 0"))
    if not 0 < warn_at <= 1:
        faults.append(Fault("warn_at", "must be greater than 0 and at most 1"))
    if faults:
        raise Invalid(faults)


# Seen by those who spend


def states(tx: Tx, caller: Caller, now: datetime) -> list[BudgetState]:
    """Budgets that the caller spends from or looks after; all of them for administrators."""
    if caller.is_admin:
        found = store.listing(tx)
    else:
        found = store.about(tx, caller.account.id, accounts.managed_groups(tx, caller.account.id))
    return [_state(tx, budget, now)[0] for budget in found]


def check(tx: Tx, account_id: str, now: datetime) -> None:
    """To be called before something is launched or started.

    Raises:
        BudgetSpent: naming the budget.
    """
    for budget in store.about(tx, account_id, spent=True):
        if budget.is_spent(now):
            end = period_end(budget.period, now)
            until = f" It begins anew on {end.date().isoformat()}." if end else ""
            raise BudgetSpent(
                f"The budget of {_amount(budget)} {_whose(budget)} is used up.{until}", budget=budget.id
            )


# Kept by the dispatcher


def all_of(tx: Tx) -> dict[str, Budget]:
    return {budget.id: budget for budget in store.listing(tx)}


def look(tx: Tx, budget_id: str, now: datetime) -> Look | None:
    """Warn, close or open again, and say when to look next; None: the budget is gone."""
    budget = store.get(tx, budget_id)
    if budget is None:
        return None
    state, interactive = _state(tx, budget, now)
    key = period_key(budget.period, now)
    share = state.used / budget.amount
    changed: dict[str, Any] = {}
    if share >= 1:
        if budget.spent_for != key:
            changed |= {"spent_for": key, "warned_for": key}
            changed["stops_at"] = now + GRACE if budget.stop else None
            _tell(tx, budget, f"Used up: {_amount(budget)} {_whose(budget)}", _then(budget), now)
            if budget.stop:
                _tell_owners(tx, budget, interactive, now)
        elif budget.stop and budget.stops_at is None:
            changed["stops_at"] = now + GRACE
            _tell_owners(tx, budget, interactive, now)
    else:
        if budget.spent_for:
            changed |= {"spent_for": "", "stops_at": None}
        if share >= budget.warn_at and budget.warned_for != key:
            changed["warned_for"] = key
            used = f"{share:.0%} of {_amount(budget)} {_whose(budget)} are used"
            out = state.runs_out_at
            soon = f"At this pace it is used up on {out:%Y-%m-%d at %H:%M} UTC." if out else ""
            _tell(tx, budget, used, soon, now)
    if changed:
        store.change(tx, budget.id, **changed)
        budget = replace(budget, **changed)
    return _next(budget, state, interactive, share, key, now)


def _next(
    budget: Budget,
    state: BudgetState,
    interactive: list[tuple[str, str]],
    share: float,
    key: str,
    now: datetime,
) -> Look:
    pause: tuple[str, ...] = ()
    moments = [period_end(budget.period, now)]
    if share >= 1:
        if budget.stop and budget.stops_at is not None:
            if budget.stops_at <= now:
                pause = tuple(run for run, _ in interactive[:PAUSED_AT_ONCE])
                moments.append(now + timedelta(seconds=15) if interactive else None)
            else:
                moments.append(budget.stops_at)
    elif state.rate > 0:
        threshold = budget.amount if budget.warned_for == key else budget.warn_at * budget.amount
        reached = reached_at(state.used, state.rate / 3600, threshold, now)
        # a second later, so that rounding does not make it almost reached
        moments += [reached + timedelta(seconds=1) if reached else None, now + LOOK_AGAIN]
    return Look(min((moment for moment in moments if moment is not None), default=None), pause)


def _state(tx: Tx, budget: Budget, now: datetime) -> tuple[BudgetState, list[tuple[str, str]]]:
    """How much is used, and the (run, account) pairs that use more at present."""
    whose = _scope(budget)
    begin = period_begin(budget.period, budget.created_at, now)
    spent = usage_store.total(tx, whose, begin.date().isoformat())
    rate = Spent()
    going: list[tuple[str, str]] = []
    for item in usage_store.running(tx, whose):
        seconds = max(0.0, (now - max(item.began_at, begin)).total_seconds())
        spent += usage_room.held_for(item, seconds)
        rate += usage_room.held_for(item, 1.0)
        if item.interactive:
            going.append((item.run, item.account))
    column = COLUMN[budget.measure]
    used, pace = getattr(spent, column) / 3600, getattr(rate, column)
    out = reached_at(used, pace / 3600, budget.amount, now)
    end = period_end(budget.period, now)
    return BudgetState(budget, used, pace, None if out and end and out > end else out), going


def _scope(budget: Budget) -> Whose:
    match budget.scope:
        case "account":
            return Whose(account=budget.subject)
        case "group":
            return Whose(group=budget.subject)
        case "everyone":
            return Whose()


def _tell(tx: Tx, budget: Budget, title: str, body: str, now: datetime) -> None:
    match budget.scope:
        case "account":
            told = [budget.subject] if budget.subject_name else []
        case "group":
            told = store.managers(tx, budget.subject) or store.admins(tx)
        case "everyone":
            told = store.admins(tx)
    for account in told:
        notices.notify(tx, account, "budget", title, body, "/usage", now)


def _tell_owners(tx: Tx, budget: Budget, interactive: list[tuple[str, str]], now: datetime) -> None:
    """Those whose tools will be paused."""
    moment = f"{now + GRACE:%H:%M} UTC"
    for account in sorted({account for _, account in interactive}):
        notices.notify(
            tx,
            account,
            "ending_soon",
            f"Your tools are paused at {moment}",
            f"The budget of {_amount(budget)} {_whose(budget)} is used up. Files in your home are kept.",
            "/runs",
            now,
        )


def _then(budget: Budget) -> str:
    if not budget.stop:
        return "Nothing is stopped."
    return f"Nothing new is launched; what runs is paused in {GRACE.seconds // 60} minutes."


def _amount(budget: Budget) -> str:
    each = " a month" if budget.period == "month" else ""
    return f"{budget.amount:,.10g} {WORDS[budget.measure]}{each}"


def _whose(budget: Budget) -> str:
    return "of everyone" if budget.scope == "everyone" else f"of {budget.subject_name}"
