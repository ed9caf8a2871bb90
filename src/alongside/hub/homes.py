"""Homes: one per account and site, made when first used or with the account, measured, kept and given back.

A home is the runner's; the hub knows whose it is, how large, and what is being done with it. What is
to be done at the site is an errand of the kind `home` about the home's id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import structlog

from alongside.config import Config
from alongside.errors import (
    Conflict,
    HomeUnknown,
    QuotaExceeded,
    SiteUnknown,
    SnapshotUnknown,
    StateConflict,
)
from alongside.hub import accounts, errands, notices
from alongside.hub.store import accounts as accounts_store
from alongside.hub.store import homes as store
from alongside.hub.store import sites as sites_store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.spec.accounts import Account, Caller
from alongside.spec.errands import AskedErrand
from alongside.spec.homes import Act, Home, HomeState, Snapshot, hierarchy

KIND = "home"
#: homes that are asked to be measured at once
MEASURED_AT_ONCE = 20
#: a home that was full is no longer called so below this part of its quota
RELIEVED = 0.95
#: acts that change what is in a home, or take from it
_LONG: frozenset[Act] = frozenset({"snapshot", "restore", "forget", "repair", "remove"})

log = structlog.get_logger("alongside.homes")


def page(
    tx: Tx, caller: Caller, config: Config, *, everyone: bool, site: str | None, after: str | None, limit: int
) -> list[Home]:
    """The caller's homes; an administrator's look at everyone's."""
    account = None if everyone and caller.is_admin else caller.account.id
    return _told(tx, store.listing(tx, account=account, site=site, after=after, limit=limit), config)


def get(tx: Tx, caller: Caller, home_id: str, config: Config) -> Home:
    """
    Raises:
        HomeUnknown
    """
    return _told(tx, [_find(tx, caller, home_id)], config)[0]


def make(tx: Tx, caller: Caller, site: str, now: datetime, config: Config) -> Home:
    """Have a home ahead of any tool; one that is there stays as it is.

    Raises:
        SiteUnknown
        Conflict: nobody there could make one.
    """
    found = sites_store.by_name(tx, site, caller)
    if found is None:
        raise SiteUnknown(f"there is no site {site!r}")
    if known := store.at(tx, [(caller.account.id, found.id)]):
        return get(tx, caller, next(iter(known.values())), config)
    runner = store.runner_of(tx, found.id, None)
    if runner is None:
        raise Conflict(f"the site {site} has no runner that could make a home")
    return get(tx, caller, _add(tx, caller.account, found.id, runner, now, config), config)


def set_quota(
    tx: Tx, caller: Caller, home_id: str, quota_bytes: int | None, now: datetime, config: Config
) -> Home:
    """None: what holds for the account; 0: no limit.

    Raises:
        HomeUnknown
    """
    _find(tx, caller, home_id)
    store.change(tx, home_id, now, quota_bytes=quota_bytes)
    return get(tx, caller, home_id, config)


def repair(tx: Tx, caller: Caller, home_id: str, now: datetime, config: Config) -> Home:
    """Make what is missing and give the owner what is theirs.

    Raises:
        HomeUnknown, StateConflict
    """
    kept = _idle(tx, _find(tx, caller, home_id), "repair")
    store.change(tx, home_id, now, state="making", reason="")
    _make(tx, kept, "repair", now, config)
    return get(tx, caller, home_id, config)


def measure(tx: Tx, caller: Caller, home_id: str, now: datetime, config: Config) -> Home:
    """
    Raises:
        HomeUnknown
    """
    kept = _find(tx, caller, home_id)
    if not errands.about(tx, KIND, [home_id], open_only=True):
        _ask(tx, kept, "measure", {}, now)
    return get(tx, caller, home_id, config)


def snapshots(tx: Tx, caller: Caller, home_id: str, after: str | None, limit: int) -> list[Snapshot]:
    """Newest first.

    Raises:
        HomeUnknown
    """
    _find(tx, caller, home_id)
    return store.snapshots(tx, home_id, after, limit)


