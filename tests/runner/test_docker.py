"""What only the executor `docker` does: hardening, networks, the engine's own troubles, leftovers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alongside.config import RunnerSettings
from alongside.runner.executors import CannotStart, Handle, Job, Mount, docker
from alongside.spec.tools import Component, Probe, Resources, ToolSpec
from conformance.conftest import DockerBench
from support import tool_programs
from support.docker_engine import BASE, GIVEN, DockerEngine, docker_engine
from support.endpoints import ready, request, until

__all__ = ["docker_engine"]

ROOT = Path(__file__).resolve().parents[2]
SLEEPER = "import time; print('runs', flush=True); time.sleep(600)"


@pytest.fixture
async def bench(docker_engine: DockerEngine, tmp_path: Path) -> AsyncIterator[DockerBench]:
    DockerBench.engine = docker_engine
    made = DockerBench(tmp_path / "runner")
    yield made
    await made.end()


async def test_a_volume_of_the_image_is_covered_and_leaves_nothing_behind(bench: DockerBench) -> None:
    image = build(bench, "VOLUME /state\nHEALTHCHECK --interval=1s CMD touch /state/checked")
    program = """
import os
line = next(line for line in open("/proc/mounts") if line.split()[1] == "/state")
open("/state/mine", "w").write("x")
print(line.split()[2], os.stat("/state").st_uid, flush=True)
"""
    tool = bench.task(program)
    job = bench.job(replace(tool, components=(replace(tool.components[0], image=image),)))
    handle = await bench.start(job)
    assert (await bench.executor.wait(handle)).exit_code == 0, job.log.read_text()
    assert job.log.read_text().split() == ["tmpfs", str(job.uid)]
    container = inspect(bench, handle)
    assert container["Config"]["Healthcheck"]["Test"] == ["NONE"]
    assert bench.engine.lines("volume", "ls", "--quiet") == []


async def test_a_task_s_container_has_every_limit_that_the_engine_knows(bench: DockerBench) -> None:
    job = bench.job(bench.task(), resources=Resources(cpus=0.5, memory_gb=0.25, disk_gb=1))
    limits = inspect(bench, await bench.start(job))["HostConfig"]
    assert limits["NetworkMode"] == "none"
    assert limits["ReadonlyRootfs"]
    assert limits["CapDrop"] == ["ALL"]
    assert limits["SecurityOpt"] == ["no-new-privileges"]
    assert limits["Memory"] == limits["MemorySwap"] == 250_000_000
    assert limits["NanoCpus"] == 500_000_000
    assert limits["PidsLimit"] == 256
    assert limits["Init"]
    assert not limits["Privileged"]
    assert limits["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}}
    assert {limit["Name"]: limit["Hard"] for limit in limits["Ulimits"]} == {
        "nofile": 1024,
        "core": 0,
        "fsize": 1_000_000_000,
    }
    assert limits["RestartPolicy"]["Name"] == "no"


async def test_arguments_of_any_size_arrive_whole(bench: DockerBench) -> None:
    text = "ä" * 400_000
    job = bench.job(bench.task(), arguments={"text": text})
    assert (await bench.executor.wait(await bench.start(job))).exit_code == 0, job.log.read_text()
    assert job.output
    assert (job.output / "sub/copy.txt").read_text() == text


async def test_a_task_that_does_not_read_its_arguments_still_ends(bench: DockerBench) -> None:
    job = bench.job(bench.task("print('not interested')"), arguments={"text": "x" * 3_000_000})
    ended = await asyncio.wait_for(bench.executor.wait(await bench.start(job)), 30)
    assert ended.exit_code == 0


async def test_a_task_whose_arguments_were_not_complete_is_killed_when_taken_up(bench: DockerBench) -> None:
    handle = await bench.start(bench.job(bench.task(SLEEPER), arguments={"text": "x"}))
    mark = bench.work_dir / "docker" / f"{handle.run}-{handle.attempt}" / "stdin_done-1"
    await until(lambda: asyncio.to_thread(mark.exists))
    mark.unlink()
    successor = bench.another()
    assert await successor.adopt(handle) is None
    assert not inspect(bench, handle)["State"]["Running"]
    await successor.close()


async def test_the_log_goes_on_without_gap_or_repetition_when_the_runner_comes_back(
    bench: DockerBench,
) -> None:
    program = "import time\nfor n in range(60): print('line', n, flush=True); time.sleep(0.05)"
    job = bench.job(bench.task(program))
    handle = await bench.start(job)
    await until(lambda: contains(job.log, "line 10"))
    await bench.executor.close()
    with job.log.open("a") as log:
        # what a killed runner had written after its last mark
        log.write("line 11\nlin")
    await asyncio.sleep(0.5)
    bench.executor = bench.another()
    assert await bench.executor.adopt(handle)
    assert (await bench.executor.wait(handle)).exit_code == 0
    assert job.log.read_text().splitlines() == [f"line {n}" for n in range(60)]


async def test_a_container_killed_by_somebody_else_is_told_with_its_exit_code(bench: DockerBench) -> None:
    handle = await started(bench)
    bench.engine.docker("kill", names(handle)[0])
    ended = await asyncio.wait_for(bench.executor.wait(handle), 30)
    assert (ended.exit_code, ended.oom, ended.reason_code) == (137, False, None)


async def test_a_container_removed_by_somebody_else_has_ended(bench: DockerBench) -> None:
    handle = await started(bench)
    bench.engine.docker("rm", "--force", names(handle)[0])
    ended = await asyncio.wait_for(bench.executor.wait(handle), 30)
    assert ended.exit_code in (None, 137)
    assert await bench.executor.adopt(handle) is None


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["in good order", "killed"])
async def test_a_restarted_engine_is_told_as_such(bench: DockerBench, how: signal.Signals) -> None:
    task = await bench.start(bench.job(bench.task(SLEEPER)))
    tool = await started(bench)
    waiting = [asyncio.create_task(bench.executor.wait(handle)) for handle in (task, tool)]
    await asyncio.sleep(0.2)
    await asyncio.to_thread(bench.engine.restart, how)
    for ended in await asyncio.wait_for(asyncio.gather(*waiting), 60):
        assert ended.reason_code == "engine_restarted"
    # the same attempt starts again beside what is left of it
    again = await bench.start(job_of(bench, tool), start=2)
    await ready(bench.executor, again)


async def test_an_engine_restarted_while_the_runner_was_away_is_told_as_such(bench: DockerBench) -> None:
    handle = await started(bench)
    await bench.executor.close()
    await asyncio.to_thread(bench.engine.restart)
    bench.executor = bench.another()
    adopted = await bench.executor.adopt(handle)
    assert adopted
    ended = await asyncio.wait_for(bench.executor.wait(adopted), 30)
    assert ended.reason_code == "engine_restarted"


async def test_an_engine_that_is_away_is_said_so_and_waited_for(bench: DockerBench) -> None:
    handle = await started(bench)
    waiting = asyncio.create_task(bench.executor.wait(handle))
    await asyncio.sleep(0.2)
    await asyncio.to_thread(bench.engine.stop)
    try:
        status = await bench.executor.status()
        assert not status.available
        assert str(bench.engine.socket) in status.reason
        with pytest.raises(CannotStart) as refused:
            await bench.start(bench.job(bench.task()))
        # which is worth another attempt: nothing is placed here as long as the status says so
        assert refused.value.reason_code == "engine_restarted"
        assert not waiting.done()
    finally:
        await asyncio.to_thread(bench.engine.start)
    assert (await asyncio.wait_for(waiting, 30)).reason_code == "engine_restarted"
    assert (await bench.executor.status()).available


async def test_without_a_socket_the_status_says_what_to_do(tmp_path: Path) -> None:
    executor = docker.create(RunnerSettings(docker_socket=str(tmp_path / "none.sock")), tmp_path)
    status = await executor.status()
    assert not status.available
    assert "none.sock" in status.reason
    assert "install" in status.reason
    assert await executor.orphans(frozenset()) == []
    await executor.close()


async def test_a_socket_that_nobody_serves_is_told_apart_from_none(tmp_path: Path) -> None:
    path = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    executor = docker.create(RunnerSettings(docker_socket=str(path)), tmp_path)
    assert "is dockerd running?" in (await executor.status()).reason
    await executor.close()


async def test_tools_reach_neither_each_other_nor_the_world(bench: DockerBench) -> None:
    program = tool_programs.SERVER.replace(
        'if self.path == "/uid":',
        """if self.path.startswith("/connect/"):
            import socket
            _, _, host, port = self.path.split("/")
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                return self.answer(200, "connected")
            except OSError as error:
                return self.answer(200, "refused: " + str(error))
        if self.path == "/uid":""",
    )
    tools = [server(bench, program) for _ in range(2)]
    one, other = [await ready(bench.executor, await bench.start(bench.job(tool))) for tool in tools]
    host, _, port = other.removeprefix("tcp:").partition(":")
    assert (await request(one, f"/connect/127.0.0.1/{port}"))[1] == "connected"
    assert (await request(one, f"/connect/{host}/{port}"))[1].startswith("refused")
    # an address outside, by number: no name service is needed for it to answer
    assert (await request(one, "/connect/192.0.2.1/80"))[1].startswith("refused")


async def test_components_find_each_other_by_name_in_a_network_of_their_own(bench: DockerBench) -> None:
    web = """
