"""The queue: who waits, who offers, which run goes where, in leases that hold slots."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alongside import values
from alongside.config import Config
from alongside.hub import states
from alongside.hub.store import outbox
from alongside.hub.store import queue as store
from alongside.hub.store import runs as runs_store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.hub.store.runs import Standing, Trial
from alongside.spec.placement import (
    STARTS_FULL,
    Offered,
    Placed,
    Refusal,
    Waiting,
    open_to,
    place,
    requirement,
    summary,
)
from alongside.spec.runs import ReasonCode
from alongside.spec.wire import Assignment, DatasetMount

#: seconds of expected work that one lease should hold
LEASE_WORK_S = 2.0
LEASE_MAX_RUNS = 64
#: an assignment changes four rows, or five with its lease, and a transaction at most 500
ASSIGN_MAX = 60
#: runs of one requirement that placement looks at in one turn
HEADS_MAX = 128
#: weight of the newest run in the expected duration of its tool
NEWEST_WEIGHT = 0.2


class Board:
    """What the dispatcher knows by heart: waiting runs in order and what runners offer.

    A copy of what the tables say, refreshed by id; dropping it and loading it anew is always right.
    """

    def __init__(self) -> None:
        self.waiting: dict[str, Waiting] = {}
        self.offers: dict[str, Offered] = {}
        #: what waiting runs were last told
        self.told: dict[str, str] = {}
        #: something changed since placement last looked
        self.stirred = True
        self._lines: dict[object, list[tuple[int, datetime, str]]] = defaultdict(list)
        self._expected_s: dict[str, float] = {}

    def refresh_runs(self, tx: Tx, run_ids: Collection[str] | None) -> list[store.Due]:
        """Read queued runs again (all of them for None); those that no longer wait are forgotten."""
        due = store.waiting(tx, run_ids)
        for run_id in list(self.waiting) if run_ids is None else run_ids:
            self.waiting.pop(run_id, None)
        for item in due:
            if item.not_before is None:
                self.wait(item.waiting)
            self.told[item.waiting.run] = item.reason
        self.stirred = True
        return due

    def wait(self, run: Waiting) -> None:
        self.waiting[run.run] = run
        line, entry = self._lines[_line(run)], (-run.priority, run.since, run.run)
        # A run that was read again may stand in its line already.
        index = bisect_left(line, entry)
        if line[index : index + 1] != [entry]:
            line.insert(index, entry)
        self.stirred = True

    def forget(self, run_id: str) -> None:
        self.waiting.pop(run_id, None)
        self.told.pop(run_id, None)

    def refresh_offers(self, tx: Tx, runner_ids: Collection[str] | None, now: datetime | None = None) -> None:
        offers = {offer.runner: offer for offer in store.offered(tx, runner_ids, now)}
        for runner_id in list(self.offers) if runner_ids is None else runner_ids:
            self.offers.pop(runner_id, None)
        self.offers |= offers
        self.stirred = True

    def heads(self) -> list[Waiting]:
        """The first runs of each line: the rest of a line could not be placed if these cannot."""
        found: list[Waiting] = []
        for need, line in list(self._lines.items()):
            current = self._current(line, need, HEADS_MAX)
            if not current:
                del self._lines[need]
            found += current
        return found

    def like(self, run: Waiting, count: int, but: Collection[str]) -> list[Waiting]:
        """Further waiting runs that may share a lease with this one, in their order."""
        if not run.batch or count <= 0:
            return []
        need = _line(run)
        alike = self._current(self._lines.get(need, []), need, count + len(but) + 1)
        return [other for other in alike if other.run not in but][:count]

    def lasted(self, batch: str, seconds: float) -> None:
        """Learn how long runs of this kind take."""
        before = self._expected_s.get(batch, seconds)
        self._expected_s[batch] = before + NEWEST_WEIGHT * (seconds - before)

    def lease_size(self, run: Waiting) -> int:
        expected = self._expected_s.get(run.batch) if run.batch else None
        if expected is None:
            return 1
        return max(1, min(LEASE_MAX_RUNS, math.floor(LEASE_WORK_S / max(expected, 0.001))))

    def _current(self, line: list[tuple[int, datetime, str]], need: object, count: int) -> list[Waiting]:
        """The first runs of a line that still wait there; entries of others at its front are dropped."""
        found: list[Waiting] = []
        stale = 0
        for index, (urgency, since, run_id) in enumerate(line):
            run = self.waiting.get(run_id)
            if run is not None and (-run.priority, run.since) == (urgency, since) and _line(run) == need:
                found.append(run)
                if len(found) == count:
                    break
            elif not found:
                stale = index + 1
        del line[:stale]
        return found


@dataclass(frozen=True)
class Assigned:
    runs: tuple[str, ...]
    runners: frozenset[str]
    #: more could be assigned in a further transaction
    more: bool
    #: runners that are starting as many tools as they may, while others wait
    crowded: frozenset[str] = frozenset()


def place_and_assign(tx: Tx, board: Board, now: datetime, config: Config) -> Assigned:
    """Give waiting runs to runners that have room, and tell the others what they wait for."""
    board.stirred = False
    heads = board.heads()
    held = store.held_by_account(tx, {run.account for run in heads}) if heads else {}
    placed, refusals = place(
        heads,
        list(board.offers.values()),
        now,
        held=held,
        stage_max_bytes=config.dispatcher.stage_max_bytes,
    )
    taken: set[str] = {item.run for item in placed}
    batches: list[tuple[Placed, list[Waiting]]] = []
    room = ASSIGN_MAX
    for item in placed:
        if not room:
            break
        run = board.waiting[item.run]
        batch = [run, *board.like(run, min(board.lease_size(run), room) - 1, taken)]
        taken |= {member.run for member in batch}
        batches.append((item, batch))
        room -= len(batch)
    assigned = _assign(tx, batches, board, now)
    more = len(batches) < len(placed)
    runners = frozenset(item.runner for item in placed)
    if runners:
        board.refresh_offers(tx, runners, now)
    _tell(tx, board, refusals, now)
    board.stirred = more
    crowded = frozenset(item.runner for item in refusals if item.reason.endswith(STARTS_FULL))
    return Assigned(tuple(assigned), runners, more, crowded)


def _assign(
    tx: Tx, batches: Collection[tuple[Placed, list[Waiting]]], board: Board, now: datetime
) -> list[str]:
    """A lease per batch with its attempts, and the assignments in the runners' outboxes."""
    run_ids = [run.run for _, batch in batches for run in batch]
    if not run_ids:
        return []
    known, orders = runs_store.standings(tx, run_ids), store.orders(tx, run_ids)
    site_ids = store.site_ids(tx, {item.site for item, _ in batches})
    mounts = {
        site: store.mounts(
            tx, [run.run for item, batch in batches if item.site == site for run in batch], site
        )
        for site in site_ids
    }
    for run_id in run_ids:
        board.forget(run_id)
    leases: list[tuple[str, str]] = []
    entering: list[tuple[Standing, dict[str, Any]]] = []
    attempts: list[dict[str, Any]] = []
    outboxes: dict[str, list[tuple[str, int, dict[str, Any]]]] = defaultdict(list)
    for item, batch in batches:
        # The tables may know better than the board: stopped or deleted since.
        current = [known[run.run] for run in batch if run.run in known and run.run in orders]
        current = [run for run in current if run.state == "queued"]
        if not current:
            continue
        lease = new_id(now)
        leases.append((lease, item.runner))
        for run in current:
            number = run.attempt + 1
            entering.append((run, _next_attempt(number, site_ids[item.site], item.executor)))
            attempts.append(
                {
                    "run_id": run.id,
                    "number": number,
                    "runner_id": item.runner,
                    "lease_id": lease,
                    "site": item.site,
                    "runner": board.offers[item.runner].name,
                    "executor": item.executor,
                    "state": "initializing",
                }
            )
            data = mounts[item.site].get(run.id, ())
            body = _assignment(orders[run.id], number, lease, item.executor, data)
            outboxes[item.runner].append((run.id, number, body))
    store.add_leases(tx, leases, now)
    states.enter_alike(tx, entering, "initializing", now)
    runs_store.add_attempts(tx, now, attempts)
    for runner, bodies in outboxes.items():
        outbox.put_all(tx, runner, "assign", bodies, now)
    return [run.id for run, _ in entering]


