"""Executors that the conformance suite runs on, each as a `Bench` that knows how tools are made there.

Fixtures: `bench` (parametrised over BENCHES). An executor joins by adding its Bench class.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from alongside.config import RunnerSettings
from alongside.runner.executors import Executor, Handle, Job, Mount, docker, process
from alongside.spec.tools import Component, Probe, Resources, ToolSpec
from alongside.spec.wire import Assignment, DatasetMount, Owner, Source
from support import tool_programs
from support.docker_engine import BASE, DockerEngine, docker_engine

__all__ = ["docker_engine"]

_numbers = itertools.count(1)


class Bench:
    """An executor under test with a work folder, and jobs for it."""

    kind: str
    #: the fixture of the service that it runs on; it becomes `engine` of the class
    needs: str | None = None

    def __init__(self, work_dir: Path) -> None:
        self.work_dir = work_dir
        self.executor: Executor = self.another()
        self.handles: list[Handle] = []

    def another(self) -> Executor:
        """A new executor on the same work folder, as after a restart of the runner."""
        raise NotImplementedError

    def component(self, program: str, *arguments: str, **members: Any) -> Component:
        """A component that runs a Python program."""
        raise NotImplementedError

    async def unavailable(self) -> str | None:
        status = await self.executor.status()
        return None if status.available else status.reason

    def task(self, program: str = tool_programs.TASK, **members: Any) -> ToolSpec:
        env = {"ALONGSIDE_INPUT": members["input_path"]} if "input_path" in members else {}
        component = self.component(program, env=env)
        return ToolSpec(name="task", version="1", kind="task", components=(component,), **members)

    def server(self, *extra: Component, where: str = "{port}", **members: Any) -> ToolSpec:
        """The interactive double; `extra` components come before it."""
        front = self.component(
            tool_programs.SERVER,
            where,
            "front",
            port=8000,
            probe=Probe(path="/uid"),
            depends=tuple(component.name for component in extra),
        )
        return ToolSpec(name="server", version="1", kind="interactive", components=(*extra, front), **members)

    def job(
        self,
        tool: ToolSpec,
        *,
        arguments: dict[str, Any] | None = None,
        mounts: dict[str, Path] | None = None,
        resources: Resources | None = None,
        **members: Any,
    ) -> Job:
        run = f"01j{next(_numbers):023d}"
        root = os.getuid() == 0
        uid, gid = (64_001, 64_001) if root else (os.getuid(), os.getgid())
        staged = tuple(
            Mount(name, name, "folder" if path.is_dir() else "file", path)
            for name, path in (mounts or {}).items()
        )
        assignment = Assignment(
            run=run,
            attempt=1,
            lease="lease",
            owner=Owner("account", "alice"),
            executor=self.kind,
            tool=tool,
            datasets=tuple(
                DatasetMount(mount.name, mount.name, "mount", (Source(mount.kind, str(mount.source)),))
                for mount in staged
            ),
            arguments=arguments or {},
            resources=resources or tool.resources,
            token="token",
            **members,
        )
        attempt = self.work_dir / "attempts" / f"{run}-1"
        attempt.mkdir(parents=True, mode=0o700)
        paths: dict[str, Path] = {}
        for name in ("home", "data") if tool.kind == "interactive" else ("output",):
            paths[name] = self.work_dir / "made" / run / name
            paths[name].mkdir(parents=True)
            if root and name != "data":
                os.chown(paths[name], uid, gid)
        job = Job(assignment, attempt, attempt / "log", uid, gid, mounts=staged, **paths)
        for mount in staged:
            self.seat(job, mount)
        return job

    def seat(self, job: Job, mount: Mount) -> None:
        """The empty entry in the data folder that a mount sits on."""
        if job.data and mount.kind == "folder":
            (job.data / mount.name).mkdir()
        elif job.data:
            (job.data / mount.name).touch()

    async def start(self, job: Job, *, start: int = 1) -> Handle:
        await self.executor.prepare(job, lambda percent, message: None)
        handle = await self.executor.start(job, self.handles.append, start)
        self.handles.append(handle)
        return handle

    async def end(self) -> None:
        for handle in self.handles:
            await self.executor.kill(handle)
            await self.executor.clean(handle)
        await self.executor.close()


class ProcessBench(Bench):
    kind = "process"

    def another(self) -> Executor:
        return process.create(RunnerSettings(environments=(f"python={sys.prefix}",)), self.work_dir)

    def component(self, program: str, *arguments: str, **members: Any) -> Component:
        return Component(environment="python", command=("python3", "-c", program, *arguments), **members)


class DockerBench(Bench):
    kind = "docker"
    needs = "docker_engine"
    engine: DockerEngine

    def another(self) -> Executor:
        settings = RunnerSettings(docker_socket=str(self.engine.socket), tool_subnet=self.engine.subnet)
        return docker.create(settings, self.work_dir)

    def component(self, program: str, *arguments: str, **members: Any) -> Component:
        return Component(image=BASE, command=("python3", "-c", program, *arguments), **members)


BENCHES: list[type[Bench]] = [ProcessBench, DockerBench]


@pytest.fixture(params=BENCHES, ids=lambda kind: kind.kind)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    if request.param.needs:
        request.param.engine = request.getfixturevalue(request.param.needs)
    made = request.param(tmp_path / "runner")
    if why := await made.unavailable():
        if os.environ.get("CI"):
            raise AssertionError(f"{made.kind} is not available: {why}")
        pytest.skip(f"{made.kind} is not available: {why}")
    yield made
    await made.end()
