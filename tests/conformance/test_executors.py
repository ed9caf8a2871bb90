"""What every executor does alike; each test runs on every one of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from alongside.runner.executors import CannotMount, CannotStart, Handle, Mount
from alongside.spec.tools import Probe, Resources
from conformance.conftest import Bench
from support import tool_programs
from support.endpoints import ready, request, until

TIMEOUT_S = 60


async def test_a_task_reads_its_arguments_and_input_and_leaves_its_output(
    bench: Bench, tmp_path: Path
) -> None:
    source = tmp_path / "cloud.txt"
    source.write_text("points")
    job = bench.job(bench.task(input_path="/in/cloud.txt"), mounts={"cloud": source})
    ended = await bench.executor.wait(await bench.start(job))
    assert ended.exit_code == 0, job.log.read_text()
    assert job.output
    assert (job.output / "sub/copy.txt").read_text() == "points"
    assert "progress: 10 reading" in job.log.read_text()


async def test_a_task_s_exit_code_is_kept(bench: Bench) -> None:
    job = bench.job(bench.task(), arguments={"exit_code": 3})
    assert (await bench.executor.wait(await bench.start(job))).exit_code == 3


async def test_a_task_is_hardened(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "input.txt"
    source.write_text("mine")
    program = """
import json, os, pathlib, socket
def attempt(act):
    try:
        act()
        return "allowed"
    except OSError as error:
        return "refused"
lines = open("/proc/self/status").read().splitlines()
status = dict(line.split(":\\t", 1) for line in lines if ":\\t" in line)
facts = {
    "uid": os.getuid(),
    "capabilities": int(status["CapEff"], 16),
    "bounding": int(status["CapBnd"], 16),
    "no_new_privileges": status["NoNewPrivs"].strip(),
    "write_root": attempt(lambda: pathlib.Path("/new").write_text("x")),
    "write_usr": attempt(lambda: pathlib.Path("/usr/new").write_text("x")),
    "write_input": attempt(lambda: pathlib.Path("/in/input.txt").write_text("x")),
    "network": attempt(lambda: socket.create_connection(("127.0.0.1", PORT), timeout=2)),
    "interfaces": [name for _, name in socket.if_nameindex() if name != "lo"],
    "write_tmp": attempt(lambda: pathlib.Path("/tmp/new").write_text("x")),
    "processes": len([name for name in os.listdir("/proc") if name.isdigit()]),
}
json.dump(facts, open(os.environ["ALONGSIDE_OUTPUT"] + "/facts.json", "w"))
"""
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        job = bench.job(
            bench.task(program.replace("PORT", str(port)), input_path="/in/input.txt"),
            mounts={"input": source},
        )
        ended = await bench.executor.wait(await bench.start(job))
    assert ended.exit_code == 0, job.log.read_text()
    assert job.output
    facts = json.loads((job.output / "facts.json").read_text())
    assert facts.pop("uid") != 0
    assert facts.pop("processes") <= 3
    assert facts == {
        "capabilities": 0,
        "bounding": 0,
        "no_new_privileges": "1",
        "write_root": "refused",
        "write_usr": "refused",
        "write_input": "refused",
        "network": "refused",
        "interfaces": [],
        "write_tmp": "allowed",
    }
    assert source.read_text() == "mine"


async def test_going_over_the_memory_limit_is_told_with_the_limit(bench: Bench) -> None:
    program = """
import time
held = []
while True:
    held.append(bytearray(10_000_000))
    time.sleep(0.02)
"""
    job = bench.job(bench.task(program), resources=Resources(memory_gb=0.15))
    ended = await bench.executor.wait(await bench.start(job))
    assert ended.oom
    assert ended.reason_code == "out_of_memory"
    assert "0.15 GB" in ended.reason


async def test_killing_ends_everything_that_was_started(bench: Bench) -> None:
    program = """
