"""The same runs on both executors, through hub and edge: processes, and containers of a real engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from alongside.spec.runs import DatasetUse, Run
from alongside.spec.tools import Component, Probe, Resources, Restart
from support import tool_programs
from support.books import Books
from support.docker_engine import BASE, DockerEngine, missing, running_engine
from support.installation import ENVIRONMENT, Installation, opened, server, task
from support.open_sockets import OpenSocket
from support.visitors import Visitor

pytestmark = pytest.mark.timeout(300)

DOI = "doi:10.5072/both"
TEXT = "x,y\n1,2\n"
SMALL = Resources(cpus=0.5, memory_gb=0.5)
RESTARTS = Restart(times=2, backoff_s=0.1)
CONNECTS_AS_SOMEBODY = """
import os, socket, sys
os.setgroups([]); os.setgid(65123); os.setuid(65123)
socket.socket(socket.AF_UNIX).connect(sys.argv[1])
"""


class Bench:
    """An installation whose runner has both executors, seen through one of them."""

    def __init__(self, place: Installation, engine: DockerEngine | None, data: Path, kind: str) -> None:
        self.place = place
        self.engine = engine
        self.data = data
        self.kind = kind
        self.books = Books(place, engine)
        self.runs = place.client.runs

    def launch(self, tool: str, *datasets: str, **wish: Any) -> Run:
        return self.place.client.launch(tool, *datasets, executor=self.kind, **wish)

    def opened(self, tool: str, *datasets: str) -> tuple[Run, Visitor]:
        """A tool that is ready, and a person who was let in."""
        run = self.ready(self.launch(tool, *datasets))
        assert run.executor == self.kind
        browser = self.place.visitor("admin")
        page = browser.get(f"{self.place.url}/open/{run.id}?path=/uid")
        assert (page.status, page.url) == (200, f"{run.url}/uid")
        return run, browser

    def ready(self, run: Run) -> Run:
        found = self.place.word(run.id, "Ready", "Failed", "Ended")
        assert found.ready, found.reason
        return found

    def delete(self, *runs: Run) -> None:
        for run in runs:
            self.runs.delete(run.id)
        self.books.close()

    def kill_tool(self, run: Run) -> None:
        """What `docker kill` does, or the kernel when memory is short."""
        if self.kind == "docker":
            assert self.engine is not None
            (container,) = self.engine.lines("ps", "--quiet", "--filter", f"label=alongside.run={run.id}")
            self.engine.docker("kill", container)
        else:
            for pid in self.books.tool_pids(run.id):
                if tool_programs.SERVER.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)

    def restarted(self, run: Run, times: int) -> Run:
        def look() -> Run | None:
            found = self.runs.show(run.id)
            return found if found.restarts == times and found.ready else None

        found = self.place.until(look, f"it was started again {times} times", within_s=30)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def installed(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Installation, DockerEngine | None, Path]]:
    if missing():
        with _installed(tmp_path_factory.mktemp("both"), None) as (place, data):
            yield place, None, data
    else:
        with running_engine() as engine, _installed(tmp_path_factory.mktemp("both"), engine) as both:
            yield both[0], engine, both[1]


class _installed:
    def __init__(self, folder: Path, engine: DockerEngine | None) -> None:
        self.data = opened(folder) / "data"
        (self.data / "more").mkdir(parents=True)
        (self.data / "table.csv").write_text(TEXT)
        (self.data / "more" / "note.txt").write_text("beside")
        self.data.chmod(0o777)
        executors = ("alongside.runner.executors.process",)
        runner: dict[str, Any] = {}
        if engine is not None:
            executors += ("alongside.runner.executors.docker",)
            runner = {"docker_socket": str(engine.socket), "tool_subnet": engine.subnet}
        self.place = Installation(
            folder,
            data=self.data,
            accounts={"running_max": 100},
            edge={"slots": 4},
            runner={"executors": executors, **runner},
        )

    def __enter__(self) -> tuple[Installation, Path]:
        place = self.place.__enter__()
        register = place.client.datasets.register
        register([{"site": "local", "path": str(self.data / "table.csv")}], identifiers=[DOI], title="Table")
        register([{"site": "local", "path": str(self.data / "more")}], identifiers=[f"{DOI}.more"])
        database = Component(
            name="database",
            environment=ENVIRONMENT,
            image=BASE,
            command=("python3", "-c", tool_programs.SERVER, "{port}", "database"),
            port=5432,
            probe=Probe(type="tcp"),
        )
        small = {"image": BASE, "resources": SMALL, "restart": RESTARTS}
        place.publish(task(image=BASE, input_path="/in/table.csv", resources=SMALL))
        place.publish(server("lab", **small))
        place.publish(server("port", where="{port}", **small))
        place.publish(server("two", tool_programs.SERVER, database, where="{port}", **small))
        return place, self.data

    def __exit__(self, *error: Any) -> None:
        self.place.__exit__(*error)


@pytest.fixture(params=["process", "docker"])
def bench(request: pytest.FixtureRequest, installed: tuple[Installation, DockerEngine | None, Path]) -> Bench:
    place, engine, data = installed
    if request.param == "docker" and engine is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Docker Engine for the tests: {missing()}")
        pytest.skip(f"NO DOCKER ENGINE: {missing()}")
    return Bench(place, engine, data, request.param)


def test_a_task_reads_a_file_where_it_is(bench: Bench, tmp_path: Path) -> None:
    run = bench.runs.wait(bench.launch("summary", DOI).id, timeout_s=60)
    assert (run.state, run.exit_code, run.executor) == ("complete", 0, bench.kind)
    (artifact,) = bench.runs.artifacts(run.id)
    assert bench.runs.download(run.id, artifact, tmp_path).read_text() == TEXT
    assert "progress: 10 reading" in bench.runs.log(run.id)
    bench.delete(run)


@pytest.mark.parametrize("tool", ["lab", "port"])
def test_a_tool_opens_beside_its_data_and_starts_again_with_its_home(bench: Bench, tool: str) -> None:
    run, browser = bench.opened(tool, DOI)
    assert browser.get(f"{run.url}/data/table.csv").text == TEXT
    assert browser.request("PUT", f"{run.url}/data/table.csv", body=b"mine").status == 403
    assert browser.request("PUT", f"{run.url}/notes.txt", body=b"kept").status == 200
    bench.runs.settle(bench.runs.stop(run.id))
    bench.place.word(run.id, "Stopped")
    bench.books.close()
    bench.runs.start(run.id)
    again = bench.ready(run)
    assert (again.url, again.attempt) == (run.url, 2)
    assert browser.get(f"{run.url}/notes.txt").text == "kept"
    bench.delete(run)


def test_a_dataset_appears_read_only_in_a_running_tool_and_goes_again(bench: Bench) -> None:
    run, browser = bench.opened("lab")
    bench.runs.settle(bench.runs.attach(run.id, DatasetUse(f"{DOI}.more", name="more")))
    (attached,) = bench.runs.show(run.id).datasets
    assert browser.get(f"{run.url}/data/more/note.txt").text == "beside"
    if attached.status == "mounted":
        assert browser.request("PUT", f"{run.url}/data/more/note.txt", body=b"mine").status == 403
        assert browser.request("PUT", f"{run.url}/data/more/new.txt", body=b"mine").status == 403
    else:
        assert attached.detail
        assert os.geteuid() != 0
    assert (bench.data / "more" / "note.txt").read_text() == "beside"
    bench.runs.settle(bench.runs.detach(run.id, "more"))
    assert browser.get(f"{run.url}/data").text == ""
    bench.delete(run)


def test_a_web_application_with_its_database_opens_through_the_edge(bench: Bench) -> None:
    run, browser = bench.opened("two", DOI)
    # The way through the front component to the other one, which no visitor can take directly.
    inside = browser.get(f"{run.url}/of/database/env")
    assert inside.status == 200
    assert f'"ALONGSIDE_RUN": "{run.id}"' in inside.text
    assert browser.get(f"{run.url}/of/database/data/table.csv").text == TEXT
    bench.runs.settle(bench.runs.stop(run.id))
    bench.place.word(run.id, "Stopped")
    said = [line for line in bench.runs.log(run.id).splitlines() if line.startswith(("listening", "asked"))]
    assert said == [
        "listening: database",
        "listening: two",
        "asked to end: two",
        "asked to end: database",
    ]
    bench.delete(run)


def test_no_tool_runs_as_root(bench: Bench) -> None:
    tools = [bench.opened(name)[0] for name in ("lab", "two")]
    job = bench.launch("summary", DOI, arguments={"sleep_s": 30})
    bench.place.word(job.id, "Running")
    for run in (*tools, job):
        pids = bench.place.until(lambda run=run: bench.books.tool_pids(run.id), "it has processes")
        for pid in pids:
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
            (uids,) = (line.split()[1:] for line in status if line.startswith("Uid:"))
            (effective,) = (line.split()[1] for line in status if line.startswith("CapEff:"))
            assert "0" not in uids, f"{run.tool}: process {pid} has uids {uids}"
            assert int(effective, 16) == 0, f"{run.tool}: process {pid} has capabilities {effective}"
    bench.delete(*tools, job)


@pytest.mark.parametrize("tool", ["lab", "port"])
def test_a_tool_is_reached_over_the_edge_and_in_no_other_way(bench: Bench, tool: str) -> None:
    victim, _ = bench.opened(tool)
    hostile, browser = bench.opened(tool)
    larger, _ = bench.opened("two")
    ports = [bench.place.config.edge.port, bench.place.config.hub.port, bench.place.config.dispatcher.port]
    targets = [f"127.0.0.1/{port}" for port in ports]
    for run in (victim, larger):
        for pid in bench.books.tool_pids(run.id):
            assert Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
        targets += [f"{address}/8000" for address in addresses(bench, run)]
    sockets = [*bench.books.work_dir.glob(f"s/{victim.id}-*/*.sock")]
    targets += [f"unix{socket}" for socket in sockets]
    for target in targets:
        assert browser.get(f"{hostile.url}/connect/{target}").text.startswith("refused"), target
    if bench.kind == "process":
        assert sockets
    if os.geteuid() == 0:
        for socket in sockets:
            argv = [sys.executable, "-c", CONNECTS_AS_SOMEBODY, str(socket)]
            told = subprocess.run(argv, capture_output=True, text=True)
            assert "PermissionError" in told.stderr, told
    bench.delete(victim, hostile, larger)


def test_a_tool_that_dies_is_started_again_until_that_has_happened_too_often(bench: Bench) -> None:
    run, browser = bench.opened("lab", DOI)
    browser.request("PUT", f"{run.url}/notes.txt", body=b"kept")
    for times in (1, 2):
        bench.kill_tool(run)
        found = bench.restarted(run, times)
        assert (found.url, found.attempt) == (run.url, 1)
        assert browser.get(f"{run.url}/notes.txt").text == "kept"
        assert browser.get(f"{run.url}/data/table.csv").text == TEXT
    bench.kill_tool(run)
    failed = bench.place.word(run.id, "Failed")
    assert (failed.state, failed.reason_code) == ("executor_error", "restarts_exhausted")
    assert "started 3 times" in failed.reason
    bench.books.close()
    # By hand it starts again, where its owner left it.
    bench.runs.start(run.id)
    assert bench.ready(run).attempt == 2
    assert browser.get(f"{run.url}/notes.txt").text == "kept"
    bench.delete(run)


@pytest.mark.parametrize("part", ["hub", "dispatcher", "runner"])
def test_open_sockets_of_every_executor_survive_the_death_of(
    installed: tuple[Installation, DockerEngine | None, Path], part: str
) -> None:
    place, engine, data = installed
    kinds = ("process", "docker") if engine else ("process",)
    benches = [Bench(place, engine, data, kind) for kind in kinds]
    tools = [bench.opened("port") for bench in benches]
    jobs = [bench.launch("summary", DOI, arguments={"sleep_s": 3}) for bench in benches]
    with ExitStack() as stack:
        sockets = [stack.enter_context(OpenSocket(browser, f"{run.url}")) for run, browser in tools]
        for socket in sockets:
            socket.say("before")
        place.strike(part)
        for socket in sockets:
            socket.say("after")
            assert socket.beats
    for bench, job, (run, _) in zip(benches, jobs, tools, strict=True):
        done = bench.runs.wait(job.id, timeout_s=60)
        assert done.state == "complete"
        bench.books.told_once(done)
        assert bench.runs.show(run.id).attempt == 1
    benches[0].delete(*jobs, *(run for run, _ in tools))


def test_images_are_there_before_the_first_launch_or_it_is_said_why_not(
    installed: tuple[Installation, DockerEngine | None, Path],
) -> None:
    place, engine, _ = installed
    if engine is None:
        pytest.skip(f"NO DOCKER ENGINE: {missing()}")
    admin = place.client.admin
    (done,) = admin.pulled("local", admin.pull("local", tool="lab"))
    assert (done.image, done.state, done.progress) == (BASE, "complete", 100)
    nowhere = "127.0.0.1:1/nowhere:1"
    (failed,) = admin.pulled("local", admin.pull("local", image=nowhere))
    assert (failed.state, failed.reason_code) == ("executor_error", "image_missing")
    assert nowhere in failed.reason
    assert {item.image for item in admin.images("local")} == {BASE, nowhere}


def test_a_killed_engine_retries_tasks_and_restarts_tools(
    installed: tuple[Installation, DockerEngine | None, Path],
) -> None:
    place, engine, data = installed
    if engine is None:
        pytest.skip(f"NO DOCKER ENGINE: {missing()}")
    bench = Bench(place, engine, data, "docker")
    run, browser = bench.opened("lab", DOI)
    browser.request("PUT", f"{run.url}/notes.txt", body=b"kept")
    job = bench.launch("summary", DOI, arguments={"sleep_s": 3})
    place.word(job.id, "Running")
    engine.stop(signal.SIGKILL)
    time.sleep(0.5)
    engine.start()
    done = bench.runs.wait(job.id, timeout_s=90)
    assert done.state == "complete"
    bench.books.told_once(done)
    tries = [(it.number, it.state, it.reason_code) for it in bench.runs.attempts(job.id)]
    assert tries == [(1, "system_error", "engine_restarted"), (2, "complete", None)]
    found = bench.restarted(run, 1)
    assert (found.url, found.attempt) == (run.url, 1)
    reasons = [event.reason_code for event in bench.runs.events(run.id) if event.kind == "restart"]
    assert reasons == ["engine_restarted"]
    assert browser.get(f"{run.url}/notes.txt").text == "kept"
    bench.delete(run, job)


def test_what_begins_while_the_engine_is_away_is_tried_again(
    installed: tuple[Installation, DockerEngine | None, Path],
) -> None:
    place, engine, data = installed
    if engine is None:
        pytest.skip(f"NO DOCKER ENGINE: {missing()}")
    bench = Bench(place, engine, data, "docker")
    engine.stop(signal.SIGKILL)
    try:
        # before the runner has told that its engine is away, and after it
        first = bench.launch("summary", DOI)
        time.sleep(1.5)
        second, tool = bench.launch("summary", DOI), bench.launch("lab", DOI)
        time.sleep(0.5)
        assert not {bench.runs.show(run.id).state for run in (first, second, tool)} & {"system_error"}
    finally:
        engine.start()
    for run in (first, second):
        assert bench.runs.wait(run.id, timeout_s=60).state == "complete"
    bench.ready(tool)
    bench.delete(first, second, tool)


def addresses(bench: Bench, run: Run) -> list[str]:
    """Where the run's containers are, if they have networks; none of them publishes a port."""
    if bench.engine is None:
        return []
    found = bench.engine.lines("ps", "--quiet", "--filter", f"label=alongside.run={run.id}")
    assert all(not bench.engine.docker("port", container).stdout for container in found)
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    return [address for it in found for address in bench.engine.lines("inspect", "--format", template, it)]