import http.server, os, socket
host, port = os.environ["DATABASE_HOST"], int(os.environ["DATABASE_PORT"])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with socket.create_connection((host, port), timeout=5) as database:
            database.sendall(b"GET /uid HTTP/1.0\\r\\n\\r\\n")
            answer = database.makefile("rb").read()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(host.encode() + b" " + answer.splitlines()[-1])
http.server.HTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""
    job = bench.job(with_database(bench, web))
    handle = await bench.start(job)
    endpoint = await ready(bench.executor, handle, path="/")
    assert await request(endpoint, "/") == (200, f"database {job.uid}")
    name = handle.details["network"]
    network = json.loads(bench.engine.docker("network", "inspect", name).stdout)[0]
    assert network["IPAM"]["Config"][0]["Subnet"].endswith("/28")
    assert network["Internal"]
    await bench.executor.stop(handle, 2)
    await bench.executor.clean(handle)
    assert name not in bench.engine.lines("network", "ls", "--format", "{{.Name}}")
    assert bench.engine.lines("ps", "--all", "--quiet") == []


async def test_components_start_after_what_they_depend_on_however_they_are_listed(bench: DockerBench) -> None:
    def part(name: str, *depends: str) -> Component:
        return bench.component(tool_programs.SERVER, "{port}", name, name=name, port=8000, depends=depends)

    parts = (part("cache", "database"), part("database"), part("web", "cache"))
    job = bench.job(ToolSpec(name="three", version="1", kind="interactive", components=parts))
    handle = await bench.start(job)
    await ready(bench.executor, handle)
    await bench.executor.stop(handle)
    order = ["database", "cache", "web"]
    assert job.log.read_text().splitlines()[:2] == ["listening: database", "listening: cache"]
    states = [inspect(bench, handle, number)["State"] for number in range(3)]
    assert [part["component"] for part in handle.details["parts"]] == order
    assert sorted(states, key=lambda state: state["StartedAt"]) == states
    assert sorted(states, key=lambda state: state["FinishedAt"]) == states[::-1]


