"""The runner when things go wrong: killed, cut off from its hub, answered twice or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from alongside.runner.sandbox import processes
from alongside.runner.spool import Spool
from runner.conftest import Lab, server, task
from support import tool_programs
from support.endpoints import until

SLOW = "import sys, time; print('runs', flush=True); time.sleep(1.5); print('done'); sys.exit(4)"


async def test_a_task_goes_on_without_its_killed_runner_and_nothing_is_lost(lab: Lab) -> None:
    running = lab.process()
    run = await lab.hub.assign(task(SLOW))
    await lab.hub.until(lambda: b"runs" in lab.hub.logs[run, 1])
    _kill(running)
    lab.process()
    ended = await lab.hub.ended(run)
    assert (ended.state, ended.exit_code) == ("executor_error", 4)
    await lab.hub.until(lambda: lab.hub.logs[run, 1] == b"runs\ndone\n")
    assert [report.number for report in lab.hub.reports[run, 1]] == list(
        range(1, len(lab.hub.reports[run, 1]) + 1)
    )


async def test_a_task_that_ends_while_there_is_no_runner_keeps_its_exit_code(lab: Lab) -> None:
    running = lab.process()
    run = await lab.hub.assign(task(SLOW))
    await lab.hub.until(lambda: b"runs" in lab.hub.logs[run, 1])
    _kill(running)
    await until(lambda: _has_ended(lab, run))
    lab.process()
    assert (await lab.hub.ended(run)).exit_code == 4


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.06, 0.12, 0.2, 0.3])
async def test_a_runner_killed_during_a_launch_leaves_one_tool_and_no_orphan(
    lab: Lab, after_s: float
) -> None:
    running = lab.process()
    await lab.hub.until(lambda: lab.hub.syncs)
    run = await lab.hub.assign(server())
    await lab.hub.until(lambda: lab.hub.reports[run, 1] or lab.hub.acked_to)
    await asyncio.sleep(after_s)
    _kill(running)
    lab.process()
    await lab.hub.ready(run)
    assert (await lab.ask(run, "/uid"))[0] == 200
    assert len(_tools(lab)) == 1
    await lab.hub.order("cancel", {"run": run, "attempt": 1, "reason_code": "deleted"})
    await lab.hub.ended(run)
    assert _tools(lab) == []


async def test_an_open_connection_to_a_tool_survives_its_runner_s_kill(lab: Lab) -> None:
    running = lab.process()
    run = await lab.hub.assign(server())
    await lab.hub.ready(run)
    path = lab.edge.routes[run]["address"].removeprefix("unix:")
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=path)) as session:
        connection = aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=path, limit=1))
        async with connection, connection.get("http://tool/uid") as first:
            uid = await first.text()
        _kill(running)
        async with session.get("http://tool/uid") as response:
            assert await response.text() == uid
        epoch = lab.hub.epoch
        lab.process()
        await lab.hub.until(lambda: lab.hub.epoch > epoch and lab.hub.syncs[-1].epoch > epoch)
        async with session.get("http://tool/uid") as response:
            assert await response.text() == uid
    assert len(lab.hub.told(run, "ready")) == 1
    assert not lab.hub.told(run, "restart")
    await lab.hub.order("stop", {"run": run, "attempt": 1, "reason_code": "stopped_by_owner"})
    assert (await lab.hub.ended(run)).state == "paused"


async def test_sigterm_leaves_tools_running_and_the_next_runner_takes_them_up(lab: Lab) -> None:
    running = lab.process()
    run = await lab.hub.assign(server())
    await lab.hub.ready(run)
    running.terminate()
    assert await asyncio.to_thread(running.wait, 20) == 0
    assert (await lab.ask(run, "/uid"))[0] == 200
    lab.process()
    await lab.hub.order("stop", {"run": run, "attempt": 1, "reason_code": "stopped_by_owner"})
    assert (await lab.hub.ended(run)).state == "paused"


async def test_sigint_stops_tools_first_and_tells_the_hub(lab: Lab) -> None:
    running = lab.process()
    run, job = await lab.hub.assign(server()), await lab.hub.assign(task("import time; time.sleep(600)"))
    await lab.hub.ready(run)
    await lab.hub.until(lambda: "running" in lab.hub.states(job))
    running.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(running.wait, 30) == 0
    ended, preempted = await lab.hub.ended(run), await lab.hub.ended(job)
    assert (ended.state, ended.reason_code) == ("paused", "site_shutdown")
    assert (preempted.state, preempted.reason_code) == ("preempted", "site_shutdown")
    assert _tools(lab) == []


@pytest.mark.parametrize("what", ["tool", "host"])
async def test_a_tool_whose_processes_were_killed_with_the_runner_is_started_again(
    lab: Lab, what: str
) -> None:
    running = lab.process()
    run = await lab.hub.assign(server())
    await lab.hub.ready(run)
    _kill(running)
    noted = _noted(lab, run)
    victims = [noted["inside"]]
    if what == "host":
        victims = [pid for pid in _pids() if noted["keeper"] in _ancestors(pid)]
    for pid in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    lab.process()
    await lab.hub.ready(run, times=2)
    assert lab.hub.told(run, "restart")
    assert (await lab.ask(run, "/uid"))[0] == 200


async def test_a_hub_that_is_away_for_a_while_misses_nothing(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(task(SLOW))
        await lab.hub.until(lambda: "running" in lab.hub.states(run))
        lab.hub.away = True
        await until(lambda: _has_ended(lab, run))
        await asyncio.sleep(0.3)
        assert "executor_error" not in lab.hub.states(run)
        lab.hub.away = False
        assert (await lab.hub.ended(run)).exit_code == 4
        await lab.hub.until(lambda: lab.hub.logs[run, 1] == b"runs\ndone\n")


async def test_reports_whose_answer_was_lost_are_sent_again_and_count_once(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(task(), arguments={"sleep_s": 0.5})
        await lab.hub.until(lambda: "running" in lab.hub.states(run))
        lab.hub.lose_answers = 2
        await lab.hub.ended(run)
        await until(lambda: _none_left(lab))
    assert lab.hub.states(run) == ["running", "complete"]
    assert max(times for (heard, _, _), times in lab.hub.heard.items() if heard == run) > 1


async def test_a_superseded_session_is_begun_anew(lab: Lab) -> None:
    async with lab.runner():
        await lab.hub.until(lambda: lab.hub.syncs)
        lab.hub.epoch += 5
        run = await lab.hub.assign(task())
        assert (await lab.hub.ended(run)).state == "complete"
    assert lab.hub.epoch >= 7


async def test_without_contact_for_the_grace_only_interactive_tools_are_stopped(
    lab: Lab,
) -> None:
    lab.hub.unreachable_grace_s = 2
    async with lab.runner():
        run, job = await lab.hub.assign(server()), await lab.hub.assign(task("import time; time.sleep(6)"))
        await lab.hub.ready(run)
        await lab.hub.until(lambda: "running" in lab.hub.states(job))
        lab.hub.away = True
        await until(lambda: _true(len(_tools(lab)) == 0))
        lab.hub.away = False
        ended = await lab.hub.ended(run)
        assert (ended.state, ended.reason_code) == ("paused", "unreachable")
        assert (await lab.hub.ended(job)).state == "complete"


async def test_an_order_that_the_runner_does_not_know_does_not_hold_up_the_next(lab: Lab) -> None:
    async with lab.runner():
        await lab.hub.order("assign", {"run": "half of it"})
        await lab.hub.order("what only a newer hub says", {})
        run = await lab.hub.assign(task())
        assert (await lab.hub.ended(run)).state == "complete"


async def test_a_tool_that_swaps_its_socket_for_a_link_is_not_followed(lab: Lab, tmp_path: Path) -> None:
    """Else a tool could lead the edge, which has more rights, to any socket of the host."""
    host = await asyncio.start_unix_server(lambda reader, writer: writer.close(), tmp_path / "host.sock")
    async with host, lab.runner() as worker:
        run = await lab.hub.assign(server())
        await lab.hub.ready(run)
        handle = worker.attempts[f"{run}-1"].record.handle
        assert handle
        made = Path(handle.details["sockets"], "tool", handle.details["front"])
        made.unlink()
        made.symlink_to(tmp_path / "host.sock")
        assert (await lab.ask(run, "/uid"))[0] == 200
        with pytest.raises(Exception, match="listen"):
            await worker.executors["process"].endpoint(handle)


async def test_half_a_report_at_the_end_of_a_spool_is_dropped(lab: Lab) -> None:
    async with lab.runner():
        await lab.hub.until(lambda: lab.hub.syncs)
        lab.hub.away = True
        await asyncio.sleep(0.1)
    spool = Spool(lab.work_dir)
    assert spool.attempts == {}
    folder = lab.work_dir / "attempts" / "half"
    folder.mkdir()
    (folder / "reports.jsonl").write_bytes(b'{"run": "')
    assert Spool(lab.work_dir).attempts == {}
    assert not folder.exists()


def _kill(running: subprocess.Popen[bytes]) -> None:
    running.kill()
    running.wait()


def _tools(lab: Lab) -> list[int]:
    """Processes of interactive doubles in this lab's sandboxes; other tests may run beside this one."""
    keepers = {pid for pid, _ in processes.with_argument(f"{lab.work_dir}/attempts/")}
    return [
        pid for pid, _ in processes.with_argument(tool_programs.SERVER[:60]) if keepers & set(_ancestors(pid))
    ]


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        yield pid
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return


def _noted(lab: Lab, run: str) -> dict[str, int]:
    return json.loads((lab.work_dir / "attempts" / f"{run}-1" / "start-1" / "keeper.json").read_text())


async def _has_ended(lab: Lab, run: str) -> bool:
    return (lab.work_dir / "attempts" / f"{run}-1" / "start-1" / "exit.json").exists()


async def _none_left(lab: Lab) -> bool:
    return not list((lab.work_dir / "attempts").iterdir())


async def _true(condition: bool) -> bool:
    return condition