def _next_attempt(number: int, site_id: str, executor: str) -> dict[str, Any]:
    """What a run looks like at the beginning of an attempt."""
    return {
        "attempt": number,
        "site_id": site_id,
        "executor": executor,
        "not_before": None,
        "restarts": 0,
        "exit_code": None,
        "started_at": None,
        "ready_at": None,
        "progress": 0.0,
        "message": "",
    }


def _assignment(
    order: store.Order, attempt: int, lease: str, executor: str, mounts: tuple[DatasetMount, ...]
) -> dict[str, Any]:
    return values.dump(
        Assignment(
            run=order.run,
            attempt=attempt,
            lease=lease,
            owner=order.owner,
            executor=executor,
            tool=order.tool,
            datasets=mounts,
            arguments=order.wish.arguments,
            resources=order.resources,
            # Made when the assignment is sent: the store keeps no secrets.
            token="",
            open=order.wish.open,
            time_limit_s=_time_limit(order),
        )
    )


def _time_limit(order: store.Order) -> float | None:
    """A task ends with its lifetime; an interactive run is paused then, by the hub's own clock."""
    wanted = order.wish.time_limit_s or order.tool.time_limit_s
    if order.tool.kind != "task" or order.lifetime_s is None:
        return wanted
    return order.lifetime_s if wanted is None else min(wanted, order.lifetime_s)


