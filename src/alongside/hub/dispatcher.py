"""The hub's waiting side: one leader that turns the clockwork and answers at the live doors.

What happens in a turn is listed in `clockwork`; here are only the loop, the threads and the sockets.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar

import structlog
from aiohttp import web

from alongside import logs
from alongside.config import Config, environment_name
from alongside.errors import Misconfigured, Problem, Unavailable
from alongside.hub import keyring, runs
from alongside.hub.accounts import Passwords
from alongside.hub.clockwork import Clockwork, Incoming, Turn
from alongside.hub.delivering import Postman
from alongside.hub.doors import Hub
from alongside.hub.live import desk, events, oidc, runners
from alongside.hub.live import runs as live_runs
from alongside.hub.live.broadcast import Broadcast, Hint
from alongside.hub.store import changes, leadership, migrate, outbox
from alongside.hub.store.database import Database, Tx
from alongside.hub.store.leadership import LeadershipLost
from alongside.spec.wire import SyncAnswer

T = TypeVar("T")

#: syncs that share one transaction
SYNCS_MAX = 32
#: how often a dispatcher that stands by tries to lead
STAND_BY_S = 0.5
#: events may be committed in another order than they are numbered (PostgreSQL): look back so far
LOOK_BACK = 200
TOLD_MAX = 1000
BODY_MAX_BYTES = 16 << 20
#: what a provider sends back with somebody who signs in stands in the address
LINE_MAX_BYTES = 64 << 10
STOP_WITHIN_S = 2.0
#: pause after a turn that the store did not take
FAILED_S = 1.0

log = structlog.get_logger("alongside.dispatcher")


def main(config: Config) -> None:
    """Lead, or stand by until the leader is gone, until SIGTERM or SIGINT.

    Raises:
        Misconfigured: the port is taken, or the database's schema is not this version's.
    """
    logs.configure(config.log, "dispatcher")
    database = Database(config.database_url)
    try:
        migrate.check(database)
        hub = Hub(
            config=config,
            database=database,
            clock=lambda: datetime.now(UTC),
            keyring=keyring.opened(config.data_dir / "keys"),
            passwords=Passwords(),
        )
        asyncio.run(_serve(hub))
    finally:
        database.close()


async def _serve(hub: Hub) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    while not stopping.is_set():
        unlock = await _leader_lock(hub, stopping)
        if unlock is None:
            return
        try:
            await lead(hub, stopping)
        except LeadershipLost as error:
            log.warning("leadership.lost", reason=str(error))
        finally:
            unlock()


async def _leader_lock(hub: Hub, stopping: asyncio.Event) -> Callable[[], None] | None:
    said = False
    while not stopping.is_set():
        unlock = leadership.try_lock(hub.database)
        if unlock is not None:
            return unlock
        if not said:
            log.info("standing.by")
            said = True
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), STAND_BY_S)
    return None


async def lead(hub: Hub, stopping: asyncio.Event, *, listening: asyncio.Future[int] | None = None) -> None:
    """Begin an epoch, open the doors and turn until told to stop. `listening` gets the port.

    Raises:
        LeadershipLost: another dispatcher began a later epoch.
        Misconfigured: the port is taken.
    """
    with hub.database.write() as tx:
        epoch = leadership.take(tx, f"{socket.gethostname()}:{os.getpid()}", hub.clock())
    dispatcher = Dispatcher(hub, epoch)
    runner = web.AppRunner(
        application(dispatcher),
        access_log=None,
        shutdown_timeout=STOP_WITHIN_S,
        handler_cancellation=True,
        max_line_size=LINE_MAX_BYTES,
    )
    await runner.setup()
    turning = asyncio.create_task(dispatcher.turn_until_closed())
    delivering = asyncio.create_task(dispatcher.postman.deliver_until_canceled())
    try:
        port = await _listen(runner, hub.config)
        log.info("leading", epoch=epoch, port=port)
        if listening is not None:
            listening.set_result(port)
        stopped = asyncio.create_task(stopping.wait())
        done, _ = await asyncio.wait({turning, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if turning in done:
            turning.result()
    finally:
        dispatcher.broadcast.close()
        await runner.cleanup()
        delivering.cancel()
        turning.cancel()
        with suppress(asyncio.CancelledError):
            await delivering
        with suppress(asyncio.CancelledError, LeadershipLost):
            await turning
        dispatcher.close()


def application(dispatcher: Dispatcher) -> web.Application:
    """The live doors before a dispatcher."""
    app = web.Application(middlewares=[desk.tell_problems], client_max_size=BODY_MAX_BYTES)
    app[desk.DESK] = dispatcher
    app.add_routes([*runners.ROUTES, *live_runs.ROUTES, *events.ROUTES])
    oidc.install(app, dispatcher.hub)
    return app


async def _listen(runner: web.AppRunner, config: Config) -> int:
    host, port = config.dispatcher.host, config.dispatcher.port
    site = web.TCPSite(runner, host, port, reuse_address=True)
    try:
        await site.start()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        setting = "dispatcher.port"
        raise Misconfigured(
            f"port {port} on {host} is taken by another program; "
            f"choose another with {setting} ({environment_name(setting)})",
            setting=setting,
        ) from None
    return runner.addresses[0][1]


class Dispatcher:
    """The loop around the clockwork. All its methods are called from the event loop.

    One thread writes, so that syncs which arrive together share a commit, and no writer of this
    process waits for another.
    """

    def __init__(self, hub: Hub, epoch: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.hub = hub
        self.broadcast = Broadcast()
        self.postman = Postman(self)
        self._monotonic = monotonic
        self._clockwork = Clockwork(hub, epoch)
        self._writer = ThreadPoolExecutor(1, "writer")
        self._files = ThreadPoolExecutor(1, "files")
        self._waiting: list[tuple[Incoming, asyncio.Future[SyncAnswer]]] = []
        self._nudge = asyncio.Event()
        self._seqs: dict[str, int] = {}
        self._grown: dict[str, asyncio.Event] = {}
        self._look, self._close_hint = changes.hint(hub.database)
        self._told_to = 0
        self._told: set[int] = set()
        # SQLite's writers take turns, so what they number comes in order.
        self._look_back = 0 if hub.database.is_sqlite else LOOK_BACK

    def close(self) -> None:
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(Unavailable("the dispatcher is closing"))
        self._close_hint()
        self._writer.shutdown()
        self._files.shutdown()

    async def sync(self, incoming: Incoming) -> SyncAnswer:
        future: asyncio.Future[SyncAnswer] = asyncio.get_running_loop().create_future()
        self._waiting.append((incoming, future))
        self._nudge.set()
        return await future

    async def newest(self, runner: str, after: int, within_s: float) -> int:
        if runner not in self._seqs:
            known = await self.read(lambda tx: outbox.last(tx, [runner]))
            self._seqs.setdefault(runner, known.get(runner, 0))
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._seqs[runner] <= after:
                    await self._grown.setdefault(runner, asyncio.Event()).wait()
        return self._seqs[runner]

    async def read(self, look: Callable[[Tx], T]) -> T:
        def work() -> T:
            with self.hub.database.read() as tx:
                return look(tx)

        return await asyncio.to_thread(work)

    async def write(self, act: Callable[[Tx], T]) -> T:
        def work() -> T:
            with self.hub.database.write() as tx:
                return act(tx)

        result = await asyncio.get_running_loop().run_in_executor(self._writer, work)
        self._nudge.set()
        return result

    async def file(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._files, act)

    async def turn_until_closed(self) -> None:
        """
        Raises:
            LeadershipLost: somebody else's turn.
        """
        self._told_to = await self.read(runs.newest_event)
        self._told = set(range(self._told_to - self._look_back, self._told_to + 1))
        tick_s, more, carried = self.hub.config.dispatcher.tick_ms / 1000, False, False
        while True:
            if not more:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._nudge.wait(), tick_s)
            self._nudge.clear()
            changed = await self._changed() or carried
            carried = False
            due = more or self._waiting or self._clockwork.is_due(self._monotonic())
            # Our own commits change the database too; most of the time there is nothing to consume.
            if due or (changed and await self.read(changes.pending)):
                more = await self._turn()
                # What this turn wrote is told now; what others wrote meanwhile, in the next one.
                carried = await self._changed()
            if changed or carried:
                await self._tell()

    async def _changed(self) -> bool:
        if self.hub.database.is_sqlite:
            return self._look()
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._look)

    async def _turn(self) -> bool:
        batch = [entry for entry in self._waiting[:SYNCS_MAX] if not entry[1].done()]
        del self._waiting[:SYNCS_MAX]
        incoming = [item for item, _ in batch]
        try:
            turn = await asyncio.get_running_loop().run_in_executor(
                self._writer, self._clockwork.turn, incoming, self.hub.clock(), self._monotonic()
            )
        except BaseException:
            for _, future in batch:
                if not future.done():
                    future.set_exception(Unavailable("this dispatcher does not lead any more"))
            raise
        for (_, future), answer in zip(batch, turn.answers, strict=True):
            # A runner that hung up asks again: what it was to be told is in its outbox.
            if future.done():
                continue
            if isinstance(answer, Problem):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        if turn.failed:
            # A full disk stays full for a while: do not fill the log with it as well.
            await asyncio.sleep(FAILED_S)
        self._wake(turn)
        return turn.more or bool(self._waiting)

    def _wake(self, turn: Turn) -> None:
        for runner, seq in turn.seqs.items():
            if seq != self._seqs.get(runner):
                self._seqs[runner] = seq
                self._grown.pop(runner, asyncio.Event()).set()
        for change in turn.heard:
            if change.kind in {"dataset", "runner", "tool"}:
                self.broadcast.publish(Hint(change.kind, change.key))
            elif change.kind == "notice":
                self.broadcast.publish(Hint("notice", change.key, change.key))
            elif change.kind == "delivery":
                self.postman.nudge()
        for errand, account in turn.errands.items():
            self.broadcast.publish(Hint("errand", errand, account))
        for runner in turn.runners:
            self.broadcast.publish(Hint("runner", runner))

    async def _tell(self) -> None:
        """Pass on what has happened to runs since the last time, whoever wrote it."""
        full = True
        while full:
            after = max(0, self._told_to - self._look_back)
            told = await self.read(lambda tx, after=after: runs.history(tx, after, limit=TOLD_MAX))
            full = len(told) == TOLD_MAX
            for item in told:
                if item.event.seq not in self._told:
                    self._pass_on(item)
                    self._told.add(item.event.seq)
            if told:
                self._told_to = max(self._told_to, told[-1].event.seq)
                self._told = {seq for seq in self._told if seq > self._told_to - self._look_back}

    def _pass_on(self, item: runs.Told) -> None:
        event = item.event
        self.broadcast.publish(Hint("run", event.run, item.account, {"event": event.kind}))
        if event.kind == "action":
            self.broadcast.publish(Hint("action", event.run, item.account))
