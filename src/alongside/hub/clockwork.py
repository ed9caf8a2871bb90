"""What the dispatcher does in one turn: a list of steps over one transaction, on a clock that it is given.

No loop, no thread and no network here, so that a test can turn it by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from alongside.errors import InternalError, Problem, Unavailable
from alongside.hub import (
    banners,
    culling,
    departures,
    errands,
    files,
    grants,
    homes,
    notices,
    presence,
    queue,
    runs,
    saving,
    shares,
    sites,
)
from alongside.hub.deadlines import Deadlines, Key
from alongside.hub.doors import Hub
from alongside.hub.ledger import Ledger
from alongside.hub.queue import Board
from alongside.hub.store import actions as actions_store
from alongside.hub.store import artifacts as artifacts_store
from alongside.hub.store import changes, leadership, logs, outbox
from alongside.hub.store import queue as queue_store
from alongside.hub.store import runs as runs_store
from alongside.hub.store.database import MAX_ROWS, Tx
from alongside.hub.store.leadership import LeadershipLost
from alongside.spec.errands import NEWS_MAX, AskedErrand
from alongside.spec.runs import FINAL
from alongside.spec.wire import Report, ReportAnswer, Sync, SyncAnswer, Verdict

#: a report changes about five rows, and a transaction at most 500
REPORTS_MAX = 80
RECALLS_MAX = 50
#: what a runner said about idle runs holds for so many of its syncs
WORD_LASTS_SYNCS = 3
#: how often the leader says that it is alive
BEAT_S = 2.0
#: how often it is looked whether tools that take long to start still count as starting
STARTS_EVERY_S = 5.0
#: deleted runs are kept so long, for those who ask what became of the deletion
PURGE_AFTER = timedelta(days=1)
PURGE_EVERY_S = 600.0
PURGE_MAX = 20
#: assignments are large, and a runner takes them in order
OUTBOX_SENT_MAX = 200
#: nobody could say how an errand stood while no dispatcher led
ERRANDS_AFTER = timedelta(minutes=1)
#: between looks for homes whose size is due
HOMES_EVERY_S = 30.0
#: what rooms do when an errand of theirs has ended, by its kind
ON_END: Mapping[str, errands.OnEnd] = {saving.KIND: saving.ended}

log = structlog.get_logger("alongside.dispatcher")


@dataclass(frozen=True)
class Incoming:
    """A runner's sync as it arrived."""

    runner: str
    token: str
    sync: Sync


@dataclass
class Turn:
    """One turn: what came in, what has changed, and what goes out."""

    now: datetime
    monotonic: float
    incoming: Sequence[Incoming]
    #: per incoming sync
    answers: list[SyncAnswer | Problem] = field(default_factory=list)
    #: newest outbox number per runner, for those who wait
    seqs: dict[str, int] = field(default_factory=dict)
    #: what others wrote since the last turn
    heard: list[changes.Change] = field(default_factory=list)
    #: another turn should follow at once
    more: bool = False
    #: nothing was written
    failed: bool = False
    runs: set[str] = field(default_factory=set)
    runners: set[str] = field(default_factory=set)
    #: runners whose outbox has grown
    told: set[str] = field(default_factory=set)
    #: errands that changed, and for whom
    errands: dict[str, str | None] = field(default_factory=dict)
    #: runs under way at a runner that does not exist any more
    orphans: set[str] = field(default_factory=set)
    reports_left: int = REPORTS_MAX