def release(tx: Tx, run_id: str, attempt: int, runner: str | None) -> None:
    """An attempt holds nothing any more; its lease ends with its last one."""
    runs_store.change_attempt(tx, run_id, attempt, held=False)
    if runner is not None:
        end_leases(tx, runner)


def end_leases(tx: Tx, runner: str) -> None:
    """Leases end with the last attempt that holds something in them."""
    store.drop_empty_leases(tx, runner)


def hold_again(tx: Tx, trial: Trial, now: datetime) -> None:
    """An attempt that was given up holds its slots again, in a lease of its own."""
    lease = new_id(now)
    if trial.runner is not None:
        store.add_leases(tx, [(lease, trial.runner)], now)
    runs_store.change_attempt(tx, trial.run, trial.number, held=True, lease_id=lease)


def recall(tx: Tx, runner: str, unstarted: Iterable[tuple[str, int]], now: datetime) -> int:
    """Ask for attempts back that wait inside a lease, so that they can go elsewhere.

    One that starts in this very moment is killed and tried again elsewhere; one that completes is done.
    """
    count = 0
    for run_id, attempt in unstarted:
        trial = runs_store.trial(tx, run_id, attempt)
        if trial is None or not trial.held or trial.reason_code == "recalled":
            continue
        runs_store.change_attempt(tx, run_id, attempt, reason_code="recalled")
        body = {"run": run_id, "attempt": attempt, "reason_code": "recalled"}
        outbox.put(tx, runner, "cancel", body, now, run=run_id, attempt=attempt)
        count += 1
    return count


def waiting_reason(refusals: Collection[Refusal]) -> tuple[ReasonCode, str]:
    """The code and the sentence for a run that no runner takes now."""
    if refusals and all(refusal.never for refusal in refusals):
        return "no_site", summary(refusals)
    passing = [refusal for refusal in refusals if not refusal.never]
    code: ReasonCode = (
        "waiting_for_capacity"
        if any(" free" in item.reason or item.reason.endswith(STARTS_FULL) for item in passing)
        else "waiting_for_site"
    )
    return code, summary(passing)


def _tell(tx: Tx, board: Board, refusals: Iterable[Refusal], now: datetime) -> None:
    by_run: dict[str, list[Refusal]] = defaultdict(list)
    for refusal in refusals:
        run, offer = board.waiting.get(refusal.run), board.offers.get(refusal.runner)
        if run is not None and offer is not None:
            # The sentence is for the run's owner, who does not learn of sites that are closed to them.
            by_run[refusal.run] += [refusal] if open_to(run.account, [offer]) else []
    silent = (run.run for run in board.heads() if run.run not in by_run) if not board.offers else ()
    news = 0
    for run_id in (*by_run, *silent):
        code, reason = waiting_reason(by_run.get(run_id, []))
        if board.told.get(run_id) == reason or news >= ASSIGN_MAX or run_id not in board.waiting:
            continue
        board.told[run_id] = reason
        standing = runs_store.standing(tx, run_id)
        if standing is not None and standing.state == "queued":
            states.explain(tx, standing, now, code, reason)
            news += 1


def _line(run: Waiting) -> object:
    return (run.batch, requirement(run))
