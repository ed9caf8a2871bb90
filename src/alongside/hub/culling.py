"""Runs that pause by themselves: their lifetime is over, or nothing has happened in them for long.

Runners say with every sync how long each run has been idle; what is not said counts as use. The owner of an
idle run is warned and can keep it by one call, and it is paused only on fresh word that it is idle still.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alongside.config import CullingSettings
from alongside.hub import notices
from alongside.hub.runs.actions import stop_for
from alongside.hub.store import events
from alongside.hub.store import runs as store
from alongside.hub.store.database import Tx
from alongside.hub.store.runs import Terms
from alongside.spec.lifetimes import spoken

#: durations that are said anew with each sync differ by so much without meaning anything
JITTER = timedelta(seconds=5)


@dataclass(frozen=True)
class Idle:
    """What a runner last said of a run in which nothing happens."""

    runner: str
    since: datetime
    heard_at: datetime


@dataclass(frozen=True)
class Due:
    """What came of a deadline: when to look again, and the runner that has to hear of it."""

    again_at: datetime | None = None
    told: str | None = None


class Watch:
    """What the dispatcher knows by heart of runs that may be paused; the tables hold the warnings."""

    def __init__(self, settings: CullingSettings, fresh_s: float) -> None:
        self._settings = settings
        #: word of a runner older than this says nothing about now
        self._fresh = timedelta(seconds=fresh_s)
        self._terms: dict[str, Terms] = {}
        self._idle: dict[str, Idle] = {}
        self._of_runner: dict[str, set[str]] = {}

    def know(self, run_ids: Iterable[str], terms: Mapping[str, Terms]) -> None:
        """How these runs stand now; those without terms are not watched any more."""
        for run_id in run_ids:
            if run_id in terms:
                self._terms[run_id] = terms[run_id]
            else:
                self._terms.pop(run_id, None)
                self._forget(run_id)

    def due_at(self, run_id: str) -> datetime | None:
        """When this run has to be looked at: to warn its owner, or to pause it."""
        terms, idle = self._terms.get(run_id), self._idle.get(run_id)
        if terms is None or not terms.ready:
            return None
        if terms.pauses_at is not None:
            return terms.pauses_at
        limit_s = self._limit_s(terms)
        if idle is None or not limit_s:
            return None
        return _since(idle, terms) + timedelta(seconds=max(0.0, limit_s - self._settings.warn_s))

    def hear(self, tx: Tx, runner: str, activity: Mapping[str, Mapping[str, Any]], now: datetime) -> set[str]:
        """Take a runner's word on all its runs; the runs whose deadline it moves."""
        moved: set[str] = set()
        for run_id in self._of_runner.get(runner, set()) - activity.keys():
            moved |= self._in_use(tx, run_id, now)
        for run_id, seen in activity.items():
            idle_s = seen.get("idle_s")
            if not isinstance(idle_s, int | float) or isinstance(idle_s, bool) or not 0 <= idle_s < 1e9:
                moved |= self._in_use(tx, run_id, now)
            elif run_id in self._terms:
                moved |= self._rest(tx, runner, run_id, now - timedelta(seconds=idle_s), now)
        return moved

    def silent(self, tx: Tx, runner: str, now: datetime) -> set[str]:
        """Nobody hears from a runner: what its runs do is not known."""
        moved: set[str] = set()
        for run_id in list(self._of_runner.get(runner, ())):
            moved |= self._in_use(tx, run_id, now)
        return moved

    def due(self, tx: Tx, run_id: str, now: datetime) -> Due:
        """Warn the owner of an idle run, or pause it, if that is still what should be done."""
        when = self.due_at(run_id)
        if when is None:
            return Due()
        if when > now:
            return Due(when)
        terms, idle = self._terms[run_id], self._idle.get(run_id)
        if idle is None:
            # Warned before this dispatcher led, and nobody has said since that it is idle.
            self._in_use(tx, run_id, now)
            return Due(self.due_at(run_id))
        if terms.pauses_at is None:
            return self._warn(tx, run_id, terms, idle, now)
        if now - idle.heard_at > self._fresh:
            return Due(now + self._fresh)
        return self._pause(tx, run_id, idle, now)

    def _rest(self, tx: Tx, runner: str, run_id: str, since: datetime, now: datetime) -> set[str]:
        before = self._idle.get(run_id)
        if before is not None and since - before.since > JITTER:
            # Used between two syncs, and idle again.
            moved = self._in_use(tx, run_id, now)
            self._note(run_id, Idle(runner, since, now))
            return moved | {run_id}
        self._note(run_id, Idle(runner, before.since if before else since, now))
        return set() if before else {run_id}

    def _note(self, run_id: str, idle: Idle) -> None:
        self._idle[run_id] = idle
        self._of_runner.setdefault(idle.runner, set()).add(run_id)

    def _in_use(self, tx: Tx, run_id: str, now: datetime) -> set[str]:
        """It is used, or nobody knows: no warning stands."""
        known = self._forget(run_id)
        terms = self._terms.get(run_id)
        if terms is None or terms.pauses_at is None:
            return {run_id} if known else set()
        run = store.standing(tx, run_id)
        if run is not None:
            store.change(tx, run_id, now, idle_since=None, pauses_at=None)
            events.add(tx, run_id, run.attempt, now, "idle", message="in use again, or not known to be idle")
        self._terms[run_id] = replace(terms, pauses_at=None)
        return {run_id}

    def _forget(self, run_id: str) -> bool:
        idle = self._idle.pop(run_id, None)
        if idle is not None:
            self._of_runner[idle.runner].discard(run_id)
        return idle is not None

    def _warn(self, tx: Tx, run_id: str, terms: Terms, idle: Idle, now: datetime) -> Due:
        run = store.standing(tx, run_id)
        if run is None or run.state != "running":
            return Due()
        since = _since(idle, terms)
        pauses_at = now + timedelta(seconds=self._settings.warn_s)
        self._terms[run_id] = replace(terms, pauses_at=pauses_at)
        store.change(tx, run_id, now, idle_since=since, pauses_at=pauses_at)
        idle_for, left = spoken((now - since).total_seconds()), spoken(self._settings.warn_s)
        events.add(tx, run_id, run.attempt, now, "idle", message=f"idle for {idle_for}: it pauses in {left}")
        notices.notify(
            tx,
            run.account,
            "idle",
            f"{_title(tx, run_id)} pauses in {left}",
            f"Nothing has happened in it for {idle_for}. Keep it if you still need it; "
            "paused, it can be started again with all its files.",
            f"/runs/{run_id}",
            now,
            run_id=run_id,
        )
        return Due(pauses_at)

    def _pause(self, tx: Tx, run_id: str, idle: Idle, now: datetime) -> Due:
        run = store.standing(tx, run_id)
        if run is None or run.state != "running":
            return Due()
        since = run.idle_since or idle.since
        reason = f"nothing happened in it for {spoken((now - since).total_seconds())}"
        # Until it has stopped it is idle still: that is no reason to warn anew.
        store.change(tx, run_id, now, idle_since=None, pauses_at=None, kept_at=now)
        self._terms.pop(run_id, None)
        self._forget(run_id)
        stop_for(tx, run, "idle", reason, now)
        return Due(told=_runner(tx, run_id, run.attempt))

    def _limit_s(self, terms: Terms) -> float:
        return self._settings.idle_s if terms.idle_s is None else terms.idle_s