class Clockwork:
    """The leader's knowledge and its steps. Made anew when anything went wrong: the tables know it all."""

    def __init__(self, hub: Hub, epoch: int, on_end: Mapping[str, errands.OnEnd] = ON_END) -> None:
        self._hub = hub
        self._on_end = {homes.KIND: partial(homes.ended, config=hub.config), **on_end}
        self._epoch = epoch
        self._config = hub.config
        self._board = Board()
        self._deadlines = Deadlines()
        self._ledger = Ledger(self._deadlines)
        self._watch = self._new_watch()
        self._present = presence.Present()
        #: attempts that their runner did not mention last time: twice is gone
        self._missed: set[tuple[str, int]] = set()
        self._last_beat = float("-inf")
        self._last_purge = float("-inf")
        #: (run, hashes of its copies) whose rows are gone and whose files still are there
        self._to_remove: list[tuple[str, list[str]]] = []
        self._loaded = False

    def is_due(self, monotonic: float) -> bool:
        """Whether a turn has something to do although nobody said anything."""
        return (
            not self._loaded
            or self._board.stirred
            or self._deadlines.is_due(monotonic)
            or monotonic - self._last_beat >= BEAT_S
        )

    def turn(self, incoming: Sequence[Incoming], now: datetime, monotonic: float) -> Turn:
        """Do everything that is due, in one transaction.

        Raises:
            LeadershipLost: another dispatcher leads; nothing was written.
        """
        turn = Turn(now, monotonic, incoming)
        try:
            with self._hub.database.write() as tx:
                for step in self._steps():
                    step(tx, turn)
        except LeadershipLost:
            raise
        except Exception as error:
            log.error("turn.failed", exc_info=error)
            self._forget()
            self._to_remove.clear()
            turn.failed = True
            turn.answers = [Unavailable("the hub could not take this; send it again") for _ in incoming]
            return turn
        self._purge_files()
        return turn

    def _forget(self) -> None:
        """What was remembered may not be what the tables say: read them again in the next turn."""
        self._board = Board()
        self._watch = self._new_watch()
        self._present = presence.Present()
        self._loaded = False

    def _new_watch(self) -> culling.Watch:
        return culling.Watch(self._config.culling, WORD_LASTS_SYNCS * self._config.dispatcher.sync_every_s)

    def _steps(self) -> tuple[Callable[[Tx, Turn], None], ...]:
        return (
            self._lead,
            self._load,
            self._hear,
            self._take_syncs,
            self._expire,
            self._refresh,
            self._book,
            self._place,
            self._answer,
            self._purge,
        )

    def _lead(self, tx: Tx, turn: Turn) -> None:
        leadership.check(tx, self._epoch)
        if turn.monotonic - self._last_beat >= BEAT_S:
            leadership.beat(tx, turn.now)
            self._last_beat = turn.monotonic

    def _load(self, tx: Tx, turn: Turn) -> None:
        if self._loaded:
            return
        self._board.refresh_offers(tx, None, turn.now)
        self._note_due(self._board.refresh_runs(tx, None), turn)
        for action in actions_store.all_open(tx):
            self._deadlines.at(("action", action.id), action.expires_at, turn.now, turn.monotonic)
        # A run is paused on fresh word alone, and nobody could say one while no dispatcher led.
        heard_by = turn.now + timedelta(seconds=self._config.dispatcher.lease_ttl_s)
        self._note_terms(tx, None, turn, not_before=heard_by)
        for errand_id, expires_at in errands.all_open(tx):
            moment = max(expires_at, turn.now + ERRANDS_AFTER)
            self._deadlines.at(("errand", errand_id), moment, turn.now, turn.monotonic)
        # Nobody could renew a lease while no dispatcher led: everyone has one whole TTL from now.
        for runner in queue_store.in_contact(tx):
            if ("contact", runner) not in self._deadlines and ("grace", runner) not in self._deadlines:
                self._deadlines.set(("contact", runner), turn.monotonic + self._config.dispatcher.lease_ttl_s)
        turn.orphans.update(runs_store.without_runner(tx))
        for share_id, expires_at in shares.expiring(tx):
            self._deadlines.at(("share", share_id), expires_at, turn.now, turn.monotonic)
        self._present.load(tx, turn.now)
        self._ledger.load(tx, turn.monotonic)
        self._heed_banners(tx, turn)
        self._deadlines.set(("homes", ""), turn.monotonic + HOMES_EVERY_S)
        self._loaded = True

    def _hear(self, tx: Tx, turn: Turn) -> None:
        turn.heard = changes.consume(tx)
        turn.more = turn.more or len(turn.heard) == MAX_ROWS
        for change in turn.heard:
            match change.kind:
                case "run":
                    turn.runs.add(change.key)
                case "runner":
                    turn.runners.add(change.key)
                    turn.told.add(change.key)
                case "action":
                    action = actions_store.get(tx, change.key)
                    moment = action.expires_at if action and action.state in actions_store.OPEN else None
                    self._deadlines.at(("action", change.key), moment, turn.now, turn.monotonic)
                case "dataset" | "site" | "tool":
                    # Rare, and any waiting run may depend on it.
                    self._board.refresh_offers(tx, None, turn.now)
                    self._board.refresh_runs(tx, None)
                case "revoke":
                    self._revoke(tx, turn, change.key)
                case "share":
                    moment = shares.expires_at(tx, change.key)
                    self._deadlines.at(("share", change.key), moment, turn.now, turn.monotonic)
                case "departure":
                    departures.clear(tx, change.key, turn.now, self._config)
                case "budget":
                    self._ledger.load(tx, turn.monotonic)
                case "banner":
                    self._heed_banners(tx, turn)
                case "account":
                    self._welcome(tx, turn, change.key)
                case "errand":
                    if errand := errands.due(tx, change.key):
                        self._note_errand(errand, turn)
                        turn.told.add(errand.runner)

    def _take_syncs(self, tx: Tx, turn: Turn) -> None:
        for item in turn.incoming:
            try:
                with tx.begin_nested():
                    turn.answers.append(self._take_sync(tx, turn, item))
            except Problem as problem:
                turn.answers.append(problem)
            except Exception as error:
                # Whoever sends what no table holds must not undo what the others of this turn sent.
                log.error("sync.refused", runner=item.runner, exc_info=error)
                turn.answers.append(InternalError("the hub cannot take this sync"))

    def _expire(self, tx: Tx, turn: Turn) -> None:
        for kind, key in self._deadlines.take(turn.monotonic, MAX_ROWS // 10):
            match kind:
                case "contact":
                    self._miss(tx, turn, key)
                case "grace":
                    touched, more = runs.overdue(tx, key, turn.now, self._config)
                    turn.runs.update(touched)
                    if more:
                        self._deadlines.set((kind, key), turn.monotonic)
                case "lifetime":
                    if runner := culling.lifetime_over(tx, key, turn.now):
                        turn.told.add(runner)
                case "ending":
                    culling.ending_soon(tx, key, turn.now)
                case "idle":
                    due = self._watch.due(tx, key, turn.now)
                    self._deadlines.at((kind, key), due.again_at, turn.now, turn.monotonic)
                    if due.told is not None:
                        turn.told.add(due.told)
                case "action":
                    if run_id := runs.expire(tx, key, turn.now):
                        turn.runs.add(run_id)
                case "retry":
                    self._wait_again(tx, key)
                case "starts":
                    turn.runners.add(key)
                case "share":
                    turn.told.update(shares.expire(tx, key, turn.now))
                case "banner":
                    self._heed_banners(tx, turn)
                case "book" | "budget" | "budget soon":
                    self._ledger.due(tx, (kind, key), turn.now, turn.monotonic)
                case "errand":
                    if errand := errands.expire(tx, key, turn.now, self._on_end):
                        self._note_errand(errand, turn)
                case "homes":
                    again = homes.look(tx, turn.now, self._config)
                    self._deadlines.set((kind, key), turn.monotonic + (0 if again else HOMES_EVERY_S))
                case _:
                    raise AssertionError(kind)
        turn.more = turn.more or self._deadlines.is_due(turn.monotonic)

    def _refresh(self, tx: Tx, turn: Turn) -> None:
        """Bring what is remembered up to date with what this turn changed."""
        if turn.runners:
            self._board.refresh_offers(tx, turn.runners, turn.now)
        if turn.runners - self._board.offers.keys():
            turn.orphans.update(runs_store.without_runner(tx))
        turn.runs.update(runs.orphaned(tx, turn.orphans, turn.now, self._config))
        if turn.runs:
            self._note_due(self._board.refresh_runs(tx, turn.runs), turn)
            self._note_terms(tx, turn.runs, turn)
            where = runs_store.runners_of(tx, turn.runs) - turn.runners
            if where:
                self._board.refresh_offers(tx, where, turn.now)
                turn.runners |= where

    def _book(self, tx: Tx, turn: Turn) -> None:
        self._ledger.turned(tx, turn.runs, turn.now, turn.monotonic)

    def _place(self, tx: Tx, turn: Turn) -> None:
        if not self._board.stirred:
            return
        assigned = queue.place_and_assign(tx, self._board, turn.now, self._config)
        if assigned.runs:
            homes.used(tx, assigned.runs, turn.now, self._config)
        turn.told |= assigned.runners
        turn.more = turn.more or assigned.more
        for runner in assigned.crowded:
            # Ready tools make room by their reports; ones that take long stop counting by the clock.
            if ("starts", runner) not in self._deadlines:
                self._deadlines.set(("starts", runner), turn.monotonic + STARTS_EVERY_S)

    def _answer(self, tx: Tx, turn: Turn) -> None:
        """Last, so that a runner gets in the same answer what this turn gave it."""
        keyring = self._hub.keyring
        for index, item in enumerate(turn.incoming):
            answer = turn.answers[index]
            if isinstance(answer, SyncAnswer):
                items = outbox.items(tx, item.runner, limit=OUTBOX_SENT_MAX)
                sealed = tuple(
                    replace(
                        entry,
                        body={
                            **entry.body,
                            "token": grants.attempt_token(
                                entry.body["run"], entry.body["attempt"], turn.now, keyring
                            ),
                        },
                    )
                    if entry.kind == "assign"
                    else entry
                    for entry in items
                )
                turn.answers[index] = replace(answer, outbox=sealed)
        known = {
            item.runner
            for item, answer in zip(turn.incoming, turn.answers, strict=True)
            if isinstance(answer, SyncAnswer)
        }
        turn.seqs = outbox.last(tx, turn.told | known)

    def _purge(self, tx: Tx, turn: Turn) -> None:
        if turn.monotonic - self._last_purge < PURGE_EVERY_S:
            return
        self._last_purge = turn.monotonic
        errands.purge(tx, turn.now)
        departures.end_guests(tx, turn.now)
        notices.purge(tx, turn.now, timedelta(days=self._config.notices.keep_days))
        for run_id in runs_store.to_purge(tx, turn.now - PURGE_AFTER, PURGE_MAX):
            self._to_remove.append((run_id, artifacts_store.hashes_at_hub(tx, run_id)))
            runs_store.remove(tx, run_id)

    # What the steps are made of

    def _heed_banners(self, tx: Tx, turn: Turn) -> None:
        changed, again_at = banners.heed(tx, turn.now)
        self._deadlines.at(("banner", ""), again_at, turn.now, turn.monotonic)
        if changed:
            self._board.refresh_offers(tx, None, turn.now)

    def _take_sync(self, tx: Tx, turn: Turn, item: Incoming) -> SyncAnswer:
        sync, runner = item.sync, item.runner
        sites.check_epoch(tx, runner, item.token, sync.epoch)
        if queue_store.online(tx, runner, sync.offer, turn.now):
            turn.runners.add(runner)
        self._deadlines.drop(("grace", runner))
        self._deadlines.set(("contact", runner), turn.monotonic + self._config.dispatcher.lease_ttl_s)
        outbox.acknowledge(tx, runner, sync.acked_to)
        answers, all_taken = self._take_reports(tx, turn, runner, sync.reports)
        heard, changed = errands.take(tx, runner, sync.errands[:NEWS_MAX], turn.now, self._on_end)
        for errand in changed:
            self._note_errand(errand, turn)
        self._note_idle(self._watch.hear(tx, runner, sync.activity, turn.now), turn)
        self._present.hear(tx, runner, sync.activity, turn.now)
        verdicts = self._reconcile(tx, turn, item, all_taken)
        return SyncAnswer(
            lease_ttl_s=self._config.dispatcher.lease_ttl_s,
            verdicts=tuple(verdicts),
            reports=tuple(answers),
            errands=heard,
        )

    def _note_terms(
        self, tx: Tx, run_ids: Collection[str] | None, turn: Turn, not_before: datetime | None = None
    ) -> None:
        """When these runs (for None all) pause by themselves, and when their owners hear of it before."""
        terms = runs_store.terms(tx, run_ids)
        watched = list(terms) if run_ids is None else run_ids
        self._watch.know(watched, terms)
        warn = timedelta(seconds=self._config.culling.warn_s)
        for run_id in watched:
            ends_at = terms[run_id].ends_at if run_id in terms else None
            soon = ends_at - warn if ends_at is not None and ends_at - warn > turn.now else None
            self._deadlines.at(("lifetime", run_id), ends_at, turn.now, turn.monotonic)
            self._deadlines.at(("ending", run_id), soon, turn.now, turn.monotonic)
        self._note_idle(watched, turn, not_before)

    def _note_idle(self, run_ids: Iterable[str], turn: Turn, not_before: datetime | None = None) -> None:
        for run_id in run_ids:
            moment = self._watch.due_at(run_id)
            if moment is not None and not_before is not None:
                moment = max(moment, not_before)
            self._deadlines.at(("idle", run_id), moment, turn.now, turn.monotonic)

    def _note_errand(self, errand: AskedErrand, turn: Turn) -> None:
        moment = errand.expires_at if errand.is_open else None
        self._deadlines.at(("errand", errand.id), moment, turn.now, turn.monotonic)
        turn.errands[errand.id] = errand.account

    def _take_reports(
        self, tx: Tx, turn: Turn, runner: str, reports: Iterable[Report]
    ) -> tuple[list[ReportAnswer], bool]:
        """Reports in the order of their numbers, however they arrived; whether every one was answered."""
        ordered = sorted(reports, key=lambda report: (report.run, report.attempt, report.number))
        taken = ordered[: turn.reports_left]
        turn.reports_left -= len(taken)
        turn.more = turn.more or len(taken) < len(ordered)
        answers = runs.take(tx, runner, taken, turn.now, config=self._config)
        if answers:
            turn.runners.add(runner)
            turn.runs.update(answer.run for answer in answers)
        ended = {
            (report.run, report.attempt)
            for report in taken
            if report.kind == "state" and report.state in FINAL
        }
        for batch, seconds in runs_store.durations(tx, ended):
            self._board.lasted(batch, seconds)
        return answers, len(answers) == len(ordered)

    def _reconcile(self, tx: Tx, turn: Turn, item: Incoming, all_taken: bool) -> list[Verdict]:
        verdicts, touched, missing = runs.reconcile(tx, item.runner, item.sync.holding, turn.now)
        turn.runs.update(touched)
        keys = {(trial.run, trial.number) for trial in missing}
        self._missed -= {(held.run, held.attempt) for held in item.sync.holding}
        for trial in missing if all_taken else ():
            if (trial.run, trial.number) in self._missed:
                run = runs_store.standing(tx, trial.run)
                if run is not None and run.attempt == trial.number:
                    runs.lose(tx, run, trial, turn.now, self._config, "its runner does not have it any more")
                else:
                    queue.release(tx, trial.run, trial.number, item.runner)
                turn.runs.add(trial.run)
                turn.runners.add(item.runner)
        self._missed |= keys
        if item.sync.offer.draining or self._is_draining(item.runner):
            unstarted = [(held.run, held.attempt) for held in item.sync.holding if not held.started]
            queue.recall(tx, item.runner, unstarted[:RECALLS_MAX], turn.now)
        return verdicts

    def _is_draining(self, runner: str) -> bool:
        offer = self._board.offers.get(runner)
        return offer is not None and offer.draining

    def _miss(self, tx: Tx, turn: Turn, runner: str) -> None:
        """A runner has not synced for a whole TTL."""
        queue_store.offline(tx, runner)
        self._note_idle(self._watch.silent(tx, runner, turn.now), turn)
        self._present.silent(tx, runner, turn.now)
        touched, more = runs.silent(tx, runner, turn.now, self._config)
        turn.runs.update(touched)
        turn.runners.add(runner)
        if more:
            self._deadlines.set(("contact", runner), turn.monotonic)
            return
        settings = self._config.dispatcher
        grace_s = max(0.0, settings.unreachable_grace_s - settings.lease_ttl_s)
        self._deadlines.set(("grace", runner), turn.monotonic + grace_s)
        log.warning("runner.silent", runner=runner)

    def _welcome(self, tx: Tx, turn: Turn, account_id: str) -> None:
        """Whatever goes wrong with homes, the account is there."""
        try:
            with tx.begin_nested():
                homes.welcome(tx, account_id, turn.now, self._config)
        except Exception as error:
            log.error("homes.not_made", account=account_id, exc_info=error)

    def _note_due(self, due: Iterable[queue_store.Due], turn: Turn) -> None:
        for item in due:
            key: Key = ("retry", item.waiting.run)
            self._deadlines.at(key, item.not_before, turn.now, turn.monotonic)

    def _wait_again(self, tx: Tx, run_id: str) -> None:
        for item in queue_store.waiting(tx, [run_id]):
            self._board.wait(item.waiting)

    def _revoke(self, tx: Tx, turn: Turn, key: str) -> None:
        kind, _, name = key.partition(":")
        if kind == "account":
            turn.told.update(grants.revoke_account(tx, name, turn.now))
            files.lock_out(tx, name, turn.now)
        elif kind == "run":
            turn.told.update(grants.revoke(tx, [name], None, turn.now))

    def _purge_files(self) -> None:
        """Files go after the rows are gone for certain; a crash in between leaves files nobody refers to."""
        while self._to_remove:
            run_id, hashes = self._to_remove.pop()
            logs.remove(self._config.data_dir / "logs", run_id)
            with self._hub.database.read() as tx:
                unused = [key for key in hashes if not artifacts_store.is_referred_to(tx, key)]
            for key in unused:
                artifacts_store.blob(self._config.data_dir / "blobs", key).unlink(missing_ok=True)