async def test_two_larger_tools_get_two_networks(bench: DockerBench) -> None:
    handles = [await bench.start(bench.job(with_database(bench, SLEEPER))) for _ in range(2)]
    subnets = {
        json.loads(bench.engine.docker("network", "inspect", handle.details["network"]).stdout)[0]["IPAM"][
            "Config"
        ][0]["Subnet"]
        for handle in handles
    }
    assert len(subnets) == 2


async def test_a_tool_ends_when_one_of_its_components_does(bench: DockerBench) -> None:
    handle = await bench.start(bench.job(with_database(bench, SLEEPER)))
    bench.engine.docker("kill", names(handle)[0])
    ended = await asyncio.wait_for(bench.executor.wait(handle), 30)
    assert ended.exit_code == 137
    assert "database" in ended.reason
    assert bench.engine.lines("ps", "--quiet") == []


async def test_a_component_that_never_answers_is_told_and_nothing_is_left(bench: DockerBench) -> None:
    tool = with_database(bench, SLEEPER, database=SLEEPER, timeout_s=0.5)
    with pytest.raises(CannotStart, match=r"database did not answer within 0\.5 s") as refused:
        await bench.start(bench.job(tool))
    assert refused.value.reason_code == "probe_timeout"
    assert bench.engine.lines("ps", "--all", "--quiet") == []


