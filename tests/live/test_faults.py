"""kill -9 of hub, dispatcher and runner at every moment of a task and of an interactive run.

Gates hold a run in the moment that is meant: leases are long enough that each attempt has to survive.
"""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alongside.spec.runs import FINAL, Run
from alongside.spec.tools import Resources
from support import tool_programs
from support.books import Books
from support.installation import Installation, opened, server, task
from support.open_sockets import OpenSocket
from support.slow_hosts import SlowHost, slow_host

pytestmark = pytest.mark.timeout(300)

PARTS = ("hub", "dispatcher", "runner")
LEASE_TTL_S = 10.0
SMALL = Resources(cpus=0.5, memory_gb=0.5)
#: the soak (`python -m bench.soak`) tries many more
REPORT_SEEDS = (1,)
SLOW_TO_END = tool_programs.SERVER.replace("os._exit(0)", "time.sleep(1); os._exit(0)")

_keys = (f"k{number}" for number in itertools.count())


class Stage:
    """An installation with gates: the task ends, and staged files arrive, when the test says so."""

    def __init__(self, place: Installation, data: Path, host: SlowHost) -> None:
        self.place = place
        self.host = host
        self.books = Books(place)
        self.runs = place.client.runs
        self._gates = data / "gates"

    def task(self, *datasets: str) -> Run:
        # named by its gate, so that the gate can be found again
        key = next(_keys)
        arguments = {"gate": key}
        return self.place.client.launch("gated", "gates=doi:10.5072/gates", *datasets, arguments=arguments)

    def tool(self, *datasets: str) -> Run:
        return self.place.client.launch("lab", *datasets)

    def let_end(self, run: Run) -> None:
        (self._gates / run.request.arguments["gate"]).touch()

    def remote(self) -> str:
        """A dataset that has to be fetched and arrives only half until the host opens."""
        name = next(_keys)
        self.host.open.clear()
        location = [{"url": self.host.url(name)}]
        self.place.client.datasets.register(location, identifiers=[f"doi:10.5072/{name}"], title=name)
        return f"{name}=doi:10.5072/{name}"

    def reports(self, run: Run) -> list[dict[str, object]]:
        """What the runner has written down to report of the first attempt."""
        path = self.books.work_dir / "attempts" / f"{run.id}-1" / "reports.jsonl"
        try:
            return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
        except FileNotFoundError:
            return []

    def to_be_told(self, run: Run, kind: str, state: str | None = None) -> None:
        """Until such a report is written down, or the attempt is over and forgotten."""
        self.until(
            lambda: (
                any((it["kind"], it["state"]) == (kind, state) for it in self.reports(run))
                or self.runs.show(run.id).state in FINAL
            ),
            f"{kind} {state} is to be told",
        )

    def ordered_to_end(self, run: Run) -> bool:
        return (self.books.work_dir / "attempts" / f"{run.id}-1" / "ending.json").exists()

    def until(self, look: Callable[[], object], what: str) -> None:
        self.place.until(look, what, within_s=30)

    def completes(self, task: Run) -> None:
        self.let_end(task)
        done = self.runs.wait(task.id, timeout_s=30)
        assert (done.state, done.exit_code, done.attempt) == ("complete", 0, 1)
        assert [artifact.path for artifact in self.runs.artifacts(task.id)] == ["done.txt"]
        assert self.runs.log(task.id).count("began") == 1
        self.books.told_once(done)

    def opens(self, tool: Run) -> None:
        found = self.place.word(tool.id, "Ready", "Failed", "Ended", within_s=30)
        assert (found.ready, found.attempt, found.restarts) == (True, 1, 0), found.reason
        visitor = self.place.visitor("admin")
        assert visitor.get(f"{self.place.url}/open/{tool.id}?path=/uid").status == 200
        self.books.told_once(found)

    def tidy(self, *runs: Run) -> None:
        for run in runs:
            self.runs.delete(run.id)
        self.books.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = opened(tmp_path_factory.mktemp("faults"))
    data = folder / "data"
    (data / "gates").mkdir(parents=True)
    # three slots: one that is not given back is missed at once
    settings = {
        "accounts": {"running_max": 100},
        "dispatcher": {"lease_ttl_s": LEASE_TTL_S},
        "edge": {"slots": 3},
        "runner": {"egress_hosts": ("127.0.0.1",)},
    }
    with slow_host() as host, Installation(folder, data=data, **settings) as place:
        gates = [{"site": "local", "path": str(data / "gates")}]
        place.client.datasets.register(gates, identifiers=["doi:10.5072/gates"], title="Gates")
        place.publish(task("gated", tool_programs.GATED, resources=SMALL))
        place.publish(task("hog", tool_programs.GATED, resources=Resources(cpus=4, memory_gb=0.5)))
        place.publish(server("lab", SLOW_TO_END, resources=SMALL))
        yield Stage(place, data, host)


