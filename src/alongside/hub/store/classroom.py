"""Members of a group with the newest run of each, in one query."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import accounts, group_members, groups, runs, sites
from alongside.spec.classroom import ClassGroup
from alongside.spec.runs import ReasonCode, State
from alongside.spec.tools import ToolKind

MEMBERS_MAX = 5_000


@dataclass(frozen=True)
class Newest:
    """What the class page says of a run; the names are those of its columns."""

    id: str
    tool: str
    title: str
    kind: ToolKind
    state: State
    ready: bool
    reason_code: ReasonCode | None
    reason: str
    progress: float
    message: str
    ends_at: datetime | None
    updated_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    ready_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class Enrolled:
    """A member of a group."""

    account: str
    name: str
    display_name: str
    manager: bool
    #: where the newest run is
    site: str | None
    newest: Newest | None


def members(tx: Tx, group: str, tool: str | None) -> list[Enrolled]:
    """In the order of their names."""
    newest = runs.alias("newest")
    latest = select(func.max(newest.c.id)).where(
        newest.c.account_id == accounts.c.id,
        newest.c.deleting.is_(False),
        newest.c.tool == tool if tool is not None else newest.c.kind == "interactive",
    )
    query = (
        select(
            accounts.c.id.label("account"),
            accounts.c.name,
            accounts.c.display_name,
            group_members.c.manager,
            sites.c.name.label("site"),
            *(runs.c[column.name] for column in fields(Newest)),
        )
        .select_from(group_members)
        .join(accounts, accounts.c.id == group_members.c.account_id)
        .outerjoin(runs, and_(runs.c.account_id == accounts.c.id, runs.c.id == latest.scalar_subquery()))
        .outerjoin(sites, sites.c.id == runs.c.site_id)
        .where(group_members.c.group_id == group)
        .order_by(accounts.c.name)
        .limit(MEMBERS_MAX)
    )
    return [_enrolled(tuple(row)) for row in tx.execute(query)]


def _enrolled(row: tuple[Any, ...]) -> Enrolled:
    member, newest = row[:5], row[5:]
    return Enrolled(*member, newest=None if newest[0] is None else Newest(*newest))


def overseen(tx: Tx, account: str) -> list[ClassGroup]:
    """The groups that an account manages."""
    mine = select(group_members.c.group_id).where(
        group_members.c.account_id == account, group_members.c.manager.is_(True)
    )
    return _groups(tx, groups.c.id.in_(mine.scalar_subquery()))


def all_groups(tx: Tx) -> list[ClassGroup]:
    return _groups(tx, groups.c.id != "")


def _groups(tx: Tx, wanted: Any) -> list[ClassGroup]:
    query = (
        select(groups.c.id, groups.c.name, func.count(group_members.c.account_id).label("members"))
        .outerjoin(group_members, group_members.c.group_id == groups.c.id)
        .where(wanted)
        .group_by(groups.c.id, groups.c.name)
        .order_by(groups.c.name)
        .limit(1_000)
    )
    return [ClassGroup(row.id, row.name, row.members) for row in tx.execute(query)]


def groups_of_members(tx: Tx, manager: str) -> dict[str, list[str]]:
    """Of each account in the groups that this one manages: which of these groups it is in."""
    mine = select(group_members.c.group_id).where(
        group_members.c.account_id == manager, group_members.c.manager.is_(True)
    )
    query = select(group_members.c.account_id, group_members.c.group_id).where(
        group_members.c.group_id.in_(mine.scalar_subquery())
    )
    found: dict[str, list[str]] = {}
    for row in tx.execute(query):
        found.setdefault(row.account_id, []).append(row.group_id)
    return found