async def test_a_component_that_ends_before_it_answers_is_told_with_its_log(bench: DockerBench) -> None:
    tool = with_database(bench, SLEEPER, database="raise SystemExit('no such table')")
    job = bench.job(tool)
    with pytest.raises(CannotStart, match="database") as refused:
        await bench.start(job)
    assert refused.value.reason_code == "exit_code"
    assert "no such table" in job.log.read_text()
    assert bench.engine.lines("ps", "--all", "--quiet") == []


async def test_a_command_that_the_image_does_not_have_is_told(bench: DockerBench) -> None:
    component = Component(image=BASE, command=("no-such-program",))
    job = bench.job(ToolSpec(name="task", version="1", kind="task", components=(component,)))
    ended = await bench.executor.wait(await bench.start(job))
    assert ended.exit_code == 127
    assert "not found in the image" in ended.reason
    assert "no-such-program" in job.log.read_text()


async def test_what_nobody_knows_is_removed_with_networks_volumes_and_mounts(
    bench: DockerBench, tmp_path: Path
) -> None:
    survey = tmp_path / "survey"
    survey.mkdir()
    (survey / "one.las").write_text("one")
    image = build(bench, "VOLUME /state")
    tool = with_database(bench, SLEEPER)
    tool = replace(tool, components=tuple(replace(part, image=image) for part in tool.components))
    handle = await bench.start(bench.job(tool, mounts={"survey": survey}))
    stranger = bench.engine.docker(
        "run", "--detach", "--network", "none", BASE, "sleep", "600"
    ).stdout.strip()
    assert str(tmp_path) in mountinfo()
    await bench.executor.close()
    bench.executor = bench.another()
    told = await bench.executor.orphans(frozenset())
    assert len(told) == 3
    assert bench.engine.lines("ps", "--all", "--quiet", "--no-trunc") == [stranger]
    assert handle.details["network"] not in bench.engine.docker("network", "ls").stdout
    assert bench.engine.lines("volume", "ls", "--quiet") == []
    assert str(tmp_path) not in mountinfo()
    assert (survey / "one.las").read_text() == "one"
    assert await bench.executor.orphans(frozenset()) == []
    bench.engine.docker("rm", "--force", stranger)


async def test_a_new_runner_attaches_and_detaches_too(bench: DockerBench, tmp_path: Path) -> None:
    survey = tmp_path / "survey"
    survey.mkdir()
    (survey / "one.las").write_text("one")
    handle = await started(bench)
    await bench.executor.close()
    bench.executor = bench.another()
    assert await bench.executor.adopt(handle)
    job, mount = job_of(bench, handle), Mount("survey", "survey", "folder", survey)
    bench.seat(job, mount)
    await bench.executor.attach(handle, job, mount)
    endpoint = await bench.executor.endpoint(handle)
    assert await request(endpoint, "/data/survey/one.las") == (200, "one")
    await bench.executor.detach(handle, job, "survey")
    assert await request(endpoint, "/data/survey") == (200, "")


async def test_a_task_without_its_arguments_is_not_believed_after_the_engine_was_away(
    bench: DockerBench,
) -> None:
    handle = await bench.start(bench.job(bench.task(SLEEPER)))
    mark = bench.work_dir / "docker" / f"{handle.run}-{handle.attempt}" / "stdin_done-1"
    await until(lambda: asyncio.to_thread(mark.exists))
    mark.unlink()
    await bench.executor.close()
    await asyncio.to_thread(bench.engine.stop)
    bench.executor = bench.another()
    try:
        assert await bench.executor.adopt(handle)
    finally:
        await asyncio.to_thread(bench.engine.start)
    ended = await asyncio.wait_for(bench.executor.wait(handle), 30)
    assert (ended.exit_code, ended.reason_code) == (None, "engine_restarted")


