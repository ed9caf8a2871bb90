"""Rows of budgets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, and_, case, delete, insert, or_, select, update

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import accounts, budgets, group_members, groups
from alongside.spec.usage import Budget

_ANY = (
    select(
        budgets,
        case((budgets.c.scope == "group", groups.c.name), else_=accounts.c.name).label("subject_name"),
    )
    .outerjoin(accounts, and_(budgets.c.scope == "account", accounts.c.id == budgets.c.subject))
    .outerjoin(groups, and_(budgets.c.scope == "group", groups.c.id == budgets.c.subject))
)


def get(tx: Tx, budget_id: str) -> Budget | None:
    row = tx.execute(_ANY.where(budgets.c.id == budget_id)).one_or_none()
    return None if row is None else _budget(row)


def listing(tx: Tx, limit: int = 1_000) -> list[Budget]:
    return [_budget(row) for row in tx.execute(_ANY.order_by(budgets.c.id).limit(limit))]


def about(tx: Tx, account: str, managed: Collection[str] = (), *, spent: bool = False) -> list[Budget]:
    """Those that an account spends from, and those of the groups it manages; or the used up ones alone."""
    member = select(group_members.c.group_id).where(group_members.c.account_id == account)
    query = _ANY.where(
        or_(
            budgets.c.scope == "everyone",
            and_(budgets.c.scope == "account", budgets.c.subject == account),
            and_(
                budgets.c.scope == "group",
                or_(budgets.c.subject.in_(member.scalar_subquery()), budgets.c.subject.in_(managed)),
            ),
        )
    )
    if spent:
        query = query.where(budgets.c.stop, budgets.c.spent_for != "")
    return [_budget(row) for row in tx.execute(query.order_by(budgets.c.id))]


def add(tx: Tx, budget: Budget) -> None:
    tx.execute(
        insert(budgets).values(
            id=budget.id,
            scope=budget.scope,
            subject=budget.subject,
            measure=budget.measure,
            amount=budget.amount,
            period=budget.period,
            warn_at=budget.warn_at,
            stop=budget.stop,
            created_at=budget.created_at,
        )
    )


def change(tx: Tx, budget_id: str, **columns: Any) -> None:
    tx.execute(update(budgets).where(budgets.c.id == budget_id).values(**columns))


def remove(tx: Tx, budget_id: str) -> None:
    tx.execute(delete(budgets).where(budgets.c.id == budget_id))


def managers(tx: Tx, group: str) -> list[str]:
    query = select(group_members.c.account_id).where(
        group_members.c.group_id == group, group_members.c.manager.is_(True)
    )
    return list(tx.execute(query).scalars())


def admins(tx: Tx) -> list[str]:
    query = select(accounts.c.id).where(accounts.c.role == "admin", accounts.c.active).order_by(accounts.c.id)
    return list(tx.execute(query).scalars())


def _budget(row: Row[Any]) -> Budget:
    return Budget(
        id=row.id,
        scope=row.scope,
        subject=row.subject,
        subject_name=row.subject_name or "",
        measure=row.measure,
        amount=row.amount,
        period=row.period,
        warn_at=row.warn_at,
        stop=row.stop,
        created_at=row.created_at,
        warned_for=row.warned_for,
        spent_for=row.spent_for,
        stops_at=row.stops_at,
    )