def take_snapshot(tx: Tx, caller: Caller, home_id: str, name: str, now: datetime, config: Config) -> Snapshot:
    """
    Raises:
        HomeUnknown, StateConflict
        QuotaExceeded: there are as many as may be kept.
    """
    kept = _idle(tx, _find(tx, caller, home_id), "snapshot")
    most = config.homes.snapshots_max
    if store.count_snapshots(tx, home_id) >= most:
        raise QuotaExceeded(f"a home may have {most} snapshots: delete one first", snapshots_max=most)
    snapshot = _add_snapshot(tx, kept, name or f"{now:%Y-%m-%d %H:%M}", "manual", now)
    _ask(tx, kept, "snapshot", {"snapshot": snapshot.id}, now)
    return snapshot


def restore(tx: Tx, caller: Caller, home_id: str, snapshot_id: str, now: datetime, config: Config) -> Home:
    """Make a home what it was; what it is now becomes a snapshot first, so this can be undone.

    Raises:
        HomeUnknown, SnapshotUnknown
        StateConflict: a tool uses the home, something else is done with it, or the snapshot is not ready.
    """
    kept = _idle(tx, _find(tx, caller, home_id), "restore")
    snapshot = _snapshot(tx, home_id, snapshot_id)
    if snapshot.state != "ready":
        raise StateConflict(f"the snapshot is {snapshot.state}", state=snapshot.state)
    if tools := store.in_use(tx, kept):
        names = ", ".join(tools[:3])
        raise StateConflict(f"stop the tools that use this home first: {names}", state="running")
    undo = _add_snapshot(tx, kept, f"before restoring {snapshot.name}"[:128], "before_restore", now)
    _ask(tx, kept, "restore", {"snapshot": snapshot_id, "undo": undo.id}, now)
    return get(tx, caller, home_id, config)


def forget_snapshot(tx: Tx, caller: Caller, home_id: str, snapshot_id: str, now: datetime) -> Snapshot:
    """
    Raises:
        HomeUnknown, SnapshotUnknown, StateConflict
    """
    kept = _idle(tx, _find(tx, caller, home_id), "forget")
    _snapshot(tx, home_id, snapshot_id)
    store.change_snapshot(tx, snapshot_id, state="removing")
    _ask(tx, kept, "forget", {"snapshot": snapshot_id}, now)
    return _snapshot(tx, home_id, snapshot_id)


def check_room(tx: Tx, account: Account, site: str | None, config: Config) -> None:
    """Whether a new tool may use the account's home: the one at this site, or its only one.

    Raises:
        QuotaExceeded
    """
    if config.homes.when_full != "refuse":
        return
    mine = _told(tx, store.listing(tx, account=account.id, site=site, limit=2), config)
    if len(mine) == 1 and mine[0].is_full:
        home = mine[0]
        raise QuotaExceeded(
            f"your home at {home.site_title or home.site} is full: {_gb(home.size_bytes)} of "
            f"{_gb(home.quota_bytes)} GB; make room, then measure it again",
            home=home.id,
        )


# What the clockwork does


def used(tx: Tx, run_ids: Collection[str], now: datetime, config: Config) -> None:
    """Runs were assigned: the homes they use are known from now on, and measured after a while."""
    users = store.users(tx, run_ids)
    pairs = {(account, site): runner for account, site, runner in users}
    known = store.at(tx, pairs)
    later = now + _every(config)
    if known:
        store.use(tx, known.values(), later)
    for pair in pairs.keys() - known.keys():
        account = accounts_store.get(tx, pair[0])
        if account is not None:
            _add(tx, account, pair[1], pairs[pair], now, config)


def welcome(tx: Tx, account_id: str, now: datetime, config: Config) -> None:
    """Make the homes of an account that may work, where the deployment wants them made with the account.

    Whatever goes wrong stays with the homes: accounts never wait for them.
    """
    account = accounts_store.get(tx, account_id)
    if not config.homes.auto or account is None or not account.active:
        return
    if account.standing != "admitted" or account.role == "guest" or account.guest:
        return
    for site_id, name in store.sites_with_runners(tx):
        if config.homes.sites and name not in config.homes.sites:
            continue
        runner = store.runner_of(tx, site_id, None)
        if runner is not None and not store.at(tx, [(account_id, site_id)]):
            _add(tx, account, site_id, runner, now, config)