async def test_a_socket_that_the_tool_swaps_for_a_link_leads_nowhere_else(
    bench: DockerBench, tmp_path: Path
) -> None:
    handle = await bench.start(bench.job(bench.server(where="{socket}")))
    endpoint = await ready(bench.executor, handle)
    # what the tool does in its own folder, as it could from inside
    listening = next(bench.work_dir.rglob("tool.sock"))
    listening.unlink()
    listening.symlink_to(bench.engine.socket)
    with pytest.raises(CannotStart):
        await bench.executor.endpoint(handle)
    assert (await request(endpoint, "/uid"))[0] == 200


async def test_a_data_folder_that_the_tool_made_a_link_is_not_followed_on_the_host(
    bench: DockerBench,
) -> None:
    job = bench.job(bench.server())
    outside = bench.work_dir / "outside"
    outside.mkdir()
    assert job.home
    assert job.data
    (job.home / "data").symlink_to(outside)
    (job.data / "survey").mkdir()
    endpoint = await ready(bench.executor, await bench.start(job))
    assert await request(endpoint, "/data") == (200, "survey")
    assert list(outside.iterdir()) == []


def test_the_same_holds_for_a_runner_without_rights(docker_engine: DockerEngine) -> None:
    """The conformance suite of an unprivileged runner who may use the engine: binds instead of mounts."""
    if os.geteuid() != 0:
        pytest.skip("starts as root, to become somebody else")
    docker_engine.socket.chmod(0o666)
    chosen = "docker and (datasets or dataset or its_arguments_and_input or survives or order)"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "support.unprivileged", "env"),
            f"{GIVEN}={docker_engine.socket} {docker_engine.subnet}",
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen),
            "tests/conformance",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
    )
    docker_engine.socket.chmod(0o660)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


def server(bench: DockerBench, program: str) -> ToolSpec:
    front = bench.component(program, "{port}", port=8000)
    return ToolSpec(name="server", version="1", kind="interactive", components=(front,))


def with_database(
    bench: DockerBench, web: str, database: str = tool_programs.SERVER, timeout_s: float = 60
) -> ToolSpec:
    behind = bench.component(
        database, "{port}", name="database", port=5432, probe=Probe(path="/uid", timeout_s=timeout_s)
    )
    front = bench.component(web, name="web", port=8000, depends=("database",))
    return ToolSpec(name="pair", version="1", kind="interactive", components=(behind, front))


_jobs: dict[tuple[str, int], Job] = {}


async def started(bench: DockerBench) -> Handle:
    """A server that answers."""
    job = bench.job(bench.server())
    handle = await bench.start(job)
    _jobs[handle.run, handle.attempt] = job
    await ready(bench.executor, handle)
    return handle


def job_of(bench: DockerBench, handle: Handle) -> Job:
    return _jobs[handle.run, handle.attempt]


def build(bench: DockerBench, lines: str) -> str:
    """The base image and some lines of a Dockerfile."""
    environment = {**os.environ, "DOCKER_BUILDKIT": "0", "DOCKER_HOST": f"unix://{bench.engine.socket}"}
    done = subprocess.run(
        ["docker", "build", "--quiet", "-"],
        input=f"FROM {BASE}\n{lines}\n",
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def names(handle: Handle) -> list[str]:
    return [part["container"] for part in handle.details["parts"]]


def inspect(bench: DockerBench, handle: Handle, number: int = 0) -> dict[str, dict[str, Any]]:
    return json.loads(bench.engine.docker("inspect", names(handle)[number]).stdout)[0]


def mountinfo() -> str:
    return Path("/proc/self/mountinfo").read_text()


async def contains(path: Path, text: str) -> bool:
    return text in await asyncio.to_thread(path.read_text)
