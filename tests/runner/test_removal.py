"""Runs that were deleted for good: nothing of them stays at the site."""

from __future__ import annotations

from pathlib import Path

from runner.conftest import Lab, server, task
from support.endpoints import until


def _left(lab: Lab, run: str) -> list[Path]:
    return [path for path in lab.work_dir.rglob("*") if run in str(path.relative_to(lab.work_dir))]


async def _all_gone(lab: Lab, run: str) -> bool:
    return not _left(lab, run) and not list((lab.work_dir / "orders").iterdir())


async def _remove(lab: Lab, run: str) -> None:
    await lab.hub.order("remove", {"run": run, "account": "01kaccount"})
    await lab.hub.until(lambda: lab.hub.acked_to == len(lab.hub.outbox))
    await until(lambda: _all_gone(lab, run))


async def test_the_data_folder_of_a_stopped_run_goes_with_it(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(server(), datasets=(lab.dataset("survey", mode="copy"),))
        await lab.hub.ready(run)
        await lab.hub.order("stop", {"run": run, "attempt": 1, "reason_code": "stopped_by_owner"})
        await lab.hub.ended(run)
        assert any(path.name == "data" for path in _left(lab, run))
        await _remove(lab, run)
    assert lab.edge.closed[-1] == (run, False)


async def test_the_outputs_of_a_task_that_ended_go_with_it(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(task(), arguments={"text": "result"})
        await lab.hub.ended(run)
        await until(lambda: _served(lab, f"{run}-1"))
        await _remove(lab, run)
    assert lab.edge.trees == {}


async def test_an_order_to_remove_survives_the_runner_and_waits_for_the_edge(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(task(), arguments={"text": "result"})
        await lab.hub.ended(run)
        await until(lambda: _served(lab, f"{run}-1"))
        await lab.edge.stop()
        await lab.hub.order("remove", {"run": run, "account": "01kaccount"})
        await until(lambda: _gone_from_disk(lab, run))
    assert list((lab.work_dir / "orders").iterdir())
    await lab.edge.start()
    async with lab.runner():
        await until(lambda: _all_gone(lab, run))
    assert (run, False) in lab.edge.closed


async def test_a_run_that_is_removed_while_it_runs_is_ended_first(lab: Lab) -> None:
    """A runner that was away while its run was given up and deleted hears of both at once."""
    async with lab.runner() as worker:
        run = await lab.hub.assign(server())
        await lab.hub.ready(run)
        await _remove(lab, run)
        assert worker.attempts == {}
    assert run not in lab.edge.routes


async def test_removing_what_is_not_there_is_done_at_once(lab: Lab) -> None:
    async with lab.runner():
        await _remove(lab, "01k00000000000000000000099")


async def _served(lab: Lab, tree: str) -> bool:
    return tree in lab.edge.trees


async def _gone_from_disk(lab: Lab, run: str) -> bool:
    return not _left(lab, run)
