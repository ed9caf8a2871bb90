"""Looking at runs: what a caller may see of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from alongside import values
from alongside.config import Config
from alongside.errors import ActionUnknown, Forbidden, LogUnknown, Problem, RunUnknown
from alongside.hub import resolver
from alongside.hub.store import actions as actions_store
from alongside.hub.store import events as events_store
from alongside.hub.store import logs
from alongside.hub.store import queue as queue_store
from alongside.hub.store import runs as store
from alongside.hub.store.database import Tx
from alongside.hub.store.events import Told
from alongside.hub.store.logs import Piece
from alongside.hub.store.runs import Standing
from alongside.spec.accounts import Caller
from alongside.spec.line import Place, place_in_line
from alongside.spec.placement import RULE, Refusal, open_to, refuse
from alongside.spec.runs import ACTIVE, FINAL, Action, Attempt, Event, Run, RunRequest, State
from alongside.spec.shells import Port
from alongside.spec.tools import ToolKind

MATCH_LOOKED_AT = 200
#: an attempt's last report may overtake the last piece of its log
LOG_TAIL = timedelta(seconds=2)


@dataclass(frozen=True)
class Explanation:
    """Why a run waits: one refusal per runner, its place in the line and the rule of the line."""

    refusals: tuple[Refusal, ...]
    #: 1 is next; None when the run does not wait
    position: int | None
    rule: str
    #: seconds until it is ready if the line goes on as it did in the last minute
    about_s: float | None = None
    #: both in words
    line: str = ""


def get(tx: Tx, caller: Caller, run_id: str) -> Run:
    """
    Raises:
        RunUnknown: also for other people's runs, unless the caller is an administrator.
    """
    find(tx, caller, run_id)
    run = store.get(tx, run_id)
    if run is None:
        raise RunUnknown
    return run


def find(tx: Tx, caller: Caller, run_id: str, *, lock: bool = False, overseer: bool = False) -> Standing:
    """Where the run stands, for those who may see it; raises RunUnknown for all others."""
    run = store.standing(tx, run_id, lock=lock)
    if run is None or not (overseer or may_see(caller, run)) or (run.deleting and run.state == "canceled"):
        raise RunUnknown(f"no run has the id {run_id}")
    return run


def may_see(caller: Caller, run: Standing) -> bool:
    return caller.is_admin or run.account == caller.account.id


def listing(
    tx: Tx,
    caller: Caller,
    *,
    states: Sequence[State] = (),
    tool: str | None = None,
    kind: ToolKind | None = None,
    account: str | None = None,
    everyone: bool = False,
    after: str | None = None,
    limit: int = 100,
) -> list[Run]:
    """Newest first; `after` is the id of the last run seen.

    Raises:
        Forbidden: `everyone`, or an `account` (name or id) of somebody else, without being an administrator.
    """
    mine = (caller.account.id, caller.account.name)
    if not caller.is_admin and (everyone or (account is not None and account not in mine)):
        raise Forbidden("only administrators see other people's runs")
    whose = account or (None if everyone else caller.account.id)
    return store.listing(tx, account=whose, states=states, tool=tool, kind=kind, after=after, limit=limit)


def find_match(tx: Tx, caller: Caller, wish: RunRequest) -> Run | None:
    """The caller's own interactive run of the same tool that has the datasets already.

    One with just these datasets is preferred to one that has others too, which is offered only where its
    tool is there to be opened or started again.
    """
    try:
        wanted = {resolver.resolve(tx, caller, use.id).id for use in wish.datasets}
    except Problem:
        return None
    name, _, version = wish.tool.partition("@")
    mine = store.listing(tx, account=caller.account.id, tool=name, kind="interactive", limit=MATCH_LOOKED_AT)
    fitting: list[tuple[Run, bool]] = []
    for run in mine:
        there = {item.dataset for item in run.datasets}
        if (
            run.state not in {"canceled", "canceling"}
            and (not version or run.version == version)
            and (wish.site is None or run.site in (None, wish.site))
            and (wanted == there or (wanted < there and run.state in {"running", "paused"}))
        ):
            fitting.append((run, wanted == there))
    best = min(
        fitting,
        key=lambda item: (
            item[0].state in FINAL,
            not item[1],
            not item[0].ready,
            item[0].state not in ACTIVE,
            -item[0].created_at.timestamp(),
        ),
        default=None,
    )
    return best and best[0]


def events(tx: Tx, caller: Caller, run_id: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
    """Oldest first; `after` is the `seq` of the last one seen."""
    find(tx, caller, run_id)
    return events_store.of_run(tx, run_id, after=after, limit=limit)


def attempts(tx: Tx, caller: Caller, run_id: str) -> list[Attempt]:
    """Oldest first."""
    find(tx, caller, run_id)
    return store.attempts_of(tx, run_id)


def action(tx: Tx, caller: Caller, action_id: str) -> Action:
    """
    Raises:
        ActionUnknown: there is none, or it concerns a run that the caller may not see.
    """
    found = actions_store.get(tx, action_id)
    run = None if found is None else store.standing(tx, found.run, lock=False)
    if found is None or run is None or not may_see(caller, run):
        raise ActionUnknown(f"no action has the id {action_id}")
    return found


def actions(
    tx: Tx, caller: Caller, *, run_id: str | None = None, after: str | None = None, limit: int = 100
) -> list[Action]:
    """Newest first: those of one run, or the caller's own."""
    if run_id is not None:
        find(tx, caller, run_id)
        return actions_store.listing(tx, account=None, run=run_id, after=after, limit=limit)
    return actions_store.listing(tx, account=caller.account.id, run=None, after=after, limit=limit)


