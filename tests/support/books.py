"""The books of an installation: what a run may leave behind anywhere, which is nothing, and its story.

books = Books(place)
books.close()        # every run has ended: no process, folder, mount, route, slot or lease is left
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from alongside.runner.edge_client import EdgeClient
from alongside.spec.runs import FINAL, Run
from support.docker_engine import DockerEngine
from support.installation import Installation

CLOSED_WITHIN_S = 60.0
#: states in which a run holds nothing
AT_REST = frozenset((*FINAL, "paused"))


class Books:
    def __init__(self, place: Installation, engine: DockerEngine | None = None) -> None:
        self.place = place
        self.engine = engine
        self.work_dir = Path(place.config.runner.work_dir or place.config.data_dir / "runner").absolute()

    def close(self, *, within_s: float = CLOSED_WITHIN_S) -> None:
        """Wait until nothing of any run is left; every run must have been ended or deleted before.

        Homes and outputs of runs that still exist are theirs, and stay.
        """
        deadline = time.monotonic() + within_s
        while found := list(self.left()):
            if time.monotonic() > deadline:
                raise AssertionError("left behind:\n" + "\n".join(found))
            time.sleep(0.1)

    def left(self) -> Iterator[str]:
        """What would be wrong if nothing were running any more."""
        yield from self._at_the_hub()
        yield from self._processes()
        yield from self._files()
        if self.engine is not None:
            yield from self._containers(self.engine)

    def story(self, run: str) -> list[str]:
        """The states that the run went through, in their order."""
        return [event.state for event in self.place.client.runs.events(run) if event.kind == "state"]

    def told_once(self, run: Run) -> None:
        """However often anything was killed, each attempt ended at most once and the run in one state."""
        story = self.story(run.id)
        assert story, f"nothing is written about {run.id}"
        assert story[-1] == run.state, f"{run.id} is {run.state}, but its history ends with {story}"
        ends = Counter(state for state in story if state in FINAL)
        assert ends.total() <= 1, f"{run.id} ended more than once: {story}"

    def tool_pids(self, run: str) -> list[int]:
        """Every process inside the run's sandboxes or containers."""
        return [pid for pid, named in _alongside_runs() if named == run]

    def _at_the_hub(self) -> Iterator[str]:
        for run in self.place.client.runs.list(all=True):
            if run.state not in AT_REST:
                yield f"run {run.id} is {run.state}: {run.reason}"
        for runner in self.place.client.admin.runners():
            if runner.used.cpus or runner.used.memory_gb or runner.used.gpus or runner.runs:
                yield f"runner {runner.name} still has {runner.used} taken by {runner.runs}"
        with closing(
            sqlite3.connect(f"file:{self.place.config.data_dir}/hub.sqlite?mode=ro", uri=True)
        ) as db:
            for table, where in (("leases", "1"), ("attempts", "held"), ("outbox", "kind = 'assign'")):
                (count,) = db.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()
                if count:
                    yield f"{count} rows of {table} where {where}"
        known = {run.id for run in self.place.client.runs.list(all=True)}
        for run, address in asyncio.run(_routes(self.place.config.control_socket)).items():
            # a stopped run keeps the secrets of those who were let in
            if address or run not in known:
                yield f"a route of the edge: {run} to {address!r}"

    def _processes(self) -> Iterator[str]:
        attempts = f"{self.work_dir}/attempts/"
        for pid in self.place.leftovers():
            with suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
                if attempts in command:
                    yield f"process {pid}: {command[:200]}"
        known = {run.id for run in self.place.client.runs.list(all=True)}
        for pid, run in _alongside_runs():
            if run in known:
                yield f"process {pid} inside run {run}"

    def _files(self) -> Iterator[str]:
        for name in ("attempts", "orders", "s", "docker"):
            with suppress(FileNotFoundError):
                for entry in (self.work_dir / name).iterdir():
                    # what the executor finds out about its engine is no run's
                    if name != "docker" or "-" in entry.name:
                        yield f"folder {entry}"
        known = {run.id for run in self.place.client.runs.list(all=True)}
        for entry in (*self.work_dir.glob("runs/*"), *self.work_dir.glob("outputs/*")):
            if entry.name not in known:
                yield f"folder {entry} of a deleted run"
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            target = line.split(" ")[4]
            if Path(target).is_relative_to(self.work_dir):
                yield f"mount {target}"

    def _containers(self, engine: DockerEngine) -> Iterator[str]:
        label = f"label=alongside.runner={(self.work_dir.resolve() / 'docker')}"
        for container in engine.lines("ps", "--all", "--filter", label, "--format", "{{.Names}}"):
            yield f"container {container}"
        for network in engine.lines("network", "ls", "--filter", label, "--format", "{{.Name}}"):
            yield f"network {network}"


def _alongside_runs() -> Iterator[tuple[int, str]]:
    """(pid, run) of every process that was told which run it belongs to."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            for part in (entry / "environ").read_bytes().split(b"\0"):
                if part.startswith(b"ALONGSIDE_RUN="):
                    yield int(entry.name), part.partition(b"=")[2].decode()


async def _routes(control: Path) -> dict[str, str]:
    edge = EdgeClient(control)
    try:
        return {run: route["address"] for run, route in (await edge.routes()).items()}
    finally:
        await edge.close()
