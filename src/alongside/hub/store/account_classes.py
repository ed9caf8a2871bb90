"""Rows of account classes; what leaves is values."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, func, insert, select, true, update

from alongside import values
from alongside.hub.store.database import Tx
from alongside.hub.store.schema import account_classes, accounts
from alongside.spec.accounts import AccountClass, Limits


def limits_of(tx: Tx, name: str) -> Limits:
    """No limits where nobody wrote the class down."""
    row = tx.execute(select(account_classes.c.limits).where(account_classes.c.name == name)).first()
    return Limits() if row is None else values.load(Limits, row.limits)


def get(tx: Tx, name: str) -> AccountClass | None:
    found = _classes(tx, account_classes.c.name == name)
    return found[0] if found else None


def page(tx: Tx, after: str | None, limit: int) -> list[AccountClass]:
    return _classes(tx, true() if after is None else account_classes.c.name > after, limit)


def put(tx: Tx, wanted: AccountClass) -> None:
    members = {"title": wanted.title, "limits": values.dump(wanted.limits)}
    changed = tx.execute(
        update(account_classes).where(account_classes.c.name == wanted.name).values(**members)
    )
    if not changed.rowcount:
        tx.execute(insert(account_classes).values(name=wanted.name, **members))


def remove(tx: Tx, name: str) -> None:
    tx.execute(delete(account_classes).where(account_classes.c.name == name))


def _classes(tx: Tx, condition: ColumnElement[bool], limit: int | None = None) -> list[AccountClass]:
    members = select(func.count()).where(accounts.c.account_class == account_classes.c.name).scalar_subquery()
    rows = tx.execute(
        select(account_classes, members.label("members"))
        .where(condition)
        .order_by(account_classes.c.name)
        .limit(limit)
    )
    return [AccountClass(row.name, row.title, values.load(Limits, row.limits), row.members) for row in rows]
