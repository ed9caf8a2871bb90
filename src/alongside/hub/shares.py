"""Sharing a run: ways in for other people, each of which can be revoked alone or ends by itself.

Whoever is let in can open the tool, and no more: the run stays its owner's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta

from alongside.errors import Fault, Invalid, QuotaExceeded, RunUnknown, ShareUnknown, StateConflict
from alongside.hub import grants, notices, runs
from alongside.hub.store import accounts as accounts_store
from alongside.hub.store import changes, events
from alongside.hub.store import groups as groups_store
from alongside.hub.store import runs as runs_store
from alongside.hub.store import sharing as store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import hashed, new_id
from alongside.hub.store.runs import Standing
from alongside.spec.accounts import Caller
from alongside.spec.sharing import Present, RunShare, SharedRun, ShareKind, code_of, read_code

SHARES_MAX = 100
#: people who are told when a run is shared with their group; the others find it in their list
TOLD_MAX = 50
#: people whose ways are closed in one transaction: more of them than could be in at a time
CLOSED_MAX = 300
CODE_ENTROPY_BYTES = 10


@dataclass(frozen=True)
class NewShare:
    share: RunShare
    #: what a code's holders redeem; shown once, only its hash is kept
    code: str | None


def listing(tx: Tx, caller: Caller, run_id: str) -> list[RunShare]:
    """Every share of a run of mine, oldest first."""
    runs.find(tx, caller, run_id)
    return store.of_run(tx, run_id)


def share(
    tx: Tx,
    caller: Caller,
    run_id: str,
    kind: ShareKind,
    name: str | None,
    lasts_s: float | None,
    now: datetime,
) -> NewShare:
    """Let somebody in; for a person or group that is let in already, only the end is set anew.

    Raises:
        RunUnknown
        Invalid: the run is a task, or there is no such person, or no such group of the caller's.
        QuotaExceeded: the run is shared in very many ways.
    """
    run = runs.find(tx, caller, run_id, lock=True)
    if run.kind != "interactive":
        raise Invalid([Fault("", "a task has nothing to open, so it cannot be shared")])
    account, group = _grantee(tx, caller, run, kind, name)
    ends = None if lasts_s is None else now + timedelta(seconds=lasts_s)
    present = store.of_run(tx, run_id)
    same = [one for one in present if kind != "code" and (one.account, one.group) == (account, group)]
    if same:
        store.set_expiry(tx, same[0].id, ends)
        changes.note(tx, "share", same[0].id)
        return NewShare(_get(tx, same[0].id), None)
    if len(present) >= SHARES_MAX:
        raise QuotaExceeded(f"a run can be shared in {SHARES_MAX} ways; revoke one first")
    share_id = new_id(now)
    code = code_of(os.urandom(CODE_ENTROPY_BYTES)) if kind == "code" else None
    store.add(
        tx,
        share_id,
        run_id,
        kind,
        caller.account.id,
        now,
        account=account,
        group=group,
        code_hash=None if code is None else _code_hash(code),
        expires_at=ends,
    )
    made = _get(tx, share_id)
    _note(tx, run, f"shared {_with(made)}", now)
    _tell(tx, caller, made, now)
    changes.note(tx, "share", share_id)
    return NewShare(made, code)


def revoke(tx: Tx, caller: Caller, run_id: str, share_id: str, now: datetime) -> None:
    """End a share: whoever came by it alone is out at once, open connections included.

    Raises:
        RunUnknown, ShareUnknown
    """
    run, found = _find(tx, caller, run_id, share_id)
    _end(tx, run, found, f"no longer shared {_with(found)}", now)


def shut_out(tx: Tx, caller: Caller, run_id: str, share_id: str, who: str, now: datetime) -> None:
    """Revoke one person of a group or of a code, by id or name, and let the others stay.

    Raises:
        RunUnknown
        ShareUnknown: there is none, or it does not let this person in.
    """
    run, found = _find(tx, caller, run_id, share_id)
    named = accounts_store.by_name(tx, who)
    account = who if named is None else named.id
    if found.kind == "person" or account not in store.member_ids(tx, found):
        raise ShareUnknown(f"the share lets nobody in who is called {who!r}")
    store.shut_out(tx, share_id, account, now)
    _close(tx, run, {account}, now)
    _note(tx, run, f"one person is let in no longer by what is shared {_with(found)}", now)


def redeem(tx: Tx, caller: Caller, text: str, now: datetime) -> SharedRun:
    """Come in by a code.

    Raises:
        ShareUnknown: no code is written so, it has ended, or its owner has shut this person out.
        StateConflict: the run is the caller's own.
    """
    code = read_code(text)
    found = store.by_code(tx, _code_hash(code)) if code else None
    if found is None or (found.expires_at is not None and found.expires_at <= now):
        raise ShareUnknown("this code opens nothing: it was mistyped, or has ended")
    run = runs_store.standing(tx, found.run)
    mine = next((member for member in found.members if member.account == caller.account.id), None)
    if run is None or run.deleting or (mine is not None and mine.removed_at is not None):
        raise ShareUnknown("this code does not let you in any more")
    if run.account == caller.account.id:
        raise StateConflict("the run is yours already", run=run.id)
    if mine is None:
        store.join(tx, found.id, caller.account.id, now)
        _note(tx, run, f"{caller.account.name} came by a code", now)
    return shared_run(tx, caller, run.id, now)


def shared_with(
    tx: Tx, caller: Caller, now: datetime, *, after: str | None = None, limit: int = 100
) -> list[SharedRun]:
    """Runs of others that are shared with the caller, newest first."""
    return store.shared_runs(tx, caller.account.id, now, after=after, limit=limit)


def shared_run(tx: Tx, caller: Caller, run_id: str, now: datetime) -> SharedRun:
    """
    Raises:
        RunUnknown: no such run is shared with the caller.
    """
    found = store.shared_runs(tx, caller.account.id, now, run=run_id)
    if not found:
        raise RunUnknown(f"no run with the id {run_id} is shared with you")
    return found[0]


def present(tx: Tx, caller: Caller, run_id: str) -> list[Present]:
    """Who is in a run of mine, and who was."""
    runs.find(tx, caller, run_id)
    return store.present(tx, run_id)


def expires_at(tx: Tx, share_id: str) -> datetime | None:
    """When a share ends; None when it does not, or is gone."""
    found = store.get(tx, share_id)
    return None if found is None else found.expires_at


def expiring(tx: Tx) -> list[tuple[str, datetime]]:
    return store.expiring(tx)


def expire(tx: Tx, share_id: str, now: datetime) -> list[str]:
    """End a share whose time has come; answers the runners that have to hear of it."""
    found = store.get(tx, share_id)
    run = None if found is None else runs_store.standing(tx, found.run)
    if found is None or run is None or found.expires_at is None or found.expires_at > now:
        return []
    return _end(tx, run, found, f"what was shared {_with(found)} has ended", now)


def left_group(tx: Tx, group_id: str, account: str, now: datetime) -> None:
    """Somebody is no member of a group any more: the ways in that came of it are closed."""
    for found in store.of_group(tx, group_id):
        if run := runs_store.standing(tx, found.run):
            _close(tx, run, {account}, now)


def group_removed(tx: Tx, group_id: str, now: datetime) -> None:
    """A group is about to be removed, and what was shared with it ends."""
    for found in store.of_group(tx, group_id):
        if run := runs_store.standing(tx, found.run):
            _end(
                tx, run, found, f"the group {found.name} is gone, and what was shared with it has ended", now
            )


def _grantee(
    tx: Tx, caller: Caller, run: Standing, kind: ShareKind, name: str | None
) -> tuple[str | None, str | None]:
    """(account, group) of the one who is named."""
    if kind == "code":
        if name:
            raise Invalid([Fault("name", "a code is for whoever has it: leave the name out")])
        return None, None
    if not name:
        raise Invalid([Fault("name", f"say which {kind}")])
    if kind == "group":
        group = groups_store.by_name(tx, name)
        if group is None or not (caller.is_admin or caller.account.id in group.members):
            raise Invalid([Fault("name", f"you are in no group {name!r}")])
        return None, group.id
    account = accounts_store.by_name(tx, name)
    if account is None or not account.active or account.deleted_at is not None:
        raise Invalid([Fault("name", f"nobody here is called {name!r}")])
    if account.id == run.account:
        raise Invalid([Fault("name", "the run is theirs already")])
    return account.id, None


def _find(tx: Tx, caller: Caller, run_id: str, share_id: str) -> tuple[Standing, RunShare]:
    run = runs.find(tx, caller, run_id, lock=True)
    found = store.get(tx, share_id)
    if found is None or found.run != run_id:
        raise ShareUnknown
    return run, found


def _get(tx: Tx, share_id: str) -> RunShare:
    found = store.get(tx, share_id)
    assert found is not None
    return found


def _end(tx: Tx, run: Standing, found: RunShare, message: str, now: datetime) -> list[str]:
    people = store.member_ids(tx, found)
    store.remove(tx, found.id)
    _note(tx, run, message, now)
    changes.note(tx, "share", found.id)
    return _close(tx, run, people, now)


def _close(tx: Tx, run: Standing, people: set[str], now: datetime) -> list[str]:
    """Close the ways of those whom nothing else lets in."""
    out = people - store.let_in(tx, run.id, people, now) - {run.account}
    if len(out) > CLOSED_MAX:
        # Closing everybody's ways disturbs those who may stay for a moment: they come in again.
        told = grants.revoke(tx, [run.id], None, now)
    else:
        told = grants.revoke_people(tx, run.id, out, now)
    for runner in told:
        changes.note(tx, "runner", runner)
    return told


def _tell(tx: Tx, caller: Caller, made: RunShare, now: datetime) -> None:
    title, _ = runs_store.asked(tx, made.run)
    by = caller.account.display_name or caller.account.name
    people = store.member_ids(tx, made) - {caller.account.id}
    for account in sorted(people)[:TOLD_MAX]:
        until = "" if made.expires_at is None else f" until {made.expires_at:%d %B, %H:%M} UTC"
        notices.notify(
            tx,
            account,
            "share",
            f"{by} shares {title} with you",
            f"You can open it while it runs{until}.",
            f"/runs/{made.run}",
            now,
            run_id=made.run,
        )


def _note(tx: Tx, run: Standing, message: str, now: datetime) -> None:
    events.add(tx, run.id, run.attempt, now, "share", message=message)


def _with(found: RunShare) -> str:
    match found.kind:
        case "person":
            return f"with {found.name}"
        case "group":
            return f"with the group {found.name}"
        case "code":
            return "by a code"


def _code_hash(code: str) -> str:
    return hashed(f"share\n{read_code(code)}")
