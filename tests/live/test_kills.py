"""kill -9 of real dispatcher processes while a scripted runner works: nothing lost, nothing done twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import aiohttp
import pytest

from support.dispatchers import DispatcherProcess, LiveRunner, Refused, free_port
from support.houses import House

TTL_S = 2.0


@pytest.fixture
def dispatchers(house: House) -> Iterator[list[DispatcherProcess]]:
    """Two on one data folder, not started."""
    port, folder = free_port(), house.hub.config.data_dir
    both = [DispatcherProcess(folder, port, lease_ttl_s=TTL_S, wait_s=0.5, retries=0) for _ in range(2)]
    yield both
    for process in both:
        process.stop()


async def test_killed_again_and_again_it_neither_loses_a_task_nor_runs_one_twice(
    house: House, dispatchers: list[DispatcherProcess], http: aiohttp.ClientSession
) -> None:
    process = dispatchers[0]
    process.start()
    await process.until_leading()
    runner = LiveRunner(house.join("lab", "r1", cpus=3), process.url, http)
    await runner.session()
    await runner.sync()
    wanted = [(await asyncio.to_thread(house.request, "count", who=who)).id for who in ("ann", "admin") * 8]
    working = asyncio.create_task(_work(runner, len(wanted)))
    for pause_s in (0.15, 0.4, 0.05):
        await asyncio.sleep(pause_s)
        process.kill()
        await asyncio.sleep(0.1)
        process.start()
        await process.until_leading()
    await asyncio.wait_for(working, 30)
    executed = Counter(run for run, _ in runner.double.executed)
    for run in wanted:
        assert executed[run] == 1
        assert (house.run(run).state, house.run(run).attempt) == ("complete", 1)


async def test_nothing_expires_because_the_dispatcher_was_down_for_two_ttls(
    house: House, dispatchers: list[DispatcherProcess], http: aiohttp.ClientSession
) -> None:
    process = dispatchers[0]
    process.start()
    await process.until_leading()
    runner = LiveRunner(house.join("lab", "r1"), process.url, http)
    await runner.session()
    await runner.sync()
    task = await asyncio.to_thread(house.request, "count")
    notebook = await asyncio.to_thread(house.request, "notebook")
    while len(runner.double.held) < 2:
        await runner.sync()
    for run in (task, notebook):
        runner.double.start(run.id)
    runner.double.ready(notebook.id)
    await runner.sync()
    process.kill()
    await asyncio.sleep(2 * TTL_S)
    process.start()
    await process.until_leading()
    await asyncio.sleep(TTL_S / 2)
    await runner.sync()
    assert (house.run(task.id).state, house.run(task.id).attempt) == ("running", 1)
    assert house.run(notebook.id).ready
    assert house.run(notebook.id).reason_code is None


async def test_a_second_dispatcher_stands_by_and_takes_over(
    house: House, dispatchers: list[DispatcherProcess], http: aiohttp.ClientSession
) -> None:
    first, second = dispatchers
    first.start()
    await first.until_leading()
    second.start()
    runner = LiveRunner(house.join("lab", "r1"), first.url, http)
    await runner.session()
    await runner.sync()
    run = await asyncio.to_thread(house.request, "count")
    while not runner.double.held:
        await runner.sync()
    # Long enough for the second one to have started, seen the leader and stood by.
    for _ in range(10):
        await runner.sync()
        await asyncio.sleep(0.2)
    assert second.process.poll() is None
    first.kill()
    await second.until_leading()
    runner.double.start(run.id)
    runner.double.finish(run.id, exit_code=0)
    await runner.sync()
    assert (house.run(run.id).state, house.run(run.id).attempt) == ("complete", 1)
    assert second.stop() == 0


async def _work(runner: LiveRunner, count: int) -> None:
    """Carry out whatever is assigned, one sync after the other, until so many are done and acknowledged."""
    double, started = runner.double, set[tuple[str, int]]()
    while len(started) < count or double.held or double.spool:
        for key in set(double.held) - started:
            started.add(key)
            double.start(key[0])
            double.finish(key[0], exit_code=0)
        try:
            await runner.sync()
        except (aiohttp.ClientError, Refused):
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.02)