def lifetime_over(tx: Tx, run_id: str, now: datetime) -> str | None:
    """Stop a run whose time has come; answers the runner that has to hear of it."""
    run = store.standing(tx, run_id)
    if run is None or run.ends_at is None:
        return None
    lived = spoken((now - (run.ready_at or now)).total_seconds())
    stop_for(tx, run, "lifetime_over", f"its time was over after {lived}", now)
    return _runner(tx, run_id, run.attempt)


def ending_soon(tx: Tx, run_id: str, now: datetime) -> None:
    """Tell the owner of a run that its time is nearly over."""
    run = store.standing(tx, run_id)
    if run is None or run.ends_at is None or run.state != "running" or run.ends_at <= now:
        return
    left = spoken((run.ends_at - now).total_seconds())
    notices.notify(
        tx,
        run.account,
        "ending_soon",
        f"{_title(tx, run_id)} ends in {left}",
        "It is paused then; its files stay. Extend it if you need it for longer.",
        f"/runs/{run_id}",
        now,
        run_id=run_id,
    )


def _since(idle: Idle, terms: Terms) -> datetime:
    """Idle time counts from when its owner last said that the run is in use."""
    return idle.since if terms.kept_at is None else max(idle.since, terms.kept_at)


def _title(tx: Tx, run_id: str) -> str:
    return store.asked(tx, run_id)[0]


def _runner(tx: Tx, run_id: str, attempt: int) -> str | None:
    trial = store.trial(tx, run_id, attempt)
    return None if trial is None else trial.runner
