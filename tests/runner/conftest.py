"""Runners under test: `lab` is a hub double, an edge double and runners on one work folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from alongside.config import Config, RunnerSettings, environment_name
from alongside.runner.executors import process
from alongside.runner.worker import Worker
from alongside.spec.tools import Component, Probe, Resources, Restart, ToolSpec
from alongside.spec.wire import DatasetMount, Source
from support import tool_programs
from support.edge_double import EdgeDouble
from support.endpoints import request
from support.hub_double import REGISTRATION_TOKEN, HubDouble

SMALL = Resources(cpus=0.5, memory_gb=0.5)
RUN_WORKER = """
import sys
from alongside.config import read
from alongside.runner.worker import main
sys.exit(main(read()))
"""


class Lab:
    def __init__(self, folder: Path, hub: HubDouble, edge: EdgeDouble) -> None:
        self.folder = folder
        self.hub = hub
        self.edge = edge
        self.work_dir = folder / "runner"
        self.data = folder / "data"
        self.data.mkdir()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.settings: dict[str, Any] = {
            "hub_url": hub.url,
            "name": "node",
            "registration_token": REGISTRATION_TOKEN,
            "work_dir": str(self.work_dir),
            "executors": ("alongside.runner.executors.process",),
            "data_roots": (str(self.data),),
            "environments": (f"python={sys.prefix}",),
            "edge_control": str(edge.socket),
        }

    def worker(self, **settings: Any) -> Worker:
        return Worker(Config(data_dir=self.folder, runner=RunnerSettings(**self.settings | settings)))

    @contextlib.asynccontextmanager
    async def runner(self, **settings: Any) -> AsyncIterator[Worker]:
        """A runner in this process; leaving it is what SIGTERM does."""
        worker = self.worker(**settings)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.leave()
            await asyncio.wait_for(task, 30)

    def process(self) -> subprocess.Popen[bytes]:
        """A runner of its own, to be killed."""
        environ = {"PATH": os.environ["PATH"], "ALONGSIDE_DATA_DIR": str(self.folder)}
        for name, value in self.settings.items():
            environ[environment_name(f"runner.{name}")] = (
                ",".join(value) if isinstance(value, tuple) else value
            )
        with (self.folder / "runner.log").open("ab") as log:
            running = subprocess.Popen(
                [sys.executable, "-c", RUN_WORKER], env=environ, stdout=log, stderr=log
            )
        self.processes.append(running)
        return running

    def dataset(self, name: str, *, mode: str = "mount", files: dict[str, str] | None = None) -> DatasetMount:
        """A folder of the site, registered."""
        path = self.data / name
        path.mkdir(exist_ok=True)
        for file, text in (files or {"points.txt": "points"}).items():
            (path / file).write_text(text)
        return DatasetMount(name, name, "copy" if mode == "copy" else "mount", (Source("folder", str(path)),))

    def file(self, name: str, text: str) -> DatasetMount:
        (self.data / name).write_text(text)
        return DatasetMount(name, name, "mount", (Source("file", str(self.data / name)),))

    async def ask(self, run: str, path: str, **how: Any) -> tuple[int, str]:
        """A request over the run's route at the edge."""
        return await request(self.edge.routes[run]["address"], path, **how)

    async def kill_everything(self) -> None:
        for running in self.processes:
            running.kill()
            running.wait()
        executor = process.create(RunnerSettings(), self.work_dir)
        await executor.orphans(frozenset())


def task(program: str = tool_programs.TASK, **members: Any) -> ToolSpec:
    env = {"ALONGSIDE_INPUT": members["input_path"]} if "input_path" in members else {}
    component = Component(environment="python", command=("python3", "-c", program), env=env)
    return ToolSpec("task", "1", "task", (component,), resources=members.pop("resources", SMALL), **members)


def server(*, probe: Probe | None = None, restart: Restart | None = None, **members: Any) -> ToolSpec:
    component = Component(
        environment="python",
        command=("python3", "-c", tool_programs.SERVER, "{socket}"),
        port=8888,
        probe=probe or Probe(path="/uid", interval_s=0.05, timeout_s=30),
        open_path="/uid",
    )
    restart = restart or Restart(times=2, backoff_s=0.05)
    return ToolSpec("server", "1", "interactive", (component,), resources=SMALL, restart=restart, **members)


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with HubDouble() as hub, EdgeDouble(tmp_path / "e.sock") as edge:
        made = Lab(tmp_path, hub, edge)
        yield made
        await made.kill_everything()
