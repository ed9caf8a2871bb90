"""Tasks through a real dispatcher: queued, placed, assigned, started, completed, all of it durable.

The dispatcher is a process of its own over SQLite (WAL, synchronous=FULL). The runner is the scripted
double of the tests over HTTP: it starts and completes at once whatever it is given, so that what is
measured is the hub. Queueing is not measured: it is the hub's web side that does it.

Claim (issue 2): at least 1,000 tasks per second on an idle machine of two cores.

    python bench/dispatch_hub.py [--tasks 2000] [--runners 1] [--cpus 64]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from alongside.hub import runs
from alongside.hub.doors import Hub
from alongside.hub.store.database import MAX_ROWS
from alongside.spec.accounts import Caller, Limits
from alongside.spec.runs import RunRequest
from support import catalog, people
from support.dispatchers import DispatcherProcess, LiveRunner, free_port
from support.hubs import make_hub
from support.runner_double import RunnerDouble

LIMIT_PER_S = 1000.0
#: about eight rows per run
REQUESTS_PER_COMMIT = MAX_ROWS // 8
WITHIN_S = 600.0


@dataclass
class Figures:
    seconds: float
    syncs: int
    waits: int
    dispatcher_cpu_s: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--runners", type=int, default=1)
    parser.add_argument("--cpus", type=float, default=64, help="of each runner; a task takes one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Path(folder), options.tasks, options.runners, options.cpus))
    rate = options.tasks / figures.seconds
    say(f"{options.tasks} tasks, {options.runners} runner(s): {figures.seconds:.2f} s")
    say(f"{rate:,.0f} tasks/s; {figures.syncs} syncs, {figures.waits} waits, "
        f"{(figures.syncs + figures.waits) / options.tasks:.3f} round trips per task")  # fmt: skip
    say(f"dispatcher: {figures.dispatcher_cpu_s * 1e3 / options.tasks:.2f} ms of processor time per task")
    holds = rate >= LIMIT_PER_S
    say(f"at least {LIMIT_PER_S:,.0f} tasks/s: {'holds' if holds else 'DOES NOT HOLD'}")
    return 0 if holds else 1


async def measure(folder: Path, tasks: int, count: int, cpus: float) -> Figures:
    hub = make_hub(folder, lambda: datetime.now(UTC))
    with hub.database.write() as tx:
        who = people.person(tx, hub.clock(), "admin", "admin", limits=Limits(tasks + 1, 1e9, 1e9))
        catalog.tool(tx, who, "count", hub.clock(), kind="task")
        catalog.site(tx, "lab", hub.clock())
        joined = [catalog.runner(tx, "lab", f"r{number}", hub.clock()) for number in range(count)]
    queue(hub, who, tasks)
    doubles = [RunnerDouble(item, cpus=cpus, memory_gb=1e6) for item in joined]
    dispatcher = DispatcherProcess(folder, free_port(), wait_s=1.0)
    dispatcher.start()
    try:
        await dispatcher.until_leading()
        async with aiohttp.ClientSession() as http:
            all_done = asyncio.Event()
            left = Left(tasks, all_done)
            live = [Eager(LiveRunner(double, dispatcher.url, http), left) for double in doubles]
            for runner in live:
                await runner.live.session()
            before, begun = processor_s(dispatcher.process.pid), time.perf_counter()
            async with asyncio.timeout(WITHIN_S):
                working = [asyncio.create_task(runner.work()) for runner in live]
                await all_done.wait()
            seconds = time.perf_counter() - begun
            spent = processor_s(dispatcher.process.pid) - before
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
    finally:
        dispatcher.stop()
    with hub.database.read() as tx:
        complete = runs.listing(tx, who, states=["complete"], limit=tasks + 1)
    hub.database.close()
    assert len(complete) == tasks, f"{len(complete)} of {tasks} are complete"
    return Figures(seconds, sum(r.syncs for r in live), sum(r.waits for r in live), spent)


def queue(hub: Hub, who: Caller, tasks: int) -> None:
    for first in range(0, tasks, REQUESTS_PER_COMMIT):
        with hub.database.write() as tx:
            for _ in range(first, min(tasks, first + REQUESTS_PER_COMMIT)):
                runs.request(tx, who, RunRequest("count"), hub.clock(), config=hub.config)


class Left:
    """Tasks that are not done yet."""

    def __init__(self, tasks: int, none: asyncio.Event) -> None:
        self.tasks = tasks
        self.none = none

    def less(self, count: int) -> None:
        self.tasks -= count
        if self.tasks == 0:
            self.none.set()


class Eager:
    """A runner whose tasks take no time: it says of each in one sync that it began and that it is done."""

    def __init__(self, live: LiveRunner, left: Left) -> None:
        self.live = live
        self.left = left
        self.syncs = self.waits = 0

    async def work(self) -> None:
        double = self.live.double
        while True:
            answer = await self.live.sync()
            self.syncs += 1
            self.left.less(sum(item.number == 2 and item.accepted for item in answer.reports))
            fresh = [run for (run, _), held in double.held.items() if not held.started]
            for run in fresh:
                double.start(run)
                double.finish(run, exit_code=0, body={"log_bytes": 0})
            if not double.spool:
                await self.live.wait(double.acked_to)
                self.waits += 1


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