def look(tx: Tx, now: datetime, config: Config) -> bool:
    """Ask for the sizes that are due; whether there may be more."""
    found = store.due(tx, now, MEASURED_AT_ONCE)
    busy = errands.about(tx, KIND, [kept.id for kept in found], open_only=True)
    for kept in found:
        store.change(tx, kept.id, now, measure_at=now + _every(config))
        if kept.id not in busy:
            _ask(tx, kept, "measure", {}, now)
    return len(found) == MEASURED_AT_ONCE


def leave(tx: Tx, account_id: str, now: datetime) -> None:
    """The account is gone for good: its homes follow, except on file systems of the site's own."""
    for kept in store.listing(tx, account=account_id, limit=500):
        _ask(tx, kept, "remove", {}, now)


def ended(tx: Tx, errand: AskedErrand, now: datetime, config: Config) -> None:
    """An errand about a home ended, one way or another."""
    kept = store.get(tx, errand.subject)
    if kept is None:
        return
    well, answer, act = errand.state == "complete", errand.answer, cast(Act, errand.body.get("act"))
    match act:
        case "make" | "repair":
            store.change(
                tx, kept.id, now, state="ready" if well else "failed", reason="" if well else errand.reason
            )
        case "snapshot":
            _note_snapshot(tx, errand.body["snapshot"], errand, answer)
        case "restore":
            _note_snapshot(tx, errand.body["undo"], errand, answer.get("undo") or {})
            if not well:
                _complain(tx, kept, "could not be restored", errand, now)
        case "forget":
            if well:
                store.remove_snapshot(tx, errand.body["snapshot"])
            else:
                store.change_snapshot(tx, errand.body["snapshot"], state="ready", reason=errand.reason)
        case "remove" if well:
            store.remove(tx, kept.id)
            return
        case _:
            pass
    if well:
        _note_size(tx, kept, answer, now, config)


def _note_size(tx: Tx, kept: store.Kept, answer: Mapping[str, Any], now: datetime, config: Config) -> None:
    known = {
        name: answer[name] for name in ("uid", "gid", "size_bytes", "files") if answer.get(name) is not None
    }
    if "size_bytes" in known:
        known["measured_at"] = now
        known["measure_at"] = now + _every(config) if store.in_use(tx, kept) else None
    store.change(tx, kept.id, now, **known)
    fresh = store.get(tx, kept.id)
    if fresh is None:
        return
    home = _told(tx, [fresh], config)[0]
    if home.is_full and not fresh.warned:
        store.change(tx, kept.id, now, warned=True)
        consequence = (
            "No new tools start in it." if config.homes.when_full == "refuse" else "Please make room."
        )
        notices.notify(
            tx,
            fresh.account,
            "quota",
            f"Your home at {home.site_title or home.site} is full",
            f"It holds {_gb(home.size_bytes)} GB of {_gb(home.quota_bytes)} GB. {consequence}",
            "/homes",
            now,
            topic=f"home:{home.id}",
        )
    elif fresh.warned and (home.quota_bytes is None or (home.size_bytes or 0) < RELIEVED * home.quota_bytes):
        store.change(tx, kept.id, now, warned=False)


def _note_snapshot(tx: Tx, snapshot_id: str, errand: AskedErrand, answer: Mapping[str, Any]) -> None:
    """A restore that failed has its snapshot all the same if that far it came."""
    if errand.state == "complete" or answer.get("size_bytes") is not None:
        store.change_snapshot(
            tx,
            snapshot_id,
            state="ready",
            size_bytes=answer.get("size_bytes"),
            files=answer.get("files"),
            shares_blocks=bool(answer.get("shares_blocks")),
        )
    else:
        store.change_snapshot(tx, snapshot_id, state="failed", reason=errand.reason)


def _complain(tx: Tx, kept: store.Kept, what: str, errand: AskedErrand, now: datetime) -> None:
    title = f"Your home at {kept.site_title or kept.site} {what}"
    notices.notify(tx, kept.account, "failed", title, errand.reason, "/homes", now)


