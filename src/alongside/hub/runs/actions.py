"""Steering a run: every act is stored, done at once where it can be, and otherwise sent to the runner."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alongside import values
from alongside.config import Config
from alongside.errors import Fault, Forbidden, Invalid, NameTaken, Problem, StateConflict, Unplaceable
from alongside.hub import accounts, banners, budgets, homes, queue, resolver, states
from alongside.hub.runs.reading import find
from alongside.hub.runs.requests import add_use, name_fault, named
from alongside.hub.store import accounts as accounts_store
from alongside.hub.store import actions as store
from alongside.hub.store import changes, events, outbox
from alongside.hub.store import datasets as datasets_store
from alongside.hub.store import queue as queue_store
from alongside.hub.store import runs as runs_store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.hub.store.runs import Standing, Trial
from alongside.spec import lifetimes
from alongside.spec.accounts import ROLE_SCOPES, Account, Caller
from alongside.spec.placement import DataNeed
from alongside.spec.runs import FINAL, Action, ActionKind, DatasetUse, ReasonCode, State
from alongside.spec.wire import OutboxKind

EXTEND_MAX_S = 365 * 86_400
#: less is no extension
EXTEND_MIN = timedelta(seconds=1)
STOPPED: frozenset[State] = frozenset((*FINAL, "paused"))


def act(
    tx: Tx,
    caller: Caller,
    run_id: str,
    kind: ActionKind,
    body: dict[str, Any],
    now: datetime,
    *,
    config: Config,
    overseer: bool = False,
) -> Action:
    """Start, stop, cancel, delete: body {}; extend {seconds}; attach DatasetUse; detach {name}.

    The answer is `complete` when nothing remains to be done (after a delete, the run is gone then).

    Raises:
        RunUnknown
        StateConflict: the run is not in a state that allows this.
        Invalid, QuotaExceeded (start), IdentifierUnknown, NameTaken, Unplaceable (attach)
    """
    run = find(tx, caller, run_id, lock=True, overseer=overseer)
    if run.deleting and kind != "delete":
        raise StateConflict("the run is being deleted", state=run.state)
    action = Action(
        id=new_id(now),
        run=run.id,
        account=caller.account.id,
        kind=kind,
        body=body,
        state="queued",
        created_at=now,
        updated_at=now,
        expires_at=now + timedelta(seconds=config.dispatcher.action_ttl_s),
    )
    by_admin = caller.account.id != run.account
    match kind:
        case "start":
            action = _start(tx, run, action, now, config)
        case "stop":
            action = _stop(tx, run, action, now, by_admin=by_admin)
        case "cancel":
            action = _cancel(tx, run, action, now)
        case "delete":
            action = _delete(tx, run, action, now)
        case "extend":
            action = _extend(tx, run, action, now)
        case "keep":
            action = _keep(tx, run, action, now)
        case "attach":
            action = _attach(tx, caller, run, action, now, config)
        case "detach":
            action = _detach(tx, run, action, now)
    store.add(tx, action)
    changes.note(tx, "action", action.id)
    changes.note(tx, "run", run.id)
    return action


def settle(tx: Tx, run_id: str, now: datetime, config: Config) -> None:
    """Carry out or conclude the open actions of a run whose state has changed."""
    for action in store.pending(tx, run_id):
        run = runs_store.standing(tx, run_id)
        if run is None:
            return
        match action.kind:
            case "stop":
                _settle_stop(tx, run, action, now)
            case "cancel" | "delete":
                if run.state in FINAL:
                    if action.kind == "delete":
                        _clear_sites(tx, run, now)
                    store.change(tx, action.id, now, "complete")
            case "start":
                _settle_start(tx, run, action, now, config)
            case "attach" | "detach":
                _settle_dataset(tx, run, action, now)
            case "extend" | "keep":
                store.change(tx, action.id, now, "complete")


def expire(tx: Tx, action_id: str, now: datetime) -> str | None:
    """Give up an action that was never carried out; answers its run."""
    action = store.get(tx, action_id)
    if action is None or action.state not in store.OPEN:
        return None
    reason = "it was not carried out in time: the run's runner was not heard from"
    store.change(tx, action.id, now, "canceled", reason_code="expired", reason=reason)
    outbox.withdraw_action(tx, action.run, action.id)
    if action.kind in {"attach", "detach"}:
        status = "failed" if action.kind == "attach" else "mounted"
        runs_store.change_dataset(tx, action.run, action.body["name"], status=status, detail=reason)
    return action.run


def stop_for(tx: Tx, run: Standing, reason_code: ReasonCode, reason: str, now: datetime) -> bool:
    """Have a run stopped that nobody asked to stop; whether something was sent."""
    if run.state not in {"initializing", "running"}:
        return False
    return _send(tx, run, "stop", now, reason_code=reason_code, reason=reason)


def _start(tx: Tx, run: Standing, action: Action, now: datetime, config: Config) -> Action:
    stopping = any(item.kind == "stop" for item in store.pending(tx, run.id))
    if stopping and run.state not in STOPPED:
        return action
    _queue_again(tx, run, now, config)
    return _done(action)


def _queue_again(tx: Tx, run: Standing, now: datetime, config: Config) -> None:
    """Raises StateConflict, QuotaExceeded, Forbidden."""
    unreachable = run.state == "running" and run.reason_code == "unreachable"
    if run.state not in STOPPED and not unreachable:
        raise StateConflict(f"the run is {run.state} already", state=run.state)
    if run.state == "canceled":
        raise StateConflict("a canceled run cannot be started again", state=run.state)
    owner = accounts_store.get(tx, run.account)
    if owner is not None:
        _refuse_withdrawn(tx, run, owner)
    if owner is not None and not unreachable:
        accounts.check_quota(tx, owner, run.resources, config.accounts)
        budgets.check(tx, owner.id, now)
        banners.check(tx, run.site, now)
        if run.kind == "interactive":
            homes.check_room(tx, owner, run.site, config)
    if unreachable:
        _give_up(tx, run, now)
    runs_store.forget_statuses(tx, run.id)
    states.enter(tx, run, "queued", now, lost_attempts=0, progress=0.0, exit_code=None)


def _refuse_withdrawn(tx: Tx, run: Standing, owner: Account) -> None:
    """While a run was stopped its owner may have lost the right to some of its data."""
    tags = accounts_store.tag_names(tx, owner.id)
    holder = Caller(owner, ROLE_SCOPES[owner.role], "session", run.id, tags)
    hidden = datasets_store.hidden_in_run(tx, holder, run.id)
    if hidden:
        raise Forbidden(
            f"{owner.name} may no longer use {', '.join(hidden)}; take it out of the run first",
            datasets=hidden,
        )


def _give_up(tx: Tx, run: Standing, now: datetime) -> None:
    """The latest attempt is at a runner that nobody hears from: whatever it reports later is too late."""
    trial = runs_store.trial(tx, run.id, run.attempt)
    runs_store.change_attempt(
        tx,
        run.id,
        run.attempt,
        state="system_error",
        reason_code="lost",
        reason="started again by its owner",
        ended_at=now,
    )
    queue.release(tx, run.id, run.attempt, trial.runner if trial else None)


def _stop(tx: Tx, run: Standing, action: Action, now: datetime, *, by_admin: bool) -> Action:
    if run.kind == "task":
        return _cancel(tx, run, action, now)
    reason_code: ReasonCode = "stopped_by_admin" if by_admin else "stopped_by_owner"
    match run.state:
        case "queued":
            states.enter(tx, run, "paused", now, reason_code=reason_code)
            return _done(action)
        case "initializing" | "running":
            _send(tx, run, "stop", now, reason_code=reason_code, action=action.id)
            return replace(action, state="running")
        case _:
            raise StateConflict(f"the run is {run.state}: there is nothing to stop", state=run.state)


def _cancel(tx: Tx, run: Standing, action: Action, now: datetime) -> Action:
    code: ReasonCode = "deleted" if run.deleting else "canceled_by_owner"
    match run.state:
        case "initializing" | "running":
            sent = _send(tx, run, "cancel", now, reason_code=code, action=action.id)
            run = states.enter(tx, run, "canceling", now, reason_code=code)
            if sent:
                return replace(action, state="running")
            states.enter(tx, run, "canceled", now, reason_code=code, reason="its runner was removed")
            return _done(action)
        case "canceling":
            return replace(action, state="running")
        case "queued" | "paused":
            states.enter(tx, run, "canceled", now, reason_code=code)
            return _done(action)
        case _ if run.deleting and run.state != "canceled":
            states.enter(tx, run, "canceled", now, reason_code=code)
            return _done(action)
        case _ if run.deleting:
            return _done(action)
        case _:
            raise StateConflict(f"the run has ended: it is {run.state}", state=run.state)


def _delete(tx: Tx, run: Standing, action: Action, now: datetime) -> Action:
    runs_store.change(tx, run.id, now, deleting=True)
    action = _cancel(tx, replace(run, deleting=True), action, now)
    if action.state == "complete":
        _clear_sites(tx, run, now)
    return action


def _clear_sites(tx: Tx, run: Standing, now: datetime) -> None:
    """Homes and outputs lie wherever an attempt was; a runner that is away hears of it when it is back."""
    for runner in runs_store.runners_of(tx, [run.id]):
        outbox.put(tx, runner, "remove", {"run": run.id, "account": run.account}, now, run=run.id)
        changes.note(tx, "runner", runner)


def _extend(tx: Tx, run: Standing, action: Action, now: datetime) -> Action:
    seconds = action.body.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= EXTEND_MAX_S:
        raise Invalid([Fault("seconds", f"must be a number from 1 to {EXTEND_MAX_S}")])
    if run.ends_at is None or run.state in STOPPED:
        raise StateConflict("the run does not end by itself at present", state=run.state)
    ends_at = lifetimes.extended(run.ends_at, now, seconds, run.lifetime_max_s)
    if ends_at - run.ends_at < EXTEND_MIN:
        most = lifetimes.spoken(run.lifetime_max_s or 0)
        raise StateConflict(f"it has the most that it may have left: {most}", state=run.state)
    # Who extends a run uses it.
    runs_store.change(tx, run.id, now, ends_at=ends_at, kept_at=now, idle_since=None, pauses_at=None)
    by = lifetimes.spoken((ends_at - run.ends_at).total_seconds())
    events.add(tx, run.id, run.attempt, now, "action", message=f"extended by {by}")
    return replace(_done(action), reason=f"extended by {by}")


def _keep(tx: Tx, run: Standing, action: Action, now: datetime) -> Action:
    """Its owner says that it is in use, whatever it looks like: idle time begins anew."""
    if run.kind != "interactive" or run.state in STOPPED:
        raise StateConflict(f"the run is {run.state}: it is not about to be paused", state=run.state)
    runs_store.change(tx, run.id, now, kept_at=now, idle_since=None, pauses_at=None)
    if run.pauses_at is not None:
        events.add(tx, run.id, run.attempt, now, "action", message="kept: it is in use")
    return _done(action)


def _attach(tx: Tx, caller: Caller, run: Standing, action: Action, now: datetime, config: Config) -> Action:
    if run.kind == "task":
        raise StateConflict("the datasets of a task are given when it is launched", state=run.state)
    if run.state in {"canceling", "canceled"}:
        raise StateConflict(f"the run is {run.state}", state=run.state)
    use = values.load(DatasetUse, action.body)
    dataset = resolver.resolve(tx, caller, use.id)
    present = runs_store.datasets_of(tx, [run.id]).get(run.id, [])
    if any(item.dataset == dataset.id for item in present):
        raise NameTaken(f"the run has {dataset.title!r} already")
    use = named(dataset, use, {item.name for item in present})
    if fault := name_fault(use.name or ""):
        raise Invalid([Fault("name", fault)])
    if any(item.name == use.name for item in present):
        raise NameTaken(f"the run has a dataset named {use.name!r} already")
    if run.site is not None:
        _refuse_far(queue_store.need(tx, dataset.id), run.site, config.dispatcher.stage_max_bytes)
    live = run.state in {"initializing", "running"}
    add_use(tx, run.id, dataset, use, len(present), status="attaching" if live else None)
    action = replace(action, body={**values.dump(use), "dataset": dataset.id})
    if not live:
        return _done(action)
    return _send_dataset(tx, run, action, now) if run.state == "running" else action


def _refuse_far(need: DataNeed, site: str, stage_max_bytes: int) -> None:
    """A running tool stays where it is, so the dataset has to be there or come."""
    if site in need.sites:
        return
    where = " or ".join(sorted(need.sites)) or "no known site"
    if not need.fetchable or (need.sites and not need.may_leave):
        raise Unplaceable(f"{need.identifier} is at {where} and cannot be brought to {site}")
    if need.sites and (need.size_bytes is None or need.size_bytes > stage_max_bytes):
        raise Unplaceable(f"{need.identifier} is at {where} and too large to be copied to {site}")


def _detach(tx: Tx, run: Standing, action: Action, now: datetime) -> Action:
    name = action.body.get("name")
    present = {item.name for item in runs_store.datasets_of(tx, [run.id]).get(run.id, [])}
    if name not in present:
        raise Invalid([Fault("name", f"the run has no dataset named {name!r}")])
    if run.kind == "task" and run.state not in STOPPED:
        raise StateConflict("a task keeps its datasets while it runs", state=run.state)
    if run.state not in {"initializing", "running"}:
        runs_store.remove_dataset(tx, run.id, name)
        return _done(action)
    runs_store.change_dataset(tx, run.id, name, status="detaching")
    return _send_dataset(tx, run, action, now) if run.state == "running" else action


def _send_dataset(tx: Tx, run: Standing, action: Action, now: datetime) -> Action:
    """Tell the runner of a running tool; the answer comes as reports."""
    if action.kind == "detach":
        sent = _send(tx, run, "detach", now, action=action.id, name=action.body["name"])
    else:
        dataset, name = action.body["dataset"], action.body["name"]
        places = queue_store.sources(tx, [dataset], run.site or "").get(dataset, ())
        mount = queue_store.mount(dataset, name, action.body["mode"], places)
        sent = _send(tx, run, "attach", now, action=action.id, mount=values.dump(mount))
    return replace(action, state="running") if sent else action


def _send(tx: Tx, run: Standing, kind: OutboxKind, now: datetime, **body: Any) -> bool:
    """Put something for the runner of the latest attempt into its outbox; False if there is none."""
    trial: Trial | None = runs_store.trial(tx, run.id, run.attempt)
    if trial is None or trial.runner is None or not trial.held:
        return False
    whole = {"run": run.id, "attempt": run.attempt, **body}
    outbox.put(tx, trial.runner, kind, whole, now, run=run.id, attempt=run.attempt)
    changes.note(tx, "runner", trial.runner)
    return True


def _settle_stop(tx: Tx, run: Standing, action: Action, now: datetime) -> None:
    if run.state == "queued":
        # Its attempt was lost before the stop reached it: it would start again elsewhere.
        run = states.enter(tx, run, "paused", now, reason_code="stopped_by_owner")
    if run.state in STOPPED:
        store.change(tx, action.id, now, "complete")


def _settle_start(tx: Tx, run: Standing, action: Action, now: datetime, config: Config) -> None:
    if run.state not in STOPPED:
        return
    try:
        _queue_again(tx, run, now, config)
    except Problem as problem:
        store.change(tx, action.id, now, "system_error", reason_code=problem.code, reason=problem.detail)
    else:
        store.change(tx, action.id, now, "complete")


def _settle_dataset(tx: Tx, run: Standing, action: Action, now: datetime) -> None:
    if run.state == "running" and action.state == "queued":
        if _send_dataset(tx, run, action, now).state == "running":
            store.change(tx, action.id, now, "running")
    elif run.state in STOPPED or run.state == "queued":
        outbox.withdraw_action(tx, run.id, action.id)
        if action.kind == "detach":
            runs_store.remove_dataset(tx, run.id, action.body["name"])
        else:
            runs_store.change_dataset(tx, run.id, action.body["name"], status=None, detail="")
        reason = "the run is not running; this holds from its next start on"
        store.change(tx, action.id, now, "complete", reason=reason)


def _done(action: Action) -> Action:
    return replace(action, state="complete")
