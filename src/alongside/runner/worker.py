"""The runner: holds leases, carries out attempts, and tells the hub everything until it has heard it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import importlib
import os
import random
import signal
import socket
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import structlog

from alongside import values
from alongside.config import Config, RunnerSettings
from alongside.errors import EpochStale, Misconfigured, Problem, Unavailable
from alongside.runner.attempts import Attempt, Surroundings
from alongside.runner.disk import read_json, write_json
from alongside.runner.downloads import Downloads
from alongside.runner.edge_client import EdgeClient
from alongside.runner.executors import Executor
from alongside.runner.homes import Homes
from alongside.runner.hub_client import HubClient
from alongside.runner.spool import AttemptRecord, Ending, Spool
from alongside.runner.staging import Staging
from alongside.runner.ways import EdgeWays
from alongside.spec.runs import ReasonCode
from alongside.spec.sites import Capacity, ExecutorStatus
from alongside.spec.wire import (
    Assignment,
    DatasetMount,
    Offer,
    OutboxItem,
    Registration,
    Report,
    Session,
    Sync,
    SyncAnswer,
)

log = structlog.get_logger()

#: reports that one sync carries
REPORTS_MAX = 400
#: several things that happen together go in one sync
GATHER_S = 0.01
AWAY_FIRST_S = 0.2
AWAY_MAX_S = 5.0
PAUSE_S = 25.0
LAST_WORDS_S = 3.0


def main(config: Config) -> int:
    """Run until SIGTERM, which leaves tools running, or SIGINT, which stops them first."""
    return asyncio.run(_main(config))


async def _main(config: Config) -> int:
    worker = Worker(config)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, worker.leave)
    loop.add_signal_handler(signal.SIGINT, worker.shut_down)
    await worker.run()
    return 0


class Worker:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.settings = config.runner
        self.work_dir = Path(self.settings.work_dir or config.data_dir / "runner").absolute()
        self.work_dir.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._lock = _lock(self.work_dir)
        self.spool = Spool(self.work_dir)
        self.executors: dict[str, Executor] = {}
        self.unusable: list[ExecutorStatus] = []
        self.attempts: dict[str, Attempt] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.lanes: dict[str, deque[Attempt]] = {}
        self.draining = False
        self.session: Session | None = None
        self._news = asyncio.Event()
        self._leaving = asyncio.Event()
        self._pausing = asyncio.Event()
        self._others: set[asyncio.Task[None]] = set()

    def leave(self) -> None:
        if not self._pausing.is_set():
            self._leaving.set()

    def shut_down(self) -> None:
        self._pausing.set()
        self._leaving.set()

    async def run(self) -> None:
        self.hub = HubClient(self.settings.hub_url)
        edge = EdgeClient(Path(self.settings.edge_control or self.config.control_socket))
        self.ways = EdgeWays(edge)
        downloads = Downloads(self.settings, self.work_dir)
        self.around = Surroundings(
            self.hub,
            Staging(self.settings, downloads),
            Homes(self.settings, self.work_dir),
            self.ways,
            self._news.set,
        )
        loops: list[asyncio.Task[None]] = []
        try:
            self._load_executors()
            self.id, self.token = await self._until_leaving(self._credentials())
            self._recall_session()
            await self._resume()
            loops = [
                asyncio.create_task(loop) for loop in (self._syncing(), self._waiting(), self.ways.tend())
            ]
            leaving = asyncio.create_task(self._leaving.wait())
            done, _ = await asyncio.wait({leaving, *loops}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {leaving}:
                task.result()
            await self._last_acts()
        except _Left:
            pass
        finally:
            for task in (*loops, *self.tasks.values(), *self._others):
                task.cancel()
            await asyncio.gather(*loops, *self.tasks.values(), *self._others, return_exceptions=True)
            for executor in self.executors.values():
                await executor.close()
            await downloads.close()
            await edge.close()
            await self.hub.close()
            self._lock.close()

    def _load_executors(self) -> None:
        for dotted in self.settings.executors:
            kind = dotted.rpartition(".")[2]
            try:
                executor: Executor = importlib.import_module(dotted).create(self.settings, self.work_dir)
            except Exception as error:
                log.exception("executor not loaded", executor=dotted)
                self.unusable.append(
                    ExecutorStatus(kind, available=False, reason=f"cannot be loaded: {error}")
                )
            else:
                self.executors[executor.kind] = executor

    async def _credentials(self) -> tuple[str, str]:
        """Who we are at the hub, registering once with the site's token."""
        path = self.work_dir / "credentials.json"
        if known := read_json(path):
            return known["id"], known["token"]
        if not self.settings.registration_token:
            raise Misconfigured(
                "this runner is not registered yet: set runner.registration_token to a token of its site"
            )
        registration = Registration(
            self.settings.registration_token, self.settings.name or socket.gethostname(), self.settings.labels
        )
        while True:
            try:
                registered = await self.hub.register(registration)
                break
            except Unavailable as error:
                log.info("waiting for the hub", reason=error.detail)
                await asyncio.sleep(1.0)
            except Problem as error:
                raise Misconfigured(f"the hub does not register this runner: {error.detail}") from error
        write_json(path, values.dump(registered) | {"hub_url": self.settings.hub_url})
        log.info("registered", runner=registered.id, site=registered.site)
        return registered.id, registered.token

    async def _resume(self) -> None:
        """Kill what nobody knows, then go on with everything that was held."""
        known = frozenset(self.spool.attempts)
        for executor in self.executors.values():
            try:
                for killed in await executor.orphans(known):
                    log.warning("killed an orphan", executor=executor.kind, attempt=killed)
            except Exception:
                log.exception("orphans not looked for", executor=executor.kind)
        for record in list(self.spool.attempts.values()):
            self._take(record)
        for seq, kind, body in self.spool.orders():
            self._background(self._carry_out(seq, kind, body))

    def _take(self, record: AttemptRecord) -> None:
        """Begin with an attempt, or queue it behind those of its lease."""
        executor = self.executors.get(record.assignment.executor)
        if executor is None:
            self._refuse(record)
            return
        attempt = self.attempts[record.key] = Attempt(record, executor, self.around)
        if attempt.interactive or record.started or record.ending or record.final:
            self._go(attempt)
            return
        lease = record.assignment.lease
        if lease in self.lanes:
            self.lanes[lease].append(attempt)
        else:
            self.lanes[lease] = deque([attempt])
            self._background(self._lane(lease))

    async def _lane(self, lease: str) -> None:
        """The attempts of one lease share its slots, so they run one after the other."""
        lane = self.lanes[lease]
        while lane:
            attempt = lane.popleft()
            self._go(attempt)
            await attempt.ended.wait()
        del self.lanes[lease]

    def _go(self, attempt: Attempt) -> None:
        key = attempt.record.key
        if key not in self.tasks:
            self.tasks[key] = asyncio.create_task(self._run(attempt))

    async def _run(self, attempt: Attempt) -> None:
        record = attempt.record
        try:
            await attempt.run()
        except Exception:
            log.exception("attempt given up", attempt=record.key)
            attempt.ended.set()
            return
        self.attempts.pop(record.key, None)
        self.spool.forget(record)
        self.tasks.pop(record.key, None)

    def _refuse(self, record: AttemptRecord) -> None:
        """An assignment for an executor that is not configured any more."""
        if record.final is None:
            record.report(
                Report(
                    record.assignment.run,
                    record.assignment.attempt,
                    0,
                    "state",
                    datetime.now(UTC),
                    state="system_error",
                    reason_code="internal",
                    reason=f"this runner has no executor {record.assignment.executor!r}",
                )
            )
        self._background(self._forget_when_heard(record))

    async def _forget_when_heard(self, record: AttemptRecord) -> None:
        await record.heard.wait()
        self.spool.forget(record)

    async def _syncing(self) -> None:
        """Speak when there is something to say, and often enough to keep the leases."""
        away_s = AWAY_FIRST_S
        while True:
            try:
                if self.session is None:
                    await self._begin_session()
                assert self.session is not None, "a session was begun"
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), self.session.sync_every_s)
                    await asyncio.sleep(GATHER_S)
                self._news.clear()
                await self._sync(self.session)
                away_s = AWAY_FIRST_S
            except EpochStale:
                # another process has our credentials, or the hub's database was restored
                log.warning("session was superseded")
                self.session = None
                await asyncio.sleep(away_s)
                away_s = min(AWAY_MAX_S, away_s * 2)
            except Problem as error:
                log.warning("hub not reached", reason=error.detail)
                self._end_unreachable()
                self._news.set()
                await asyncio.sleep(away_s * (0.75 + random.random() / 2))
                away_s = min(AWAY_MAX_S, away_s * 2)

    async def _begin_session(self) -> None:
        self.session = await self.hub.session(self.id, self.token)
        write_json(self.work_dir / "session.json", values.dump(self.session))
        self.ways.trust(self.session.hub_public_key)
        self._in_contact()
        self._news.set()

    async def _sync(self, session: Session) -> None:
        records = self.spool.attempts.values()
        sync = Sync(
            epoch=session.epoch,
            offer=await self._offer(),
            holding=tuple(record.holding() for record in records if record.open),
            reports=tuple(self.spool.pending(REPORTS_MAX)),
            acked_to=self.spool.acked_to,
            activity={run: seen for run, seen in self.ways.activity.items() if seen.get("at")},
        )
        answer = await self.hub.sync(self.id, self.token, sync)
        self._in_contact()
        self._believe(sync, answer)

    def _believe(self, sync: Sync, answer: SyncAnswer) -> None:
        answered: dict[str, set[int]] = {}
        for item in answer.reports:
            answered.setdefault(f"{item.run}-{item.attempt}", set()).add(item.number)
            if not item.accepted:
                log.warning("report refused", run=item.run, number=item.number, reason=item.reason)
        for key, numbers in answered.items():
            if record := self.spool.attempts.get(key):
                record.answer(numbers)
        if answered and self.spool.pending(1):
            self._news.set()
        for item in sorted(answer.outbox, key=lambda item: item.seq):
            if item.seq > self.spool.acked_to:
                self._accept(item)
                self._news.set()
        for verdict in answer.verdicts:
            attempt = self.attempts.get(f"{verdict.run}-{verdict.attempt}")
            if verdict.verdict == "kill" and attempt and attempt.record.final is None:
                self._end(attempt, Ending("kill", None, verdict.reason))

    def _accept(self, item: OutboxItem) -> None:
        """Make an order durable, acknowledge it, and begin with it."""
        try:
            if item.kind == "assign":
                record = self.spool.add(values.load(Assignment, item.body))
                self.spool.ack(item.seq)
                if record.key not in self.attempts:
                    self._take(record)
            elif item.kind in ("cancel", "stop"):
                attempt = self.attempts.get(f"{item.body['run']}-{item.body['attempt']}")
                if attempt:
                    code = item.body.get("reason_code")
                    known = code if code in get_args(ReasonCode) else None
                    kind = "stop" if item.kind == "stop" else "cancel"
                    self._end(attempt, Ending(kind, known, item.body.get("reason") or ""))
                self.spool.ack(item.seq)
            else:
                self.spool.order(item.seq, item.kind, item.body)
                self.spool.ack(item.seq)
                self._background(self._carry_out(item.seq, item.kind, item.body))
        except (Problem, KeyError) as error:
            # a hub that is newer than we are; without the ack it would say so forever
            log.error("order not understood", seq=item.seq, kind=item.kind, reason=str(error))
            self.spool.ack(item.seq)

    def _end(self, attempt: Attempt, ending: Ending) -> None:
        for lane in self.lanes.values():
            with contextlib.suppress(ValueError):
                lane.remove(attempt)
        attempt.end(ending)
        self._go(attempt)

    async def _carry_out(self, seq: int, kind: str, body: dict[str, Any]) -> None:
        if kind == "revoke":
            await self._revoke(body)
        attempt = self.attempts.get(f"{body.get('run')}-{body.get('attempt')}")
        if attempt and kind in ("attach", "detach"):
            await _either(attempt.begun, attempt.ended)
            if not attempt.ended.is_set() and kind == "attach":
                await attempt.attach(values.load(DatasetMount, body["mount"]), body["action"])
            elif not attempt.ended.is_set():
                await attempt.detach(body["name"], body["action"])
        self.spool.done(seq)

    async def _revoke(self, body: dict[str, Any]) -> None:
        while True:
            try:
                await self.ways.revoke(body["run"], body.get("grantee"))
                return
            except Unavailable:
                await asyncio.sleep(1.0)
            except Problem as error:
                log.info("nothing to revoke", run=body.get("run"), reason=error.detail)
                return

    async def _waiting(self) -> None:
        """Parked at the hub; hears that there is something, never what."""
        while True:
            try:
                if self.session is None:
                    await asyncio.sleep(AWAY_FIRST_S)
                    continue
                seq = await self.hub.wait(self.id, self.token, self.spool.acked_to)
                if seq > self.spool.acked_to:
                    self._news.set()
                    await asyncio.sleep(GATHER_S * 2)
            except Problem:
                await asyncio.sleep(1.0)

    async def _offer(self) -> Offer:
        found = list(self.unusable)
        for executor in self.executors.values():
            try:
                found.append(await executor.status())
            except Exception as error:
                log.exception("executor has no status", executor=executor.kind)
                found.append(ExecutorStatus(executor.kind, available=False, reason=str(error)))
        return Offer(self.settings.labels, tuple(found), capacity(self.settings), self.draining)

    def _recall_session(self) -> None:
        """How long the hub was silent before we were restarted counts too."""
        last = read_json(self.work_dir / "session.json")
        self._grace_s: float = last["unreachable_grace_s"] if last else float("inf")
        try:
            silent_s = max(0.0, time.time() - (self.work_dir / "contact").stat().st_mtime)
        except FileNotFoundError:
            silent_s = 0.0
        self._contact = time.monotonic() - silent_s

    def _in_contact(self) -> None:
        self._contact = time.monotonic()
        (self.work_dir / "contact").touch()
        if self.session:
            self._grace_s = self.session.unreachable_grace_s

    def _end_unreachable(self) -> None:
        """Before the hub starts them elsewhere: an interactive run never exists twice."""
        silent_s = time.monotonic() - self._contact
        if silent_s <= self._grace_s - min(30.0, self._grace_s / 10):
            return
        for attempt in list(self.attempts.values()):
            if attempt.interactive and attempt.record.final is None and attempt.record.ending is None:
                reason = f"the site had no contact to the hub for {silent_s:.0f} s"
                self._end(attempt, Ending("stop", "unreachable", reason))

    async def _last_acts(self) -> None:
        """Stop tools if that was asked for, and say what is left to say if the hub listens."""
        held = [attempt for attempt in self.attempts.values() if attempt.record.final is None]
        if self._pausing.is_set():
            self.draining = True
            for attempt in held:
                self._end(attempt, Ending("stop", "site_shutdown", "the site was shut down"))
            waits = [asyncio.create_task(attempt.ended.wait()) for attempt in held]
            if waits:
                await asyncio.wait(waits, timeout=PAUSE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                while self.spool.pending(1) and self.session:
                    self._news.set()
                    await asyncio.sleep(0.05)

    async def _until_leaving(self, work: Any) -> Any:
        task = asyncio.ensure_future(work)
        leaving = asyncio.create_task(self._leaving.wait())
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            raise _Left
        return task.result()

    def _background(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._others.add(task)
        task.add_done_callback(self._others.discard)


class _Left(Exception):
    """Asked to leave before there was anything to do."""


def capacity(settings: RunnerSettings) -> Capacity:
    """What this machine offers, unless the configuration says otherwise."""
    memory = settings.memory_gb or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return Capacity(settings.cpus or float(len(os.sched_getaffinity(0))), round(memory, 2))


def _lock(work_dir: Path) -> Any:
    file = (work_dir / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise Misconfigured(
            f"another runner uses {work_dir}; give each one its own runner.work_dir"
        ) from None
    return file


async def _either(one: asyncio.Event, other: asyncio.Event) -> None:
    tasks = {asyncio.create_task(one.wait()), asyncio.create_task(other.wait())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
