"""Runs whose runner is not heard from: what is tried again, what is left alone, what comes back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from alongside.config import Config
from alongside.hub import queue, states
from alongside.hub.runs.actions import settle
from alongside.hub.runs.known import Known
from alongside.hub.store import outbox
from alongside.hub.store import runs as store
from alongside.hub.store.database import Tx
from alongside.hub.store.runs import Standing, Trial
from alongside.spec.runs import FINAL, ReasonCode, State
from alongside.spec.wire import Holding, Verdict

#: the second new attempt waits so long, each further one twice as long
BACKOFF_S = 2.0
BACKOFF_MAX_S = 60.0
#: a loss changes about eight rows, and a transaction at most 500
LOSSES_MAX = 50


def silent(tx: Tx, runner: str, now: datetime, config: Config) -> tuple[list[str], bool]:
    """A runner's leases have expired: tasks are tried again, interactive runs are said to be unreachable.

    Answers the runs concerned, and whether there are more than one transaction takes. An interactive run
    is never started twice: its tool may be alive and well.
    """
    touched: list[str] = []
    for run, trial in _held(tx, runner):
        if len(touched) == LOSSES_MAX:
            return touched, True
        if run.kind == "task" and run.state != "canceling":
            lose(tx, run, trial, now, config, "its runner was not heard from in time")
        elif run.reason_code != "unreachable":
            states.explain(
                tx, run, now, "unreachable", "the runner is not heard from; the tool may still run"
            )
        else:
            continue
        touched.append(run.id)
    return touched, False


def overdue(tx: Tx, runner: str, now: datetime, config: Config) -> tuple[list[str], bool]:
    """A runner has been silent for so long that it has stopped its tools itself: start them again.

    Answers as `silent` does.
    """
    touched: list[str] = []
    for run, trial in _held(tx, runner):
        if len(touched) == LOSSES_MAX:
            return touched, True
        lose(tx, run, trial, now, config, "its runner was silent for too long")
        touched.append(run.id)
    return touched, False


def _held(tx: Tx, runner: str) -> Iterator[tuple[Standing, Trial]]:
    """What holds slots at a runner, with its run; slots of attempts that were replaced are freed."""
    for trial in store.held_by(tx, runner):
        run = store.standing(tx, trial.run)
        if run is None or run.attempt != trial.number:
            queue.release(tx, trial.run, trial.number, runner)
        else:
            yield run, trial


def lose(tx: Tx, run: Standing, trial: Trial, now: datetime, config: Config, reason: str) -> None:
    """Give the latest attempt up. A result that comes before the next attempt begins still counts."""
    store.change_attempt(
        tx, run.id, trial.number, state="system_error", reason_code="lost", reason=reason, ended_at=now
    )
    queue.release(tx, run.id, trial.number, trial.runner)
    outbox.withdraw(tx, run.id, trial.number, "assign")
    if run.state == "canceling":
        states.enter(tx, run, "canceled", now, reason_code="lost", reason=reason)
    elif run.state in {"initializing", "running"}:
        try_again(tx, run, now, config, reason_code="lost", reason=reason)
    settle(tx, run.id, now, config)


def try_again(
    tx: Tx, run: Standing, now: datetime, config: Config, *, reason_code: ReasonCode | None, reason: str
) -> None:
    """Queue a run whose attempt failed for no fault of its own, unless that has happened too often."""
    lost = run.lost_attempts + 1
    store.forget_statuses(tx, run.id)
    if lost > config.dispatcher.retries:
        reason = f"{reason or 'its attempt was lost'} ({lost} times in a row)"
        states.enter(tx, run, "system_error", now, reason_code=reason_code, reason=reason, lost_attempts=lost)
        return
    wait_s = 0.0 if lost == 1 else min(BACKOFF_MAX_S, BACKOFF_S * 2 ** (lost - 2))
    states.enter(
        tx,
        run,
        "queued",
        now,
        reason_code="waiting_for_retry",
        reason=f"trying again: {reason}" if reason else "trying again",
        lost_attempts=lost,
        not_before=now + timedelta(seconds=wait_s) if wait_s else None,
    )


def take_back(tx: Tx, run: Standing, trial: Trial, now: datetime, *, state: State) -> None:
    """An attempt that was given up is alive after all, and nothing has replaced it."""
    store.change_attempt(tx, run.id, trial.number, state=state, reason_code=None, reason="", ended_at=None)
    queue.hold_again(tx, trial, now)
    states.enter(tx, run, state, now, lost_attempts=max(0, run.lost_attempts - 1), not_before=None)


def reconcile(
    tx: Tx, runner: str, holding: Iterable[Holding], now: datetime
) -> tuple[list[Verdict], list[str], list[Trial]]:
    """Compare what a runner holds with what it should hold.

    Answers verdicts, the runs that changed, and attempts that the runner was given and does not hold.
    """
    verdicts: list[Verdict] = []
    touched: list[str] = []
    present = {(item.run, item.attempt): item for item in holding}
    in_order = store.in_order(tx, runner, {run for run, _ in present})
    known = Known(tx, [run for run, number in present if (run, number) not in in_order])
    for key, item in present.items():
        objection = "" if key in in_order else _objection(tx, runner, item, now, touched, known)
        verdicts.append(Verdict(item.run, item.attempt, "kill" if objection else "keep", objection))
    undelivered = outbox.unsent(tx, runner, "assign")
    missing = [
        trial
        for trial in store.held_by(tx, runner)
        if (trial.run, trial.number) not in present and (trial.run, trial.number) not in undelivered
    ]
    return verdicts, touched, missing


def _objection(tx: Tx, runner: str, item: Holding, now: datetime, touched: list[str], known: Known) -> str:
    """Why the runner should kill an attempt that it holds; empty when it should keep it."""
    run, trial = known.run(item.run), known.trial(item.run, item.attempt)
    if run is None or trial is None:
        return "the run was deleted"
    if trial.runner != runner:
        return "the attempt belongs to another runner"
    if trial.number < run.attempt:
        return f"attempt {run.attempt} has taken its place"
    if trial.ended and trial.reason_code == "lost":
        if run.state != "queued":
            return f"it was given up, and the run is {run.state}"
        take_back(tx, run, trial, now, state="running" if item.started else "initializing")
        touched.append(run.id)
        known.read_again(run.id)
    elif run.reason_code == "unreachable":
        states.explain(tx, run, now, None, "")
        touched.append(run.id)
        known.read_again(run.id)
    return ""


def orphaned(tx: Tx, run_ids: Collection[str], now: datetime, config: Config) -> list[str]:
    """Runs whose runner was removed from the hub: nobody will ever report of them."""
    touched: list[str] = []
    for run_id in run_ids:
        run = store.standing(tx, run_id)
        trial = None if run is None else store.trial(tx, run_id, run.attempt)
        if run is not None and trial is not None and trial.runner is None and run.state not in FINAL:
            lose(tx, run, trial, now, config, "its runner was removed")
            touched.append(run_id)
    return touched
