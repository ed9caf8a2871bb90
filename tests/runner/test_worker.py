"""The runner between a hub and its tools, while everything is well."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from alongside import values
from alongside.errors import Misconfigured
from alongside.spec.tools import Component, Probe, Resources, Restart
from alongside.spec.wire import DatasetMount, Verdict
from runner.conftest import Lab, server, task
from support.endpoints import until

HUNGRY = "held = [bytearray(10_000_000) for _ in range(200)]"


async def test_a_runner_registers_once_and_keeps_its_credentials_to_itself(lab: Lab) -> None:
    async with lab.runner():
        await lab.hub.until(lambda: lab.hub.syncs)
    async with lab.runner(registration_token=""):
        await lab.hub.until(lambda: lab.hub.epoch == 2 and lab.hub.syncs[-1].epoch == 2)
    assert lab.hub.registered == 1
    assert stat.S_IMODE((lab.work_dir / "credentials.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(("token", "reason"), [("", "registration_token"), ("wrong", "unknown token")])
async def test_a_runner_that_cannot_register_says_why(lab: Lab, token: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        await asyncio.wait_for(lab.worker(registration_token=token).run(), 10)


async def test_a_runner_waits_until_the_lost_one_of_its_name_is_given_up(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alongside.runner.enrolment.AGAIN_S", 0.01)
    lab.hub.namesake_for = 3
    async with lab.runner():
        await lab.hub.until(lambda: lab.hub.syncs)
    assert lab.hub.namesake_for == 0
    assert lab.hub.registered == 1


async def test_two_runners_do_not_share_a_work_folder(lab: Lab) -> None:
    async with lab.runner():
        with pytest.raises(Misconfigured, match="work_dir"):
            async with lab.runner():
                pass


async def test_a_task_reports_every_step_and_its_log_and_artifacts(lab: Lab) -> None:
    source = lab.file("cloud.txt", "points")
    async with lab.runner():
        run = await lab.hub.assign(task(input_path="/in/cloud.txt"), datasets=(source,))
        ended = await lab.hub.ended(run)
        await until(lambda: _gone(lab))
    assert (ended.state, ended.exit_code) == ("complete", 0)
    assert lab.hub.states(run) == ["initializing", "running", "complete"]
    assert b"progress: 100 written" in lab.hub.logs[run, 1]
    listed = lab.hub.told(run, "artifacts")[0].body["artifacts"]
    assert [(item["path"], item["size_bytes"]) for item in listed] == [("sub/copy.txt", 6)]
    assert lab.hub.artifacts[run, 1, "sub/copy.txt"] == b"points"
    assert Path(lab.edge.trees[f"{run}-1"], "sub/copy.txt").read_text() == "points"
    assert any(report.progress == 100 for report in lab.hub.told(run, "progress"))


async def test_a_task_with_many_artifacts_lists_all_of_them_in_pieces(lab: Lab) -> None:
    program = """
import os, pathlib
for number in range(450):
    pathlib.Path(os.environ["ALONGSIDE_OUTPUT"], f"{number:03d}").write_text(str(number))
os.symlink("/etc/passwd", os.environ["ALONGSIDE_OUTPUT"] + "/link")
"""
    async with lab.runner():
        run = await lab.hub.assign(task(program))
        await lab.hub.ended(run)
        await until(lambda: _gone(lab))
    told = [item["path"] for report in lab.hub.told(run, "artifacts") for item in report.body["artifacts"]]
    assert told == [f"{number:03d}" for number in range(450)]
    assert len(lab.hub.artifacts) == 450


async def test_tasks_of_one_lease_run_one_after_the_other(lab: Lab) -> None:
    program = """
