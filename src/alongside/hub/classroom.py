"""The class page: who of a group has launched, is ready, is stuck and why; and acts on all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from alongside.config import Config
from alongside.errors import GroupUnknown, Problem
from alongside.hub import accounts, notices, runs
from alongside.hub.store import classroom as store
from alongside.hub.store.database import Tx
from alongside.spec.accounts import Caller
from alongside.spec.classroom import CONCERNED, ClassAct, ClassGroup, ClassPage, Member, Outcome, standing
from alongside.spec.line import Place
from alongside.spec.runs import ActionKind

#: an act changes about eight rows, and a transaction at most 500
ACTED_AT_ONCE = 40

ACTIONS: dict[ClassAct, ActionKind] = {"stop": "stop", "extend": "extend", "retry": "start"}


def groups(tx: Tx, caller: Caller) -> list[ClassGroup]:
    """Those that the caller manages; all of them for administrators."""
    return store.all_groups(tx) if caller.is_admin else store.overseen(tx, caller.account.id)


def page(tx: Tx, caller: Caller, group_id: str, tool: str | None, now: datetime) -> ClassPage:
    """
    Raises:
        GroupUnknown: there is none that the caller looks after.
    """
    _check(tx, caller, group_id)
    members = tuple(_member(row, now) for row in store.members(tx, group_id, tool))
    waiting = {member.run for member in members if member.standing == "waiting" and member.run}
    places = runs.in_lines(tx, waiting, now)
    members = tuple(_placed(member, places.get(member.run or "")) for member in members)
    counts = Counter(member.standing for member in members)
    return ClassPage(group_id, accounts.get_group(tx, group_id).name, tool, members, dict(counts))


def concerned(
    tx: Tx,
    caller: Caller,
    group_id: str,
    act: ClassAct,
    now: datetime,
    *,
    tool: str | None,
    only: Collection[str] | None,
) -> list[Member]:
    """The members whom an act is about; `only` these accounts, None: all.

    Raises:
        GroupUnknown: there is none that the caller looks after.
    """
    return [
        member
        for member in page(tx, caller, group_id, tool, now).members
        if member.standing in CONCERNED[act] and (only is None or member.account in only)
    ]


def act(
    tx: Tx,
    caller: Caller,
    group_id: str,
    kind: ClassAct,
    members: Sequence[Member],
    body: dict[str, Any],
    now: datetime,
    *,
    config: Config,
) -> list[Outcome]:
    """Do the same for each of these members, at most ACTED_AT_ONCE; one failure does not stop the others."""
    _check(tx, caller, group_id)
    return [_act(tx, caller, kind, member, body, now, config) for member in members]


def groups_of_members(tx: Tx, account_id: str) -> dict[str, list[str]]:
    """Of each account in the groups that this one manages: which of these groups it is in."""
    return store.groups_of_members(tx, account_id)


def _act(
    tx: Tx,
    caller: Caller,
    kind: ClassAct,
    member: Member,
    body: dict[str, Any],
    now: datetime,
    config: Config,
) -> Outcome:
    if kind == "message":
        title, text = body["title"], body.get("text", "")
        sender = caller.account.display_name or caller.account.name
        link = f"/runs/{member.run}" if member.run else ""
        notices.notify(tx, member.account, "message", title, f"{text}\n\n{sender}".strip(), link, now)
        return Outcome(member.account, member.name, member.run, True)
    assert member.run is not None
    wanted = {"seconds": body["seconds"]} if kind == "extend" else {}
    try:
        with tx.begin_nested():
            runs.act(tx, caller, member.run, ACTIONS[kind], wanted, now, config=config, overseer=True)
    except Problem as problem:
        return Outcome(member.account, member.name, member.run, False, problem.detail)
    return Outcome(member.account, member.name, member.run, True)


def _check(tx: Tx, caller: Caller, group_id: str) -> None:
    if not caller.is_admin and group_id not in accounts.managed_groups(tx, caller.account.id):
        raise GroupUnknown("there is no such group that you manage")
    accounts.get_group(tx, group_id)


def _placed(member: Member, place: Place | None) -> Member:
    if place is None:
        return member
    return replace(member, reason=f"{place.words}: {member.reason}" if member.reason else place.words)


def _member(row: store.Enrolled, now: datetime) -> Member:
    run = row.newest
    if run is None:
        return Member(row.account, row.name, row.display_name, row.manager, "absent")
    stands = standing(
        run.state,
        ready=run.ready,
        interactive=run.kind == "interactive",
        reason_code=run.reason_code,
        heard_at=run.updated_at,
        now=now,
    )
    moments = {
        "waiting": run.queued_at,
        "ready": run.ready_at,
        "running": run.started_at,
        "stopped": run.ended_at,
        "ended": run.ended_at,
        "failed": run.ended_at,
    }
    reason = run.reason or run.message or (run.reason_code or "").replace("_", " ")
    return Member(
        account=row.account,
        name=row.name,
        display_name=row.display_name,
        manager=row.manager,
        standing=stands,
        run=run.id,
        tool=run.tool,
        title=run.title,
        site=row.site,
        reason="" if stands in {"ready", "running"} else reason,
        progress=run.progress,
        since=moments.get(stands, run.updated_at),
        ends_at=run.ends_at,
    )