import os, subprocess, sys, time
subprocess.Popen(["sleep", "4242"], start_new_session=True)
print("both run", flush=True)
time.sleep(4242)
"""
    job = bench.job(bench.task(program))
    handle = await bench.start(job)
    await until(lambda: _contains(job.log, "both run"))
    await asyncio.wait_for(bench.executor.kill(handle), TIMEOUT_S)
    assert (await bench.executor.wait(handle)).exit_code != 0
    assert not [pid for pid in _pids() if b"4242" in _arguments(pid) and b"sleep" in _arguments(pid)]
    await bench.executor.kill(handle)


async def test_the_processor_time_that_it_uses_is_known_while_it_runs(bench: Bench) -> None:
    """With that of what it started and what has ended since: by it a busy tool is told from an idle one."""
    burn = "import time\nwhile time.process_time() < 0.6: pass"
    start = f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    program = f"{start}\ntime.sleep(600)"
    handle = await bench.start(bench.job(bench.task(program)))

    async def used() -> bool:
        return (await bench.executor.cpu_s(handle) or 0.0) >= 0.6

    await until(used, within_s=TIMEOUT_S)
    await bench.executor.kill(handle)
    assert not await bench.executor.cpu_s(handle)


async def test_stopping_asks_first(bench: Bench) -> None:
    job = bench.job(bench.server())
    handle = await bench.start(job)
    await ready(bench.executor, handle)
    await asyncio.wait_for(bench.executor.stop(handle, 10), TIMEOUT_S)
    assert "asked to end: front" in job.log.read_text()


async def test_a_tool_that_does_not_listen_to_being_asked_is_ended_by_force(bench: Bench) -> None:
    program = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""
    job = bench.job(bench.task(program))
    handle = await bench.start(job)
    await until(lambda: _contains(job.log, "deaf"))
    await asyncio.wait_for(bench.executor.stop(handle, 0.5), TIMEOUT_S)
    assert (await bench.executor.wait(handle)).exit_code != 0


@pytest.mark.parametrize("where", ["{port}", "{socket}"])
async def test_an_interactive_tool_answers_and_its_home_survives_its_processes(
    bench: Bench, where: str
) -> None:
    job = bench.job(bench.server(where=where))
    handle = await bench.start(job)
    endpoint = await ready(bench.executor, handle)
    assert int((await request(endpoint, "/uid"))[1]) not in (0,)
    assert await request(endpoint, "/note.txt", method="PUT", body="kept") == (200, "written")
    environment = json.loads((await request(endpoint, "/env"))[1])
    assert environment["ALONGSIDE_RUN"] == job.assignment.run
    assert environment["HOME"] == "/home/alice"
    await bench.executor.stop(handle)
    handle = await bench.start(job, start=2)
    endpoint = await ready(bench.executor, handle)
    assert await request(endpoint, "/note.txt") == (200, "kept")


async def test_datasets_are_shown_below_data_and_cannot_be_written(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    folder.mkdir()
    (folder / "one.las").write_text("one")
    folder.chmod(0o777)
    (folder / "one.las").chmod(0o666)
    job = bench.job(bench.server(), mounts={"survey": folder})
    endpoint = await ready(bench.executor, await bench.start(job))
    assert await request(endpoint, "/data/survey/one.las") == (200, "one")
    assert (await request(endpoint, "/data/survey/two.las", method="PUT", body="x"))[0] == 403
    assert (await request(endpoint, "/data/survey/one.las", method="PUT", body="x"))[0] == 403
    assert (folder / "one.las").read_text() == "one"


@pytest.mark.parametrize("kind", ["folder", "file"])
async def test_a_dataset_attached_to_a_running_tool_appears_read_only_and_can_be_taken_away(
    bench: Bench, tmp_path: Path, kind: str
) -> None:
    source = tmp_path / "late"
    inside = "/data/late"
    if kind == "folder":
        source.mkdir()
        (source / "file.txt").write_text("late")
        inside = "/data/late/file.txt"
    else:
        source.write_text("late")
    job = bench.job(bench.server())
    handle = await bench.start(job)
    endpoint = await ready(bench.executor, handle)
    mount = Mount("late", "late", "folder" if kind == "folder" else "file", source)
    bench.seat(job, mount)
    if not (await bench.executor.status()).can_attach:
        with pytest.raises(CannotMount):
            await bench.executor.attach(handle, job, mount)
        return
    await bench.executor.attach(handle, job, mount)
    await bench.executor.attach(handle, job, mount)
    assert await request(endpoint, inside) == (200, "late")
    assert (await request(endpoint, inside, method="PUT", body="x"))[0] == 403
    await bench.executor.detach(handle, job, "late")
    await bench.executor.detach(handle, job, "late")
    assert await request(endpoint, inside) != (200, "late")


async def test_components_start_in_the_order_they_need_each_other_and_stop_in_reverse(bench: Bench) -> None:
    database = bench.component(
        tool_programs.SERVER, "{port}", "database", name="database", port=5432, probe=Probe(type="tcp")
    )
    job = bench.job(bench.server(database))
    handle = await bench.start(job)
    endpoint = await ready(bench.executor, handle)
    environment = json.loads((await request(endpoint, "/env"))[1])
    assert environment["DATABASE_PORT"] == "5432"
    await bench.executor.stop(handle)
    said = [line for line in job.log.read_text().splitlines() if line.startswith(("listening", "asked"))]
    assert said == [
        "listening: database",
        "listening: front",
        "asked to end: front",
        "asked to end: database",
    ]


async def test_an_unknown_image_or_environment_is_refused_by_name(bench: Bench) -> None:
    tool = bench.task()
    broken = bench.component("pass")
    broken = type(broken)(
        image=broken.image and "alongside.invalid/missing:none",
        environment=broken.environment and "missing",
        command=broken.command,
    )
    job = bench.job(type(tool)(name="task", version="1", kind="task", components=(broken,)))
    with pytest.raises(CannotStart, match="missing") as refused:
        await bench.start(job)
    assert refused.value.reason_code in ("image_missing", "environment_missing")


async def test_a_new_runner_takes_up_what_runs_and_hears_how_it_ends(bench: Bench) -> None:
    handle = await bench.start(bench.job(bench.task(), arguments={"sleep_s": 1, "exit_code": 5}))
    successor = bench.another()
    adopted = await successor.adopt(_reread(handle))
    assert adopted
    assert (await asyncio.wait_for(successor.wait(adopted), TIMEOUT_S)).exit_code == 5
    await successor.close()


async def test_a_new_runner_hears_how_it_ended_meanwhile(bench: Bench) -> None:
    handle = await bench.start(bench.job(bench.task(), arguments={"exit_code": 6}))
    await bench.executor.wait(handle)
    successor = bench.another()
    adopted = await successor.adopt(_reread(handle))
    assert adopted
    assert (await asyncio.wait_for(successor.wait(adopted), TIMEOUT_S)).exit_code == 6
    await successor.close()


async def test_a_time_limit_holds(bench: Bench) -> None:
    job = bench.job(bench.task(), arguments={"sleep_s": 600}, time_limit_s=0.5)
    ended = await asyncio.wait_for(bench.executor.wait(await bench.start(job)), TIMEOUT_S)
    assert (ended.reason_code, ended.reason) == ("time_limit", "ran longer than its time limit of 0.5 s")


async def test_a_time_limit_holds_while_there_is_no_runner(bench: Bench) -> None:
    """Whether it is ended meanwhile or by the next runner, it does not pass for a result."""
    done = await bench.start(bench.job(bench.task(), arguments={"sleep_s": 1.5}, time_limit_s=0.5))
    endless = await bench.start(bench.job(bench.task(), arguments={"sleep_s": 600}, time_limit_s=0.5))
    await asyncio.sleep(3)
    successor = bench.another()
    for handle in (done, endless):
        adopted = await successor.adopt(_reread(handle))
        assert adopted
        ended = await asyncio.wait_for(successor.wait(adopted), TIMEOUT_S)
        assert ended.reason_code == "time_limit"
    await successor.close()


async def test_what_nobody_knows_is_killed_and_what_is_known_is_not(bench: Bench) -> None:
    program = "import time; print('runs', flush=True); time.sleep(600)"
    stray, known = bench.job(bench.task(program)), bench.job(bench.task(program))
    stray_handle, known_handle = await bench.start(stray), await bench.start(known)
    killed = await bench.executor.orphans(frozenset({known.key}))
    assert any(stray.key in entry for entry in killed)
    assert not any(known.key in entry for entry in killed)
    await asyncio.wait_for(bench.executor.wait(stray_handle), TIMEOUT_S)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bench.executor.wait(known_handle), 0.3)


def _reread(handle: Handle) -> Handle:
    """The handle as a later process reads it from disk."""
    members = json.loads(json.dumps(vars(handle)))
    return Handle(**members)


async def _contains(path: Path, text: str) -> bool:
    return path.exists() and text in path.read_text()


def _pids() -> list[str]:
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _arguments(pid: str) -> bytes:
    try:
        return Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return b""