import os, pathlib, time
print(time.monotonic(), flush=True); time.sleep(0.3); print(time.monotonic())
"""
    async with lab.runner():
        runs = [await lab.hub.assign(task(program), lease="one") for _ in range(3)]
        for run in runs:
            await lab.hub.ended(run)
        await until(lambda: _gone(lab))
    spans = [[float(line) for line in lab.hub.logs[run, 1].split()] for run in runs]
    assert spans[0][1] <= spans[1][0]
    assert spans[1][1] <= spans[2][0]


async def test_a_task_that_waits_in_its_lease_can_be_recalled(lab: Lab) -> None:
    async with lab.runner():
        first = await lab.hub.assign(task(), lease="one", arguments={"sleep_s": 1})
        second = await lab.hub.assign(task(), lease="one")
        await lab.hub.until(lambda: "running" in lab.hub.states(first))
        await lab.hub.order("cancel", {"run": second, "attempt": 1, "reason_code": "recalled"})
        assert (await lab.hub.ended(second)).state == "canceled"
        assert "running" not in lab.hub.states(second)
        assert (await lab.hub.ended(first)).state == "complete"


async def test_a_canceled_task_is_gone_when_it_is_reported_canceled(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(task("import time; print('runs', flush=True); time.sleep(600)"))
        await lab.hub.until(lambda: b"runs" in lab.hub.logs[run, 1])
        await lab.hub.order("cancel", {"run": run, "attempt": 1, "reason_code": "canceled_by_owner"})
        ended = await lab.hub.ended(run)
    assert (ended.state, ended.reason_code) == ("canceled", "canceled_by_owner")


async def test_what_the_hub_gave_elsewhere_is_killed(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(task("import time; print('runs', flush=True); time.sleep(600)"))
        await lab.hub.until(lambda: b"runs" in lab.hub.logs[run, 1])
        lab.hub.verdicts.append(Verdict(run, 1, "kill", "attempt 2 is the latest"))
        ended = await lab.hub.ended(run)
    assert (ended.state, ended.reason) == ("canceled", "attempt 2 is the latest")


@pytest.mark.parametrize(
    ("program", "members", "code", "words"),
    [
        ("import sys; sys.exit(7)", {}, "exit_code", "exit code 7"),
        ("import time; time.sleep(60)", {"time_limit_s": 0.5}, "time_limit", "0.5 s"),
        (
            HUNGRY,
            {"resources": Resources(1, 0.2)},
            "out_of_memory",
            "0.2 GB",
        ),
        ("raise OSError(28, 'No space left on device')", {}, "disk_full", "disk is full"),
    ],
)
async def test_a_failed_task_says_why(
    lab: Lab, program: str, members: dict[str, Any], code: str, words: str
) -> None:
    async with lab.runner():
        ended = await lab.hub.ended(await lab.hub.assign(task(program, **members)))
    assert (ended.state, ended.reason_code) == ("executor_error", code)
    assert words in ended.reason


async def test_an_unknown_environment_and_an_unknown_program_are_named(lab: Lab) -> None:
    unknown = Component(environment="julia", command=("julia",))
    missing = Component(environment="python", command=("no-such-program",))
    async with lab.runner():
        tool = task()
        first = await lab.hub.assign(type(tool)("task", "1", "task", (unknown,)))
        second = await lab.hub.assign(type(tool)("task", "1", "task", (missing,)))
        one, two = await lab.hub.ended(first), await lab.hub.ended(second)
    assert (one.state, one.reason_code) == ("system_error", "environment_missing")
    assert "'julia'" in one.reason
    assert (two.state, two.reason_code) == ("executor_error", "environment_missing")
    assert "no-such-program" in two.reason


async def test_an_interactive_tool_becomes_ready_behind_a_route_and_is_stopped(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(
            server(open_template="/open/{open}"), datasets=(lab.dataset("survey"),), open="survey/points.txt"
        )
        ready = await lab.hub.ready(run)
        assert ready.body["open_path"] == "/open/data/survey/points.txt"
        assert await lab.ask(run, "/data/survey/points.txt") == (200, "points")
        assert lab.edge.trusted
        if os.getuid() == 0:
            assert int((await lab.ask(run, "/uid"))[1]) >= 64_000
        assert (await lab.ask(run, "/note", method="PUT", body="mine"))[0] == 200
        await lab.hub.until(lambda: run in lab.hub.syncs[-1].activity)
        await lab.hub.order("stop", {"run": run, "attempt": 1, "reason_code": "stopped_by_owner"})
        ended = await lab.hub.ended(run)
        assert (ended.state, ended.reason_code) == ("paused", "stopped_by_owner")
        assert lab.edge.closed == [(run, True)]
        await lab.hub.assign(server(), run=run, attempt=2)
        await lab.hub.ready(run, 2)
        assert await lab.ask(run, "/note") == (200, "mine")
        await lab.hub.order("cancel", {"run": run, "attempt": 2, "reason_code": "deleted"})
        assert (await lab.hub.ended(run, 2)).state == "canceled"
        assert lab.edge.closed[-1] == (run, False)
        assert not (lab.work_dir / "runs" / run).exists()
        assert (lab.work_dir / "homes/01kaccount/home/note").read_text() == "mine", "the account's own stays"


async def test_nothing_is_kept_of_runs_that_are_deleted_after_they_ended(lab: Lab) -> None:
    async with lab.runner():
        tool, done = await lab.hub.assign(server()), await lab.hub.assign(task())
        await lab.hub.ready(tool)
        await lab.hub.order("stop", {"run": tool, "attempt": 1, "reason_code": "stopped_by_owner"})
        for run in (tool, done):
            await lab.hub.ended(run)
        home, output = lab.work_dir / "runs" / tool, lab.work_dir / "outputs" / done
        assert home.exists()
        assert output.exists()
        for run in (tool, done):
            await lab.hub.order("remove", {"run": run, "account": "01kaccount"})
        await lab.hub.until(lambda: not home.exists() and not output.exists())
        await lab.hub.until(lambda: not any((lab.work_dir / "orders").iterdir()))
        assert sorted(lab.edge.closed) == [(tool, False), (tool, True), (done, False)]


async def test_a_tool_that_dies_is_started_again_until_its_restarts_are_used_up(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(server(restart=Restart(times=2, backoff_s=0.05)))
        for times in (1, 2, 3):
            await lab.hub.ready(run, times=times)
            with pytest.raises(aiohttp.ClientError):
                await lab.ask(run, "/die")
        ended = await lab.hub.ended(run)
    restarts = lab.hub.told(run, "restart")
    assert [report.body["number"] for report in restarts] == [1, 2]
    assert "exit code 9" in restarts[0].reason
    assert (ended.state, ended.reason_code) == ("executor_error", "restarts_exhausted")
    assert "exit code 9" in ended.reason


async def test_a_tool_that_never_answers_fails_with_the_seconds_it_was_given(lab: Lab) -> None:
    async with lab.runner():
        tool = server(probe=Probe(path="/uid", timeout_s=0.6, interval_s=0.05))
        deaf = Component(**vars(tool.components[0]) | {"command": ("sleep", "600")})
        run = await lab.hub.assign(type(tool)(**vars(tool) | {"components": (deaf,)}))
        ended = await lab.hub.ended(run)
    assert (ended.state, ended.reason_code) == ("executor_error", "probe_timeout")
    assert "/uid within 0.6 s" in ended.reason


async def test_datasets_come_and_go_while_a_tool_runs(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(server())
        await lab.hub.ready(run)
        mounted, copied = lab.dataset("late"), lab.dataset("mine", mode="copy")
        for action, mount in (("a1", mounted), ("a2", copied)):
            body = {"run": run, "attempt": 1, "action": action, "mount": _dump(mount)}
            await lab.hub.order("attach", body)
        await lab.hub.until(lambda: len(lab.hub.told(run, "action")) == 2)
        assert all(report.body["ok"] for report in lab.hub.told(run, "action"))
        assert {(r.body["name"], r.body["status"]) for r in lab.hub.told(run, "dataset")} == {
            ("late", "mounted"),
            ("mine", "copied"),
        }
        assert await lab.ask(run, "/data/late/points.txt") == (200, "points")
        assert (await lab.ask(run, "/data/late/points.txt", method="PUT", body="x"))[0] == 403
        assert await lab.ask(run, "/data/mine/points.txt", method="PUT", body="changed") == (200, "written")
        assert (lab.data / "mine/points.txt").read_text() == "points"
        for name in ("late", "mine"):
            await lab.hub.order("detach", {"run": run, "attempt": 1, "action": f"d-{name}", "name": name})
        await lab.hub.until(lambda: len(lab.hub.told(run, "action")) == 4)
        assert await lab.ask(run, "/data") == (200, "")


async def test_an_attached_dataset_and_a_changed_copy_are_there_after_a_restart_of_the_tool(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(server(), datasets=(lab.dataset("mine", mode="copy"),))
        await lab.hub.ready(run)
        assert (await lab.ask(run, "/data/mine/points.txt", method="PUT", body="changed"))[0] == 200
        body = {"run": run, "attempt": 1, "action": "a", "mount": _dump(lab.dataset("late"))}
        await lab.hub.order("attach", body)
        await lab.hub.until(lambda: lab.hub.told(run, "action"))
        with pytest.raises(aiohttp.ClientError):
            await lab.ask(run, "/die")
        await lab.hub.ready(run, times=2)
        assert await lab.ask(run, "/data/late/points.txt") == (200, "points")
        assert await lab.ask(run, "/data/mine/points.txt") == (200, "changed")


async def test_an_attach_that_cannot_be_says_why_and_the_tool_runs_on(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(server())
        await lab.hub.ready(run)
        missing = _dump(lab.dataset("gone")) | {"sources": [{"kind": "folder", "path": "/etc"}]}
        await lab.hub.order("attach", {"run": run, "attempt": 1, "action": "a", "mount": missing})
        told = (await lab.hub.until(lambda: lab.hub.told(run, "action")))[0]
        assert told.body["ok"] is False
        assert "data_roots" in told.body["detail"]
        assert (await lab.ask(run, "/uid"))[0] == 200


async def test_a_grantee_is_revoked_at_the_edge(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(server())
        await lab.hub.ready(run)
        await lab.hub.order("revoke", {"run": run, "grantee": "bob"})
        await until(lambda: _true(lab.edge.revoked == [(run, "bob")]))


async def test_routes_are_there_again_after_the_edge_lost_them(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(server())
        await lab.hub.ready(run)
        lab.edge.routes.clear()
        await until(lambda: _true(run in lab.edge.routes))


def _dump(mount: DatasetMount) -> dict[str, Any]:
    return values.dump(mount)


async def _true(condition: bool) -> bool:
    return condition


async def _gone(lab: Lab) -> bool:
    return not list((lab.work_dir / "attempts").iterdir())


async def test_why_the_edge_lets_nobody_in_is_the_reason_of_the_run(lab: Lab) -> None:
    lab.edge.full = "all 2 slots are in use; raise edge.slots"
    async with lab.runner():
        run = await lab.hub.assign(server())

        def told() -> list[str]:
            return [item.reason for item in lab.hub.told(run, "state") if "edge.slots" in item.reason]

        await lab.hub.until(told)
        assert not lab.hub.told(run, "ready")
        lab.edge.full = ""
        await lab.hub.ready(run)
        assert told() == ["waiting for the edge: all 2 slots are in use; raise edge.slots"]
