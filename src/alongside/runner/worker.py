"""The runner: its rooms put together, from its start to its end.

`contact` speaks with the hub, `orders` does what it says, `holdings` has the attempts under way.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import importlib
import os
import signal
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

import structlog

from alongside.config import Config, RunnerSettings
from alongside.errors import Misconfigured
from alongside.runner.allowance import Allowance
from alongside.runner.attempts import Attempt
from alongside.runner.contact import Contact
from alongside.runner.downloads import Downloads
from alongside.runner.drives import DriveKeys
from alongside.runner.edge_client import EdgeClient
from alongside.runner.enrolment import credentials
from alongside.runner.errands import Errands, Handler
from alongside.runner.executors import Executor
from alongside.runner.held import Surroundings
from alongside.runner.holdings import Holdings
from alongside.runner.home_errands import HomeErrands
from alongside.runner.homes import Homes
from alongside.runner.hub_client import HubClient
from alongside.runner.image_errands import ImageErrands
from alongside.runner.lookout import Lookout
from alongside.runner.orders import Orders
from alongside.runner.sealing import STORE, Sealing
from alongside.runner.shell.door import ShellDoor
from alongside.runner.shell.listening import PortWatch
from alongside.runner.spool import Ending, Spool
from alongside.runner.staging import Staging
from alongside.runner.ways import EdgeWays
from alongside.spec.sites import Capacity, ExecutorStatus
from alongside.spec.wire import Offer

T = TypeVar("T")

log = structlog.get_logger()

PAUSE_S = 25.0
LAST_WORDS_S = 3.0
#: more at once makes each of them, and the last, slower
STARTS_PER_CORE = 4


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
        self.holdings = Holdings(self.spool, self.executors)
        self.draining = False
        self._news = asyncio.Event()
        self._leaving = asyncio.Event()
        self._pausing = asyncio.Event()

    @property
    def attempts(self) -> dict[str, Attempt]:
        return self.holdings.attempts

    def leave(self) -> None:
        if not self._pausing.is_set():
            self._leaving.set()

    def shut_down(self) -> None:
        self._pausing.set()
        self._leaving.set()

    async def run(self) -> None:
        hub = HubClient(self.settings.hub_url)
        edge = EdgeClient(Path(self.settings.edge_control or self.config.control_socket))
        ways = EdgeWays(edge)
        downloads = Downloads(self.settings, self.work_dir)
        staging, homes = (
            Staging(self.settings, downloads, self.work_dir / STORE),
            Homes(self.settings, self.work_dir),
        )
        self.holdings.around = Surroundings(
            hub, staging, homes, ways, self._news.set, lambda: self.spool.terse
        )
        allowance = Allowance(self.spool, self.settings.spool_max_bytes)
        errands = Errands(self.work_dir, self._errand_handlers(edge, homes), self._news.set)
        orders = Orders(self.spool, self.holdings, homes, ways, errands)
        shells, watch = ShellDoor(self.work_dir, self.holdings), PortWatch(self.holdings)
        lookout = Lookout(self.holdings, ways, self.config.culling.look_s)
        lookout.shells = shells.open_in
        loops: list[asyncio.Task[None]] = []
        try:
            loaded, self.unusable = load_executors(self.settings, self.work_dir)
            self.executors.update(loaded)
            who = await self._until_leaving(credentials(self.settings, self.work_dir, hub))
            contact = Contact(
                hub, who, self.spool, orders, ways, downloads, self._offer, self._news, lookout.activity
            )
            ways.work = {
                "runner": who.id,
                "work_dir": str(self.work_dir),
                "data_roots": [str(root) for root in staging.roots],
            }
            await self.holdings.resume()
            orders.resume()
            await shells.start()
            loops += [
                asyncio.create_task(loop)
                for loop in (
                    contact.speak(),
                    contact.listen(),
                    ways.tend(),
                    allowance.tend(),
                    lookout.tend(),
                    watch.tend(),
                )
            ]
            leaving = asyncio.create_task(self._leaving.wait())
            done, _ = await asyncio.wait({leaving, *loops}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {leaving}:
                task.result()
            await self._last_acts(contact)
        except _Left:
            pass
        finally:
            for task in loops:
                task.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await shells.stop()
            await orders.let_go()
            await self.holdings.let_go()
            for executor in self.executors.values():
                await executor.close()
            await downloads.close()
            await edge.close()
            await hub.close()
            self._lock.close()

    def _errand_handlers(self, edge: EdgeClient, homes: Homes) -> dict[str, Handler]:
        """What the hub may ask of this site beside runs, by kind."""
        sealing = Sealing(self.work_dir)
        home = HomeErrands(homes, self.holdings.uses_home).carry_out
        return {
            "home": home,
            "seal": sealing.seal,
            "unseal": sealing.unseal,
            "drive": DriveKeys(edge).carry,
            "image": ImageErrands(self.executors).pull,
        }

    async def _offer(self) -> Offer:
        found = [*self.unusable, *[await _status(executor) for executor in self.executors.values()]]
        return Offer(self.settings.labels, tuple(found), capacity(self.settings), self.draining)

    async def _last_acts(self, contact: Contact) -> None:
        """Stop tools if that was asked for, and say what is left to say if the hub listens."""
        if self._pausing.is_set():
            self.draining = True
            held = self.holdings.unfinished()
            for attempt in held:
                self.holdings.end(attempt, Ending("stop", "site_shutdown", "the site was shut down"))
            waits = [asyncio.create_task(attempt.ended.wait()) for attempt in held]
            if waits:
                await asyncio.wait(waits, timeout=PAUSE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                while self.spool.pending(1) and contact.session:
                    self._news.set()
                    await asyncio.sleep(0.05)

    async def _until_leaving(self, work: Awaitable[T]) -> T:
        task = asyncio.ensure_future(work)
        leaving = asyncio.create_task(self._leaving.wait())
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            raise _Left
        return task.result()


class _Left(Exception):
    """Asked to leave before there was anything to do."""


def load_executors(
    settings: RunnerSettings, work_dir: Path
) -> tuple[dict[str, Executor], list[ExecutorStatus]]:
    """The executors of the settings by their kinds, and why the others are none."""
    loaded: dict[str, Executor] = {}
    unusable: list[ExecutorStatus] = []
    for dotted in settings.executors:
        kind = dotted.rpartition(".")[2]
        try:
            executor: Executor = importlib.import_module(dotted).create(settings, work_dir)
        except Exception as error:
            log.exception("executor not loaded", executor=dotted)
            unusable.append(ExecutorStatus(kind, available=False, reason=f"cannot be loaded: {error}"))
        else:
            loaded[executor.kind] = executor
    return loaded, unusable


def statuses(config: Config) -> list[ExecutorStatus]:
    """What the executors of these settings say, asked without a runner: for a look at the machine."""

    async def ask(work_dir: Path) -> list[ExecutorStatus]:
        loaded, found = load_executors(config.runner, work_dir)
        for executor in loaded.values():
            found.append(await _status(executor))
            await executor.close()
        return found

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(ask(Path(folder)))


async def _status(executor: Executor) -> ExecutorStatus:
    try:
        return await executor.status()
    except Exception as error:
        log.exception("executor has no status", executor=executor.kind)
        return ExecutorStatus(executor.kind, available=False, reason=str(error))


def capacity(settings: RunnerSettings) -> Capacity:
    """What this machine offers, unless the configuration says otherwise."""
    memory = settings.memory_gb or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    cores = len(os.sched_getaffinity(0))
    starts = settings.starts_max or STARTS_PER_CORE * cores
    return Capacity(settings.cpus or float(cores), round(memory, 2), starts=starts)


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