@pytest.mark.parametrize("part", PARTS)
def test_killed_while_runs_are_queued(stage: Stage, part: str) -> None:
    hog = stage.place.client.launch("hog", "gates=doi:10.5072/gates", arguments={"gate": f"hog-{part}"})
    stage.place.word(hog.id, "Running")
    task, tool = stage.task(), stage.tool()
    stage.until(
        lambda: all(stage.runs.show(run.id).reason_code == "waiting_for_capacity" for run in (task, tool)),
        "both wait",
    )
    stage.place.strike(part)
    assert {stage.runs.show(run.id).state for run in (task, tool)} == {"queued"}
    stage.let_end(hog)
    stage.completes(task)
    stage.opens(tool)
    stage.tidy(hog, task, tool)


@pytest.mark.parametrize("part", PARTS)
def test_killed_while_data_is_staged(stage: Stage, part: str) -> None:
    first, second = stage.remote(), stage.remote()
    task, tool = stage.task(first), stage.tool(second)
    stage.until(lambda: len(set(stage.host.asked)) >= 2, "both downloads are half-way")
    stage.host.asked.clear()
    stage.place.strike(part)
    assert {stage.runs.show(run.id).state for run in (task, tool)} == {"initializing"}
    stage.host.open.set()
    stage.completes(task)
    stage.opens(tool)
    stage.tidy(task, tool)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("part", PARTS)
def test_killed_while_runs_begin(stage: Stage, part: str, seed: int) -> None:
    chance = random.Random(f"{part}{seed}")
    task, tool = stage.task(), stage.tool()
    time.sleep(chance.uniform(0, 0.5))
    stage.place.strike(part, pause_s=chance.uniform(0, 0.5))
    stage.completes(task)
    stage.opens(tool)
    stage.tidy(task, tool)


@pytest.mark.parametrize("part", PARTS)
def test_killed_while_runs_run_and_a_person_works(stage: Stage, part: str) -> None:
    task, tool = stage.task(), stage.tool()
    stage.place.word(task.id, "Running")
    stage.opens(tool)
    visitor = stage.place.visitor("admin")
    url = stage.runs.show(tool.id).url
    visitor.get(f"{stage.place.url}/open/{tool.id}?path=/uid")
    with OpenSocket(visitor, f"{url}") as open_socket:
        open_socket.say("before")
        stage.place.kill(part)
        open_socket.say("while it is dead")
        stage.place.start(part)
        stage.until(stage.place.well, "all is well again")
        open_socket.say("after")
    stage.completes(task)
    stage.opens(tool)
    stage.tidy(task, tool)


@pytest.mark.parametrize("part", PARTS)
def test_killed_while_a_report_is_under_way(stage: Stage, part: str) -> None:
    for seed in REPORT_SEEDS:
        chance = random.Random(f"{part}{seed}")
        task, tool = stage.task(), stage.tool()
        stage.to_be_told(tool, "ready")
        stage.place.strike(part)
        stage.place.word(task.id, "Running")
        stage.let_end(task)
        stage.to_be_told(task, "state", "complete")
        time.sleep(chance.uniform(0, 0.03))
        stage.place.strike(part)
        stage.completes(task)
        stage.opens(tool)
        stage.tidy(task, tool)


@pytest.mark.parametrize("part", PARTS)
def test_killed_while_runs_are_stopping(stage: Stage, part: str) -> None:
    task, tool = stage.task(), stage.tool()
    stage.place.word(task.id, "Running")
    stage.opens(tool)
    stage.runs.cancel(task.id)
    stop = stage.runs.stop(tool.id)
    stage.until(lambda: stage.ordered_to_end(task) and stage.ordered_to_end(tool), "both are to end")
    stage.place.strike(part)
    assert stage.runs.settle(stop).state == "complete"
    canceled = stage.place.word(task.id, "Ended", within_s=30)
    stopped = stage.place.word(tool.id, "Stopped", within_s=30)
    assert (canceled.state, canceled.reason_code) == ("canceled", "canceled_by_owner")
    assert (stopped.state, stopped.reason_code) == ("paused", "stopped_by_owner")
    for run in (canceled, stopped):
        stage.books.told_once(run)
    stage.books.close()
    stage.tidy(task, tool)


def test_killed_all_at_once_while_a_person_works(stage: Stage) -> None:
    task, tool = stage.task(), stage.tool()
    stage.place.word(task.id, "Running")
    stage.opens(tool)
    visitor = stage.place.visitor("admin")
    visitor.get(f"{stage.place.url}/open/{tool.id}?path=/uid")
    with OpenSocket(visitor, f"{stage.runs.show(tool.id).url}") as open_socket:
        open_socket.say("before")
        stage.place.strike(*PARTS)
        open_socket.say("after")
    stage.completes(task)
    stage.opens(tool)
    stage.tidy(task, tool)
