"""What runs used: booked when an attempt ends and now and then while it goes on, and told as sums."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import astuple, fields
from datetime import date, datetime, timedelta

from alongside.errors import Fault, Forbidden, Invalid
from alongside.hub import accounts
from alongside.hub.store import usage as store
from alongside.hub.store.database import Tx
from alongside.hub.store.usage import Tried, Whose
from alongside.spec.accounts import Caller
from alongside.spec.usage import By, Spent, UsageRow, by_day

#: what goes on is booked so often
BOOK_EVERY = timedelta(minutes=10)
#: a booking changes about three rows, and a transaction at most 500
BOOKED_AT_ONCE = 100
DAYS_MAX = 3_700

Key = tuple[str, str, str, str]


def book_ended(tx: Tx, run_ids: Collection[str], now: datetime) -> None:
    """Book the rest of the attempts of these runs that have ended."""
    if run_ids:
        _book(tx, store.ended(tx, run_ids), now)


def book_running(tx: Tx, now: datetime) -> bool:
    """Book what goes on, up to now; whether there is more than one transaction takes."""
    tried = store.running(tx, before=now - BOOK_EVERY / 2, limit=BOOKED_AT_ONCE)
    _book(tx, tried, now)
    return len(tried) == BOOKED_AT_ONCE


def book_staged(
    tx: Tx, account: str, site: str | None, tool: str, dataset: str | None, size: int, now: datetime
) -> None:
    """Bytes that were brought to a run's place."""
    day, spent = now.date().isoformat(), Spent(staged_bytes=size)
    store.book(tx, {(day, account, site or "", tool): spent})
    if dataset:
        store.book_datasets(tx, {(day, dataset, account, site or ""): spent})


def _book(tx: Tx, tried: Sequence[Tried], now: datetime) -> None:
    if not tried:
        return
    by_account: dict[Key, Spent] = defaultdict(Spent)
    by_dataset: dict[Key, Spent] = defaultdict(Spent)
    present = store.datasets_of(tx, {item.run for item in tried})
    for item in tried:
        until, first = item.ended_at or now, item.first
        days = by_day(item.began_at, until) or [(until.date().isoformat(), 0.0)]
        for day, seconds in days:
            spent = held_for(item, seconds, starts=int(first))
            first = False
            key = (day, item.account, item.site, item.tool)
            by_account[key] += spent
            for dataset in present.get(item.run, ()):
                by_dataset[day, dataset, item.account, item.site] += spent
    store.book(tx, by_account)
    store.book_datasets(tx, by_dataset)
    store.counted(tx, [(item.run, item.number, item.ended_at or now) for item in tried])


def held_for(item: Tried, seconds: float, *, starts: int = 0) -> Spent:
    return Spent(item.cpus * seconds, item.gpus * seconds, item.memory_gb * seconds, seconds, starts=starts)


# Told


def table(
    tx: Tx,
    caller: Caller,
    by: By,
    *,
    begin: str,
    end: str,
    account: str | None = None,
    group: str | None = None,
    site: str | None = None,
    tool: str | None = None,
    limit: int,
) -> list[UsageRow]:
    """Sums over whole days. One's own, a group's for those who manage it, all for administrators.

    Raises:
        Invalid: the days are none.
        Forbidden: other people's.
    """
    begin, end = _days(begin, end)
    whose = _whose(tx, caller, account, group)
    sums = store.sums(tx, by, whose, begin, end, site=site, tool=tool, limit=limit)
    kept = store.stored(tx, by, whose)
    return [
        UsageRow(
            key=item.key,
            name=item.name,
            cpu_hours=round(item.spent.cpu_s / 3600, 6),
            gpu_hours=round(item.spent.gpu_s / 3600, 6),
            memory_gb_hours=round(item.spent.memory_gb_s / 3600, 6),
            hours=round(item.spent.wall_s / 3600, 6),
            staged_bytes=item.spent.staged_bytes,
            stored_bytes=kept.get(item.key, 0),
            starts=item.spent.starts,
        )
        for item in sums
    ]


def days_before(day: str, span: timedelta) -> str:
    """The day so long before another; that day itself where it is none, for `table` to refuse."""
    try:
        return (date.fromisoformat(day) - span).isoformat()
    except (ValueError, OverflowError):
        return day


def as_csv(rows: Sequence[UsageRow]) -> str:
    """With a header. What a spreadsheet would take for a formula is preceded by an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([item.name for item in fields(UsageRow)])
    for row in rows:
        writer.writerow(
            [
                f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell
                for cell in astuple(row)
            ]
        )
    return out.getvalue()


def _whose(tx: Tx, caller: Caller, account: str | None, group: str | None) -> Whose:
    if caller.is_admin:
        return Whose(account, group)
    if group is not None:
        if group not in accounts.managed_groups(tx, caller.account.id):
            raise Forbidden("only those who manage a group see what it used")
        return Whose(account, group)
    if account not in (None, caller.account.id):
        raise Forbidden("you see what you used yourself, and what the groups used that you manage")
    return Whose(caller.account.id)


def _days(begin: str, end: str) -> tuple[str, str]:
    faults: list[Fault] = []
    days: list[date] = []
    for field, text in (("since", begin), ("until", end)):
        try:
            days.append(date.fromisoformat(text))
        except ValueError:
            faults.append(Fault(field, "must be a day, as 2026-11-22"))
    if not faults and not timedelta(0) <= days[1] - days[0] <= timedelta(days=DAYS_MAX):
        faults.append(Fault("until", "must not be before `since`, nor ten years after it"))
    if faults:
        raise Invalid(faults)
    return days[0].isoformat(), days[1].isoformat()
