"""Doors to what was used, and to the budgets over it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import budgets, usage
from alongside.hub.api.guard import Answer, caller, door, given, hub
from alongside.hub.doors import Media, Tx
from alongside.spec.usage import Budget, BudgetScope, BudgetState, By, Measure, Period, UsageRow

doors = APIBlueprint("usage", __name__, tag="Usage")

Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Name = Annotated[str, Field(max_length=128)]
#: days that are looked at unless others are asked for
DAYS = timedelta(days=30)
CSV = Media("text/csv; charset=utf-8")


@dataclass(frozen=True)
class UsageQuery:
    by: By = "tool"
    #: first day in UTC; left out: 30 days before the last
    since: Day | None = None
    #: last day; left out: today
    until: Day | None = None
    #: id of one account
    account: Name | None = None
    #: id of a group: what its members used
    group: Name | None = None
    site: Name | None = None
    tool: Name | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] = 500


@dataclass(frozen=True)
class UsageTable:
    since: str
    until: str
    #: the largest use first; days in their order
    rows: tuple[UsageRow, ...]


@values.strict
@dataclass(frozen=True)
class BudgetBody:
    scope: BudgetScope
    measure: Measure
    amount: float
    #: id of the account or group; empty for everyone
    subject: Name = ""
    period: Period = "month"
    warn_at: float = 0.8
    stop: bool = True


@values.strict
@dataclass(frozen=True)
class BudgetEdit:
    """Members that are left out stay as they are."""

    amount: float | None = None
    warn_at: float | None = None
    stop: bool | None = None


@door(doors, "GET", "/usage", query=UsageQuery, answers={200: UsageTable}, problems=(errors.Forbidden,))
def get_usage(tx: Tx, query: UsageQuery) -> UsageTable:
    """What was used: by yourself, by a group that you manage, by everyone for administrators."""
    return _table(tx, query)


@door(doors, "GET", "/usage.csv", query=UsageQuery, answers={200: CSV}, problems=(errors.Forbidden,))
def get_usage_csv(tx: Tx, query: UsageQuery) -> Answer:
    """The same as a table for spreadsheets."""
    table = _table(tx, query)
    name = f"usage-by-{query.by}-{table.since}-{table.until}.csv"
    return Answer(usage.as_csv(table.rows), headers={"Content-Disposition": f'attachment; filename="{name}"'})


@door(doors, "GET", "/budgets", answers={200: tuple[BudgetState, ...]})
def list_budgets(tx: Tx) -> tuple[BudgetState, ...]:
    """Budgets that you spend from or look after, and how much of each is used."""
    return tuple(budgets.states(tx, caller(), hub().clock()))


@door(
    doors,
    "POST",
    "/budgets",
    needs="admin",
    body=BudgetBody,
    answers={201: Budget},
    problems=(errors.AccountUnknown, errors.GroupUnknown),
)
def create_budget(tx: Tx, body: BudgetBody) -> Budget:
    """Limit what an account, the members of a group, or everyone may use."""
    return budgets.create(
        tx,
        hub().clock(),
        scope=body.scope,
        subject=body.subject,
        measure=body.measure,
        amount=body.amount,
        period=body.period,
        warn_at=body.warn_at,
        stop=body.stop,
    )


@door(
    doors,
    "PATCH",
    "/budgets/<id>",
    needs="admin",
    body=BudgetEdit,
    answers={200: Budget},
    problems=(errors.BudgetUnknown,),
)
def edit_budget(tx: Tx, id: str, body: BudgetEdit) -> Budget:
    """Change the amount, the share at which to warn, or whether it stops anything."""
    members = {name: value for name, value in given(body).items() if value is not None}
    return budgets.edit(tx, id, members)


@door(doors, "DELETE", "/budgets/<id>", needs="admin", answers={204: None}, problems=(errors.BudgetUnknown,))
def delete_budget(tx: Tx, id: str) -> None:
    """Remove a budget; what was used stays booked."""
    budgets.remove(tx, id)


def _table(tx: Tx, query: UsageQuery) -> UsageTable:
    until = query.until or hub().clock().date().isoformat()
    since = query.since or usage.days_before(until, DAYS)
    rows = usage.table(
        tx,
        caller(),
        query.by,
        begin=since,
        end=until,
        account=query.account,
        group=query.group,
        site=query.site,
        tool=query.tool,
        limit=query.limit,
    )
    return UsageTable(since, until, tuple(rows))
