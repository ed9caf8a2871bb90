"""Rows of shares, of their members, and of who is in a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, exists, insert, or_, select, update

from alongside.hub.store.database import Tx
from alongside.hub.store.schema import accounts, group_members, groups, presence, runs, share_members, shares
from alongside.spec.runs import word
from alongside.spec.sharing import Present, RunShare, SharedRun, ShareKind, ShareMember


def add(
    tx: Tx,
    share_id: str,
    run_id: str,
    kind: ShareKind,
    created_by: str,
    now: datetime,
    *,
    account: str | None = None,
    group: str | None = None,
    code_hash: str | None = None,
    expires_at: datetime | None = None,
) -> None:
    tx.execute(
        insert(shares).values(
            id=share_id,
            run_id=run_id,
            kind=kind,
            account_id=account,
            group_id=group,
            code_hash=code_hash,
            created_by=created_by,
            created_at=now,
            expires_at=expires_at,
        )
    )


def get(tx: Tx, share_id: str) -> RunShare | None:
    found = _shares(tx, shares.c.id == share_id)
    return found[0] if found else None


def of_run(tx: Tx, run_id: str) -> list[RunShare]:
    """Oldest first."""
    return _shares(tx, shares.c.run_id == run_id)


def of_group(tx: Tx, group_id: str) -> list[RunShare]:
    return _shares(tx, shares.c.group_id == group_id)


def by_code(tx: Tx, code_hash: str) -> RunShare | None:
    found = _shares(tx, shares.c.code_hash == code_hash)
    return found[0] if found else None


def set_expiry(tx: Tx, share_id: str, expires_at: datetime | None) -> None:
    tx.execute(update(shares).where(shares.c.id == share_id).values(expires_at=expires_at))


def remove(tx: Tx, share_id: str) -> None:
    tx.execute(delete(shares).where(shares.c.id == share_id))


def expiring(tx: Tx) -> list[tuple[str, datetime]]:
    """(share, when it ends) of all that end."""
    rows = tx.execute(select(shares.c.id, shares.c.expires_at).where(shares.c.expires_at.is_not(None)))
    return [(row.id, row.expires_at) for row in rows]


def join(tx: Tx, share_id: str, account: str, now: datetime) -> None:
    tx.execute(insert(share_members).values(share_id=share_id, account_id=account, joined_at=now))


def shut_out(tx: Tx, share_id: str, account: str, now: datetime) -> None:
    """This person alone; whoever had not joined yet cannot join any more."""
    there = (share_members.c.share_id == share_id, share_members.c.account_id == account)
    if tx.execute(update(share_members).where(*there).values(removed_at=now)).rowcount == 0:
        tx.execute(insert(share_members).values(share_id=share_id, account_id=account, removed_at=now))


def member_ids(tx: Tx, share: RunShare) -> set[str]:
    """Everybody whom a share lets in, or did before they were shut out."""
    if share.group is not None:
        query = select(group_members.c.account_id).where(group_members.c.group_id == share.group)
        return set(tx.execute(query).scalars())
    joined = {member.account for member in share.members if member.joined_at}
    return joined if share.account is None else {share.account}


def let_in(tx: Tx, run_id: str, account_ids: Collection[str], now: datetime) -> set[str]:
    """Those of these accounts to whom the run is shared now."""
    query = (
        select(accounts.c.id)
        .select_from(accounts)
        .join(shares, _opens_to(accounts.c.id, now))
        .where(shares.c.run_id == run_id, accounts.c.id.in_(list(account_ids)))
    )
    return set(tx.execute(query.distinct()).scalars())


def run_ids_of(tx: Tx, account: str, now: datetime) -> list[str]:
    """Runs that are shared with an account."""
    query = (
        select(shares.c.run_id)
        .select_from(accounts)
        .join(shares, _opens_to(accounts.c.id, now))
        .where(accounts.c.id == account)
    )
    return list(tx.execute(query.distinct()).scalars())


def shared_runs(
    tx: Tx, account: str, now: datetime, *, run: str | None = None, after: str | None = None, limit: int = 100
) -> list[SharedRun]:
    """Runs of others that are shared with an account, newest first."""
    query = (
        select(runs, accounts.c.name.label("owner"))
        .join(accounts, accounts.c.id == runs.c.account_id)
        .where(
            runs.c.id.in_(run_ids_of(tx, account, now) if run is None else [run]),
            runs.c.account_id != account,
            runs.c.deleting.is_(False),
        )
        .order_by(runs.c.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(runs.c.id < after)
    rows = tx.execute(query).all()
    ends = _ends(tx, account, [row.id for row in rows], now)
    return [_shared_run(row, _last(ends[row.id])) for row in rows if row.id in ends]


def present(tx: Tx, run_id: str) -> list[Present]:
    """Who is in a run and who was, those who are in first."""
    rows = tx.execute(
        select(presence, accounts.c.name)
        .join(accounts, accounts.c.id == presence.c.account_id)
        .where(presence.c.run_id == run_id)
        .order_by(presence.c.left_at.is_not(None), presence.c.came_at.desc())
        .limit(200)
    )
    return [Present(row.account_id, row.name, row.came_at, row.left_at) for row in rows]


def came(tx: Tx, run_id: str, account_ids: Iterable[str], now: datetime, back_since: datetime) -> None:
    """Whoever left no earlier than `back_since` never was away.

    Accounts that are gone meanwhile are left out, and so is a run that is.
    """
    there = (presence.c.run_id == run_id, presence.c.left_at >= back_since)
    back = update(presence).where(*there, presence.c.account_id.in_(list(account_ids))).values(left_at=None)
    wanted = set(account_ids) - set(tx.execute(back.returning(presence.c.account_id)).scalars())
    known = set(
        tx.execute(
            select(accounts.c.id).where(accounts.c.id.in_(wanted), exists().where(runs.c.id == run_id))
        ).scalars()
    )
    tx.execute(delete(presence).where(presence.c.run_id == run_id, presence.c.account_id.in_(wanted)))
    if known:
        tx.execute(
            insert(presence),
            [{"run_id": run_id, "account_id": account, "came_at": now, "left_at": None} for account in known],
        )


def all_left(tx: Tx, now: datetime) -> None:
    tx.execute(update(presence).where(presence.c.left_at.is_(None)).values(left_at=now))


def left(tx: Tx, run_id: str, account_ids: Iterable[str], now: datetime) -> None:
    tx.execute(
        update(presence)
        .where(presence.c.run_id == run_id, presence.c.account_id.in_(list(account_ids)))
        .values(left_at=now)
    )


def _ends(
    tx: Tx, account: str, run_ids: Collection[str], now: datetime
) -> Mapping[str, list[datetime | None]]:
    """Run → when each way of an account into it ends."""
    query = (
        select(shares.c.run_id, shares.c.expires_at)
        .select_from(accounts)
        .join(shares, _opens_to(accounts.c.id, now))
        .where(accounts.c.id == account, shares.c.run_id.in_(list(run_ids)))
    )
    found: defaultdict[str, list[datetime | None]] = defaultdict(list)
    for row in tx.execute(query):
        found[row.run_id].append(row.expires_at)
    return dict(found)


def _opens_to(account: ColumnElement[str], now: datetime) -> ColumnElement[bool]:
    """A share of this row lets this account in at this time."""
    member = select(share_members.c.share_id).where(
        share_members.c.share_id == shares.c.id, share_members.c.account_id == account
    )
    out = member.where(share_members.c.removed_at.is_not(None)).correlate_except(share_members).exists()
    joined = member.where(share_members.c.joined_at.is_not(None)).correlate_except(share_members).exists()
    in_group = (
        select(group_members.c.group_id)
        .where(group_members.c.group_id == shares.c.group_id, group_members.c.account_id == account)
        .correlate_except(group_members)
        .exists()
    )
    return and_(
        or_(shares.c.expires_at.is_(None), shares.c.expires_at > now),
        or_(shares.c.account_id == account, in_group, joined),
        ~out,
    )


def _shares(tx: Tx, condition: ColumnElement[bool]) -> list[RunShare]:
    rows = tx.execute(
        select(shares, accounts.c.name.label("person"), groups.c.name.label("group_name"))
        .outerjoin(accounts, accounts.c.id == shares.c.account_id)
        .outerjoin(groups, groups.c.id == shares.c.group_id)
        .where(condition)
        .order_by(shares.c.id)
    ).all()
    members = _members(tx, [row.id for row in rows])
    return [
        RunShare(
            row.id,
            row.run_id,
            row.kind,
            row.person or row.group_name or "",
            row.account_id,
            row.group_id,
            row.created_at,
            row.expires_at,
            tuple(members.get(row.id, ())),
        )
        for row in rows
    ]


def _members(tx: Tx, share_ids: Collection[str]) -> dict[str, list[ShareMember]]:
    found: defaultdict[str, list[ShareMember]] = defaultdict(list)
    query = (
        select(share_members, accounts.c.name)
        .join(accounts, accounts.c.id == share_members.c.account_id)
        .where(share_members.c.share_id.in_(list(share_ids)))
        .order_by(accounts.c.name)
    )
    for row in tx.execute(query):
        found[row.share_id].append(ShareMember(row.account_id, row.name, row.joined_at, row.removed_at))
    return dict(found)


def _last(ends: Collection[datetime | None]) -> datetime | None:
    """None, which has no end, is the last."""
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


def _shared_run(row: Row[Any], expires_at: datetime | None) -> SharedRun:
    return SharedRun(
        id=row.id,
        title=row.title or row.tool,
        tool=row.tool,
        owner=row.owner,
        state=row.state,
        word=word(row.state, ready=row.ready, kind=row.kind),
        ready=row.ready,
        expires_at=expires_at,
        open_url=f"/open/{row.id}" if row.ready else None,
    )
