"""Believing runners: each report changes a run at most once, and only while its attempt is the latest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from alongside.config import Config
from alongside.hub import artifacts, queue, states, tidings, usage
from alongside.hub.runs import losses
from alongside.hub.runs.actions import settle
from alongside.hub.runs.known import Known
from alongside.hub.store import actions as actions_store
from alongside.hub.store import changes, events
from alongside.hub.store import datasets as datasets_store
from alongside.hub.store import runs as store
from alongside.hub.store.database import Tx
from alongside.hub.store.runs import Standing, Trial
from alongside.spec.runs import FINAL, ReasonCode, State
from alongside.spec.shells import PORTS_MAX
from alongside.spec.wire import Report, ReportAnswer

#: the machinery failed, not the tool: worth another attempt
RETRYABLE: frozenset[ReasonCode] = frozenset({"lost", "engine_restarted"})
#: what a tool itself came to
RESULTS: frozenset[State] = frozenset({"complete", "executor_error"})
#: an attempt in one of these has no processes any more
ENDED: frozenset[State] = frozenset((*FINAL, "paused", "queued"))
#: what a Trial shows of an attempt's columns
TRIAL_COLUMNS = frozenset(("state", "reason_code", "last_report", "held", "ended_at", "log_bytes"))

log = structlog.get_logger("alongside.dispatcher")


def take(
    tx: Tx, runner_id: str, reports: Sequence[Report], now: datetime, *, config: Config
) -> list[ReportAnswer]:
    """Apply reports in their order, and answer those that need not be sent again.

    One bad report does not sink the others: should one fail, each is applied in a savepoint of its own.
    """
    try:
        with tx.begin_nested():
            known = Known(tx, [report.run for report in reports])
            answers = [_apply(tx, runner_id, report, now, config, known) for report in reports]
    except Exception:
        answers = [_apply_alone(tx, runner_id, report, now, config) for report in reports]
    if reports:
        queue.end_leases(tx, runner_id)
    return [answer for answer in answers if answer is not None]


def _apply_alone(
    tx: Tx, runner_id: str, report: Report, now: datetime, config: Config
) -> ReportAnswer | None:
    try:
        with tx.begin_nested():
            return _apply(tx, runner_id, report, now, config, Known(tx, [report.run]))
    except Exception as error:
        log.error("report.refused", run=report.run, attempt=report.attempt, exc_info=error)
        _skip(tx, report)
        return _answer(report, False, "the hub cannot take this")


def _apply(
    tx: Tx, runner_id: str, report: Report, now: datetime, config: Config, known: Known
) -> ReportAnswer | None:
    """Take one report; None while an earlier one of the same attempt is missing.

    Idempotent by (run, attempt, number). What comes too late is recorded on its attempt and changes
    nothing else.
    """
    run = known.run(report.run)
    if run is None:
        return _answer(report, True, "the run is gone")
    trial = known.trial(report.run, report.attempt)
    if trial is None:
        return _answer(report, False, f"the run has no attempt {report.attempt}")
    if trial.runner != runner_id:
        return _answer(report, False, "the attempt belongs to another runner")
    if report.number <= trial.last_report:
        return _answer(report, True, "known already")
    if report.number > trial.last_report + 1:
        return None
    known.read_again(report.run)
    return _answer(report, True, _take(tx, run, trial, report, now, config, known))


def _skip(tx: Tx, report: Report) -> None:
    """Count a report as taken, so that the next one is not held up by it."""
    store.change_attempt(tx, report.run, report.attempt, last_report=report.number)


def _take(
    tx: Tx, run: Standing, trial: Trial, report: Report, now: datetime, config: Config, known: Known
) -> str:
    if report.kind == "state":
        return _state(tx, run, trial, report, now, config, known)
    _skip(tx, report)
    if report.kind == "artifacts":
        return artifacts.note(tx, report.run, report.attempt, report.body, now)
    if trial.number < run.attempt or trial.ended:
        return "too late"
    match report.kind:
        case "progress":
            _progress(tx, run, report, now)
        case "ready":
            _ready(tx, run, report, now, config)
        case "restart":
            _restart(tx, run, report, now)
        case "dataset":
            _dataset(tx, run, report, now)
        case "action":
            _action(tx, run, report, now)
        case "ports":
            _ports(tx, run, report)
    return ""


def _state(
    tx: Tx, run: Standing, trial: Trial, report: Report, now: datetime, config: Config, known: Known
) -> str:
    state = report.state
    given_up = trial.ended and trial.reason_code == "lost"
    if state is None or (trial.ended and not given_up):
        _skip(tx, report)
        return "a state report without a state" if state is None else "the attempt had ended"
    is_latest = trial.number == run.attempt and not (given_up and run.state != "queued")
    trial_now = _record(tx, trial, report, state, now, is_latest=is_latest)
    if not is_latest:
        return f"too late: attempt {run.attempt} is the latest, and the run is {run.state}"
    if given_up and state not in ENDED:
        losses.take_back(tx, run, trial, now, state=state)
        return ""
    if given_up and state not in RESULTS:
        return "given up already"
    outcome = _outcome(tx, run, trial, report, state)
    if outcome != run.state and not _is_lost(run, report, outcome):
        if not states.may_enter(run, outcome):
            return f"a run that is {run.state} does not become {outcome}"
        known.now_are(_enter(tx, run, report, outcome, now, known), trial_now)
    else:
        _stay_or_try_again(tx, run, report, outcome, now, config)
    if known.has_actions(run.id):
        settle(tx, run.id, now, config)
        known.read_again(run.id)
    return ""


def _record(tx: Tx, trial: Trial, report: Report, state: State, now: datetime, *, is_latest: bool) -> Trial:
    """Write on the attempt what its runner says, and free its slots once it has ended."""
    columns: dict[str, Any] = {"last_report": report.number, "state": state, "reason": report.reason}
    # A recalled attempt keeps its mark, which says what its end will mean.
    if trial.reason_code != "recalled" or state in ENDED:
        columns["reason_code"] = report.reason_code
    if state in ENDED:
        columns |= {
            "exit_code": report.exit_code,
            "ended_at": now,
            "held": False,
            "log_bytes": _size(report.body, "log_bytes"),
        }
    elif is_latest:
        columns |= {"ended_at": None} | ({"started_at": now} if state == "running" else {})
    store.change_attempt(tx, trial.run, trial.number, **columns)
    return replace(trial, **{name: value for name, value in columns.items() if name in TRIAL_COLUMNS})


def _outcome(tx: Tx, run: Standing, trial: Trial, report: Report, state: State) -> State:
    """What the state of an attempt means for its run."""
    if run.state == "canceling":
        gone = state in {"canceled", "paused", "queued"} or run.deleting or run.kind == "interactive"
        return "canceled" if state in ENDED and gone else state
    if trial.reason_code == "recalled" and state == "canceled":
        return "queued"
    if state == "canceled" and actions_store.pending(tx, run.id, ["stop"]) and run.kind == "interactive":
        return "paused"
    return state


def _is_lost(run: Standing, report: Report, state: State) -> bool:
    """Whether the attempt failed for no fault of its own, so that there is another one."""
    failed = state == "preempted" or (state == "system_error" and report.reason_code in RETRYABLE)
    # A runner that hears nothing from the hub for long stops its tools, so that they can start elsewhere.
    failed = failed or (state == "paused" and report.reason_code == "unreachable")
    return failed and run.state in {"initializing", "running"}


def _stay_or_try_again(
    tx: Tx, run: Standing, report: Report, state: State, now: datetime, config: Config
) -> None:
    if _is_lost(run, report, state):
        losses.try_again(tx, run, now, config, reason_code=report.reason_code, reason=report.reason)
    elif (report.reason_code, report.reason) != (run.reason_code, ""):
        states.explain(tx, run, now, report.reason_code, report.reason)


def _enter(tx: Tx, run: Standing, report: Report, state: State, now: datetime, known: Known) -> Standing:
    columns: dict[str, Any] = {}
    if state in ENDED:
        columns["exit_code"] = report.exit_code
        if known.has_datasets(run.id):
            store.forget_statuses(tx, run.id)
    if state == "complete":
        columns["progress"] = 100.0
    return states.enter(tx, run, state, now, reason_code=report.reason_code, reason=report.reason, **columns)


def _progress(tx: Tx, run: Standing, report: Report, now: datetime) -> None:
    columns: dict[str, Any] = {"message": report.message}
    if report.progress is not None:
        columns["progress"] = min(100.0, max(0.0, report.progress))
    if report.reason_code is not None and run.state == "initializing":
        columns["reason_code"] = report.reason_code
    store.change(tx, run.id, now, **columns)
    events.add(
        tx,
        run.id,
        run.attempt,
        now,
        "progress",
        progress=columns.get("progress"),
        message=report.message,
        reason_code=report.reason_code,
    )


def _ready(tx: Tx, run: Standing, report: Report, now: datetime, config: Config) -> None:
    if run.state == "initializing":
        store.change_attempt(tx, run.id, run.attempt, state="running", started_at=now)
        run = states.enter(tx, run, "running", now)
    if run.state != "running":
        return
    columns: dict[str, Any] = {
        "ready": True,
        "progress": 100.0,
        "message": "",
        "reason_code": None,
        "reason": "",
    }
    # A tool that was started again by its runner keeps the moment at which it ends.
    # (runs of before there were classes have it in their request alone)
    lifetime_s = run.request.lifetime_s if run.lifetime_s is None else run.lifetime_s
    if lifetime_s is not None and run.ends_at is None:
        columns["ends_at"] = now + timedelta(seconds=lifetime_s)
    # What it did before it was started again says nothing about now.
    columns |= {"kept_at": now, "idle_since": None, "pauses_at": None}
    open_path = report.body.get("open_path")
    if isinstance(open_path, str) and open_path.startswith("/"):
        columns["open_path"] = open_path
    store.change(tx, run.id, now, ready_at=now, **columns)
    if not run.ready:
        tidings.ready(tx, run, now)
    events.add(tx, run.id, run.attempt, now, "ready", state="running", progress=100.0, message="ready")
    settle(tx, run.id, now, config)


def _restart(tx: Tx, run: Standing, report: Report, now: datetime) -> None:
    store.change(
        tx,
        run.id,
        now,
        restarts=run.restarts + 1,
        ready=False,
        reason_code=report.reason_code,
        reason=report.reason,
        message=report.message,
    )
    events.add(
        tx,
        run.id,
        run.attempt,
        now,
        "restart",
        message=report.reason or report.message,
        reason_code=report.reason_code,
    )


def _dataset(tx: Tx, run: Standing, report: Report, now: datetime) -> None:
    name, status = str(report.body.get("name", "")), str(report.body.get("status", ""))[:16]
    detail = str(report.body.get("detail", ""))
    if status == "detached":
        store.remove_dataset(tx, run.id, name)
    else:
        columns: dict[str, Any] = {"status": status, "detail": detail}
        if report.body.get("mode") in {"mount", "copy"}:
            columns["mode"] = report.body["mode"]
        store.change_dataset(tx, run.id, name, **columns)
        _learn_size(tx, run, name, report.body)
    if staged := _size(report.body, "staged_bytes"):
        present = store.datasets_of(tx, [run.id]).get(run.id, [])
        dataset = next((item.dataset for item in present if item.name == name), None)
        usage.book_staged(tx, run.account, run.site, run.tool, dataset, staged, now)
    events.add(tx, run.id, run.attempt, now, "dataset", message=f"{name}: {status} {detail}".strip())


def _learn_size(tx: Tx, run: Standing, name: str, body: dict[str, Any]) -> None:
    """A dataset that was registered without its size is measured by whoever stages it first."""
    size, place = _size(body, "size_bytes"), body.get("location")
    if size is None or not isinstance(place, str):
        return
    present = store.datasets_of(tx, [run.id]).get(run.id, [])
    for dataset in (item.dataset for item in present if item.name == name and item.dataset):
        if datasets_store.learn_size(tx, dataset, place, run.site, size):
            changes.note(tx, "dataset", dataset)


def _action(tx: Tx, run: Standing, report: Report, now: datetime) -> None:
    action = actions_store.get(tx, str(report.body.get("action", "")))
    if action is None or action.run != run.id:
        return
    ok, detail = bool(report.body.get("ok")), str(report.body.get("detail", ""))
    actions_store.change(tx, action.id, now, "complete" if ok else "executor_error", reason=detail)
    name = str(action.body.get("name"))
    if action.kind == "detach" and ok:
        store.remove_dataset(tx, run.id, name)
    elif action.kind == "detach":
        store.change_dataset(tx, run.id, name, status="mounted", detail=detail)
    elif action.kind == "attach" and not ok:
        store.change_dataset(tx, run.id, name, status="failed", detail=detail)
    events.add(tx, run.id, run.attempt, now, "action", message=f"{action.kind}: {detail or 'done'}")


def _ports(tx: Tx, run: Standing, report: Report) -> None:
    found = report.body.get("ports")
    store.note_ports(tx, run.id, found[:PORTS_MAX] if isinstance(found, list) else [])


def _size(body: dict[str, Any], name: str) -> int | None:
    """A number of bytes that a runner states; None when it states none that can be one."""
    size = body.get(name)
    return size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**63 else None


def _answer(report: Report, accepted: bool, reason: str) -> ReportAnswer:
    return ReportAnswer(report.run, report.attempt, report.number, accepted, reason)