def in_line(tx: Tx, run_id: str, now: datetime) -> Place:
    """Where a waiting run stands, and about how long that takes."""
    return place_in_line(queue_store.ahead(tx, run_id), queue_store.begun_lately(tx, now), now)


def in_lines(tx: Tx, run_ids: Collection[str], now: datetime) -> dict[str, Place]:
    """As `in_line`, of those among these runs that wait."""
    if not run_ids:
        return {}
    ahead, lately = queue_store.line(tx), queue_store.begun_lately(tx, now)
    return {run: place_in_line(ahead[run], lately, now) for run in run_ids if run in ahead}


def explain(tx: Tx, caller: Caller, run_id: str, now: datetime, *, config: Config) -> Explanation:
    """Why each runner does not take a waiting run now, and its place in the line."""
    find(tx, caller, run_id)
    due = queue_store.waiting(tx, [run_id])
    if not due:
        return Explanation((), None, RULE)
    offers = queue_store.offered(tx)
    if not caller.is_admin:
        offers = open_to(caller.account.id, offers)
    refusals = refuse(due[0].waiting, offers, stage_max_bytes=config.dispatcher.stage_max_bytes)
    line = in_line(tx, run_id, now)
    return Explanation(tuple(refusals), line.position, RULE, line.about_s, line.words)


def ports(tx: Tx, caller: Caller, run_id: str) -> tuple[Port, ...]:
    """On which programs of a run listen, as its runner said last.

    Raises:
        RunUnknown
    """
    run = find(tx, caller, run_id)
    return values.load(tuple[Port, ...], store.ports(tx, run.id))


def log(
    tx: Tx,
    caller: Caller,
    run_id: str,
    folder: Path,
    now: datetime,
    *,
    attempt: int | None = None,
    offset: int = 0,
    limit: int = 1_000_000,
) -> Piece:
    """Part of an attempt's log (the latest one's by default); `folder` is `config.data_dir / "logs"`.

    An attempt that has not written anything has an empty log.

    Raises:
        RunUnknown
        LogUnknown: the run has no such attempt.
    """
    run = find(tx, caller, run_id)
    number = run.attempt if attempt is None else attempt
    if number == 0 and attempt is None:
        over = run.state not in ACTIVE
        return Piece(b"", 0, 0, ended=over, complete=over)
    trial = store.trial(tx, run_id, number)
    if trial is None:
        raise LogUnknown(f"the run has no attempt {number}")
    piece = logs.read(folder, run_id, number, offset=offset, limit=limit)
    if trial.ended_at is None:
        return piece
    whole = trial.log_bytes is not None and piece.size >= trial.log_bytes
    return replace(piece, ended=True, complete=whole or now - trial.ended_at > LOG_TAIL)


def add_log(folder: Path, run_id: str, attempt: int, offset: int, data: bytes) -> int:
    """Add bytes of an attempt's log that begin at `offset`; answers its size. One caller at a time.

    Raises:
        Conflict: `offset` lies beyond the end; its `size` says where to go on.
    """
    return logs.append(folder, run_id, attempt, offset, data)


def history(tx: Tx, after: int, *, limit: int = 1000) -> list[Told]:
    """Events of all runs since one, oldest first, for those who pass them on."""
    return events_store.since(tx, after, limit=limit)


def newest_event(tx: Tx) -> int:
    """Number of the newest event of the hub."""
    return events_store.last(tx)