def _add(tx: Tx, account: Account, site_id: str, runner: str, now: datetime, config: Config) -> str:
    home_id = new_id(now)
    store.add(tx, home_id, account.id, site_id, runner, now + _every(config), now)
    kept = store.get(tx, home_id)
    assert kept is not None, "it was just added"
    _make(tx, kept, "make", now, config)
    return home_id


def _make(tx: Tx, kept: store.Kept, act: Literal["make", "repair"], now: datetime, config: Config) -> None:
    """A template that is wrong is told at the home, which is made without it."""
    try:
        folders, fault = hierarchy(config.homes.hierarchy, kept.account_name), ""
    except ValueError as error:
        folders, fault = (), f"homes.hierarchy: {error}"
        log.error("home.hierarchy", reason=str(error))
    _ask(tx, kept, act, {"folders": list(folders), "fault": fault}, now)


def _ask(tx: Tx, kept: store.Kept, act: Act, body: dict[str, Any], now: datetime) -> None:
    runner = store.runner_of(tx, kept.site_id, kept.runner)
    if runner is None:
        reason = "the site has no runner that could do it"
        store.change(tx, kept.id, now, state="failed", reason=reason)
        return
    if runner != kept.runner:
        store.change(tx, kept.id, now, runner_id=runner)
    errands.ask(tx, runner, KIND, kept.id, {"act": act, "home": kept.id, **body}, kept.account, now)


def _find(tx: Tx, caller: Caller, home_id: str) -> store.Kept:
    kept = store.get(tx, home_id)
    if kept is None or not (caller.is_admin or kept.account == caller.account.id):
        raise HomeUnknown("there is no such home")
    return kept


def _idle(tx: Tx, kept: store.Kept, wanted: Act) -> store.Kept:
    """One thing at a time; only being measured never stands in anybody's way."""
    under_way = errands.about(tx, KIND, [kept.id], open_only=True).get(kept.id)
    if under_way is not None and under_way.body.get("act") in _LONG:
        raise StateConflict(
            f"the site is busy with this home ({under_way.body['act']}): {wanted} it when that has ended",
            state=under_way.state,
        )
    return kept


def _snapshot(tx: Tx, home_id: str, snapshot_id: str) -> Snapshot:
    found = store.snapshot(tx, home_id, snapshot_id)
    if found is None:
        raise SnapshotUnknown("the home has no such snapshot")
    return found


def _add_snapshot(
    tx: Tx, kept: store.Kept, name: str, kind: Literal["manual", "before_restore"], now: datetime
) -> Snapshot:
    snapshot = Snapshot(new_id(now), kept.id, name, kind, "making", "", now)
    store.add_snapshot(tx, snapshot)
    return snapshot


def _told(tx: Tx, found: list[store.Kept], config: Config) -> list[Home]:
    under_way = errands.about(tx, KIND, [kept.id for kept in found], open_only=True)
    quotas = {account: _quota(tx, account, config) for account in {kept.account for kept in found}}
    told: list[Home] = []
    for kept in found:
        home = Home(
            id=kept.id,
            account=kept.account,
            account_name=kept.account_name,
            site=kept.site,
            site_title=kept.site_title,
            state=cast(HomeState, kept.state),
            reason=kept.reason,
            uid=kept.uid,
            gid=kept.gid,
            size_bytes=kept.size_bytes,
            files=kept.files,
            quota_bytes=quotas[kept.account] if kept.quota_bytes is None else kept.quota_bytes or None,
            measured_at=kept.measured_at,
            created_at=kept.created_at,
        )
        if errand := under_way.get(kept.id):
            act = cast(Act, errand.body.get("act", ""))
            home = replace(home, busy=act, progress=errand.progress, message=errand.message)
        told.append(home)
    return told


def _quota(tx: Tx, account_id: str, config: Config) -> int | None:
    account = accounts_store.get(tx, account_id)
    own = None if account is None else accounts.limits(tx, account, config.accounts).home_gb
    size_gb = config.homes.quota_gb if own is None else own
    return int(size_gb * 1e9) or None


def _every(config: Config) -> timedelta:
    return timedelta(minutes=config.homes.measure_minutes)


def _gb(size: int | None) -> str:
    return f"{(size or 0) / 1e9:.3g}"
