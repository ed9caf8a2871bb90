"""What runs use: measured in time for what they hold, by the day in UTC; and budgets over it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

By = Literal["account", "group", "tool", "dataset", "site", "day"]

Measure = Literal["cpu_hours", "gpu_hours", "memory_gb_hours"]

BudgetScope = Literal["account", "group", "everyone"]

Period = Literal["month", "total"]


@dataclass(frozen=True)
class Spent:
    """What something used: seconds times what was held for them."""

    cpu_s: float = 0.0
    gpu_s: float = 0.0
    memory_gb_s: float = 0.0
    wall_s: float = 0.0
    staged_bytes: int = 0
    #: attempts that began
    starts: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.cpu_s + other.cpu_s,
            self.gpu_s + other.gpu_s,
            self.memory_gb_s + other.memory_gb_s,
            self.wall_s + other.wall_s,
            self.staged_bytes + other.staged_bytes,
            self.starts + other.starts,
        )


@dataclass(frozen=True)
class UsageRow:
    """What one account, group, tool, dataset, site or day used."""

    #: id, or the name of a tool or site, or the day
    key: str
    name: str
    cpu_hours: float
    gpu_hours: float
    memory_gb_hours: float
    #: how long runs ran, whatever they held
    hours: float
    staged_bytes: int
    #: what is kept now: homes and artifacts; for a dataset what it holds itself; 0 for days
    stored_bytes: int
    starts: int


@dataclass(frozen=True)
class Budget:
    id: str
    scope: BudgetScope
    #: of the account or group; empty for everyone
    subject: str
    #: name of the account or group
    subject_name: str
    measure: Measure
    amount: float
    period: Period
    #: share of the amount at which to warn
    warn_at: float
    #: refuse launches and pause what runs once it is used up
    stop: bool
    created_at: datetime
    #: the period in which people were warned
    warned_for: str = ""
    #: the period in which it was used up
    spent_for: str = ""
    #: when what still runs is paused
    stops_at: datetime | None = None

    def is_spent(self, now: datetime) -> bool:
        return self.spent_for != "" and self.spent_for == period_key(self.period, now)


@dataclass(frozen=True)
class BudgetState:
    """A budget and how much of it is used, by what runs now too."""

    budget: Budget
    used: float
    #: used per hour at present
    rate: float
    #: when it will be used up if this goes on; None: not in this period
    runs_out_at: datetime | None


def by_day(begin: datetime, end: datetime) -> list[tuple[str, float]]:
    """The seconds between two moments, for each day in UTC that they touch."""
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    parts: list[tuple[str, float]] = []
    while begin < end:
        midnight = (begin + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        until = min(midnight, end)
        parts.append((begin.date().isoformat(), (until - begin).total_seconds()))
        begin = until
    return parts


def period_key(period: Period, now: datetime) -> str:
    return "total" if period == "total" else now.astimezone(UTC).strftime("%Y-%m")


def period_begin(period: Period, made: datetime, now: datetime) -> datetime:
    """When the present period began. A `total` counts from the day on which the budget was made."""
    moment = made if period == "total" else now
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day if period == "total" else day.replace(day=1)


def period_end(period: Period, now: datetime) -> datetime | None:
    if period == "total":
        return None
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def reached_at(used: float, rate: float, threshold: float, now: datetime) -> datetime | None:
    """When use will reach a threshold at this rate per second; None: not in this life."""
    if used >= threshold:
        return now
    if rate <= 0 or (seconds := (threshold - used) / rate) > 10 * 366 * 86_400:
        return None
    return now + timedelta(seconds=seconds)
