"""Runs attempts as containers; see `Executor` for what each method promises."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from aiodocker import Docker
from aiodocker.exceptions import DockerError

from alongside import values
from alongside.config import RunnerSettings
from alongside.runner import components
from alongside.runner.executors import (
    CannotMount,
    CannotStart,
    Exit,
    Handle,
    Inside,
    Job,
    Keep,
    Mount,
    Program,
    Progress,
)
from alongside.runner.executors.docker import containers, images, launch, mounts, networks, probe, programs
from alongside.runner.executors.docker.body import KEY, Bind, Image, Place, create_body
from alongside.runner.executors.docker.engine import Engine, EngineAway
from alongside.runner.executors.docker.launch import Launch, key_of, launch_of
from alongside.runner.executors.docker.logs import AttemptLog, Followers
from alongside.runner.executors.docker.stdin import Stdin
from alongside.spec.sites import ExecutorStatus
from alongside.spec.tools import Component

STOP_GRACE_S = 10.0

_log = structlog.get_logger(__name__)


class DockerExecutor:
    kind = "docker"

    def __init__(self, settings: RunnerSettings, work_dir: Path) -> None:
        self._engine = Engine(Path(settings.docker_socket))
        self._single = settings.identity == "single"
        self._folder = work_dir.resolve() / "docker"
        #: the label of everything made here: one engine may serve several runners
        self._runner = str(self._folder)
        self._networks = networks.Networks(settings.tool_subnet)
        #: why nothing can be mounted into containers; None until it was tried
        self._no_mounts: str | None = None
        self._followers = Followers(self._engine)
        self._feeders: set[asyncio.Task[None]] = set()
        #: keys of attempts that are being stopped or killed: how they end is then known
        self._ending: set[str] = set()
        #: keys of tasks found without the mark that says they have all of their stdin
        self._unfed: set[str] = set()
        #: the images of attempts that are about to start, by their names
        self._prepared: dict[str, dict[str, Image]] = {}
        #: of front containers; one that was started again is another container
        self._addresses: dict[str, str] = {}

    async def status(self) -> ExecutorStatus:
        try:
            info = await self._engine.facts()
            no_mounts = await self._mounts_refused()
        except EngineAway as trouble:
            return ExecutorStatus(self.kind, available=False, reason=str(trouble))
        if info.get("OSType") != "linux":
            return ExecutorStatus(self.kind, available=False, reason="the engine runs no Linux containers")
        return ExecutorStatus(
            self.kind,
            available=True,
            reason=f"datasets are copied into running tools: {no_mounts}" if no_mounts else "",
            single_tenant=not mounts.is_root() or self._single,
            can_attach=not no_mounts,
        )

    async def prepare(self, job: Job, progress: Progress) -> None:
        found: dict[str, Image] = {}
        async with self._starting() as docker:
            for component in job.assignment.tool.components:
                if not component.image:
                    continue
                image = await images.here(docker, component.image)
                if image is None:
                    await images.pull(docker, component.image, progress)
                else:
                    found[component.image] = image
        self._prepared[job.key] = found

    async def fetch(self, image: str, progress: Progress) -> None:
        async with self._starting() as docker:
            if await images.here(docker, image) is None:
                await images.pull(docker, image, progress)

    async def start(self, job: Job, keep: Keep, start: int = 1) -> Handle:
        self._ending.discard(job.key)
        async with self._starting() as docker:
            can_mount = not await self._mounts_refused()
            # without bridge-nf the engine's rule between containers of one bridge is never asked
            separates = bool((await self._engine.facts()).get("BridgeNfIptables", True))
            plan = launch.plan(job, start, bridge_separates=separates, can_mount=can_mount)
            assignment = job.assignment
            handle = Handle(self.kind, assignment.run, assignment.attempt, start, values.dump(plan))
            keep(handle)
            if start > 1:
                await containers.remove_all(docker, self._runner, job.key)
            try:
                await self._start_parts(docker, job, handle, plan)
            except BaseException:
                await asyncio.shield(self._undo(docker, job.key, plan))
                raise
        keep(handle)
        return handle

    async def adopt(self, handle: Handle) -> Handle | None:
        key, plan = key_of(handle), launch_of(handle)
        try:
            states = [await self._engine.inspect(part.container) for part in plan.parts]
        except EngineAway:
            # nothing can be known now; `wait` goes on asking
            states = None
        fed = not plan.task or self._stdin_done(key, handle.start).exists()
        if states is None and not fed:
            self._unfed.add(key)
        elif states is not None:
            complete = all(state is not None and state["State"]["Status"] != "created" for state in states)
            if not complete or not fed:
                await self.kill(handle)
                return None
        log = AttemptLog(Path(plan.log), self._folder / key / "log.json")
        log.resume()
        for part in plan.parts:
            self._followers.follow(part.container, log)
        return handle

    async def wait(self, handle: Handle) -> Exit:
        key, plan = key_of(handle), launch_of(handle)
        if key in self._unfed:
            await self.kill(handle)
            return Exit(None, reason_code="engine_restarted", reason="its arguments were not handed over")
        ending = partial(self._is_ending, key)
        watched = {
            asyncio.create_task(containers.ended(self._engine, plan, part, ending)): part
            for part in plan.parts
        }
        limit = asyncio.create_task(containers.overdue(self._engine, plan))
        try:
            await asyncio.wait({limit, *watched}, return_when=asyncio.FIRST_COMPLETED)
            if limit.done() and key not in self._ending:
                limit.result()
                await self._end(plan, self._politely(STOP_GRACE_S))
            done, others = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if others and key not in self._ending:
                # a tool without one of its components is of no use
                await self._end(plan, containers.kill)
            if others:
                await asyncio.wait(others)
            first = min(done, key=lambda task: plan.parts.index(watched[task]))
            ended = first.result()
        finally:
            for task in (limit, *watched):
                task.cancel()
        await self._followers.drain(plan.containers)
        return ended

    async def stop(self, handle: Handle, grace_s: float = 10.0) -> None:
        plan = launch_of(handle)
        self._ending.add(key_of(handle))
        await self._end(plan, self._politely(grace_s))
        await self._followers.drain(plan.containers)

    async def kill(self, handle: Handle) -> None:
        plan = launch_of(handle)
        self._ending.add(key_of(handle))
        await self._end(plan, containers.kill)
        await self._followers.drain(plan.containers)

    async def attach(self, handle: Handle, job: Job, mount: Mount) -> None:
        plan = launch_of(handle)
        if not plan.grows or job.data is None:
            raise CannotMount(self._no_mounts or "the tool was started without a folder that follows mounts")
        target = job.data / mount.name
        path = components.mount_path(job.assignment, mount.name)
        try:
            await asyncio.to_thread(mounts.show, mount.source, target)
            for part in plan.parts:
                state = await self._engine.inspect(part.container)
                await asyncio.to_thread(mounts.checked, state["State"]["Pid"] if state else 0, path)
        except (CannotMount, EngineAway, OSError) as error:
            await asyncio.to_thread(mounts.hide, target)
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise CannotMount(reason or str(error)) from None

    async def detach(self, handle: Handle, job: Job, name: str) -> None:
        if job.data is None:
            return
        if not launch_of(handle).grows:
            raise CannotMount("it goes away when the tool is started again")
        await asyncio.to_thread(mounts.hide, job.data / name)

    async def endpoint(self, handle: Handle) -> str:
        plan = launch_of(handle)
        front = plan.front_part
        if plan.socket:
            return f"unix:{launch.safe_socket(plan, self._folder / key_of(handle))}"
        if front.container not in self._addresses:
            async with self._starting():
                self._addresses[front.container] = await probe.address(self._engine, plan, front)
        return f"tcp:{self._addresses[front.container]}:{front.port}"

    async def enter(self, handle: Handle, job: Job, program: Program) -> Inside:
        plan = launch_of(handle)
        front = plan.front_part
        if program.kind == "port":
            with suppress(CannotStart, OSError):
                address = await probe.address(self._engine, plan, front)
                return await programs.join(address, program.port)
        tool = job.assignment.tool
        cwd = tool.output_path if tool.kind == "task" else components.home_path(job.assignment)
        return await programs.enter(self._engine, front.container, cwd, program)

    async def first_process(self, handle: Handle) -> int | None:
        with suppress(EngineAway):
            state = await self._engine.inspect(launch_of(handle).front_part.container)
            if state is not None and state["State"]["Running"]:
                pid = int(state["State"]["Pid"])
                return pid if await asyncio.to_thread(programs.is_of, pid, state["Id"]) else None
        return None

    async def cpu_s(self, handle: Handle) -> float | None:
        spent = [await self._engine.cpu_s(part.container) for part in launch_of(handle).parts]
        return None if None in spent else sum(seconds or 0.0 for seconds in spent)

    async def orphans(self, known: frozenset[str]) -> list[str]:
        killed: list[str] = []
        try:
            async with self._engine.asked() as docker:
                for container in await containers.of_runner(docker, self._runner):
                    if container.labels.get(KEY) not in known:
                        await containers.remove(docker, container.id)
                        killed.append(f"container {container.name}")
                for name, key in await networks.of_runner(docker, self._runner):
                    if key not in known:
                        await networks.remove(docker, name)
                        killed.append(f"network {name}")
        except EngineAway:
            return killed
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            if folder.name not in known:
                await asyncio.to_thread(self._forget_folder, folder)
        return killed

    async def clean(self, handle: Handle) -> None:
        key, plan = key_of(handle), launch_of(handle)
        await self._followers.leave(plan.containers)
        self._ending.discard(key)
        self._unfed.discard(key)
        self._prepared.pop(key, None)
        self._addresses.pop(plan.front_part.container, None)
        try:
            async with self._engine.asked() as docker:
                await containers.remove_all(docker, self._runner, key)
                if plan.own_network:
                    await networks.remove(docker, plan.network)
        except EngineAway:
            # its folder stays, so that `orphans` finishes this
            return
        await asyncio.to_thread(self._forget_folder, self._folder / key)

    async def close(self) -> None:
        await self._followers.leave()
        for feeder in self._feeders:
            feeder.cancel()
        await asyncio.gather(*self._feeders, return_exceptions=True)
        await self._engine.close()

    async def _start_parts(self, docker: Docker, job: Job, handle: Handle, plan: Launch) -> None:
        folder = mounts.MountFolder(self._folder / job.key)
        folder.make()
        can_mount = not self._no_mounts
        visible = await asyncio.to_thread(launch.binds, job, folder, can_mount=can_mount)
        await self._connect(docker, job, plan)
        log = AttemptLog(job.log, folder.folder / "log.json")
        log.begin()
        by_name = {component.name: component for component in job.assignment.tool.components}
        for part in plan.parts:
            component = by_name[part.component]
            try:
                await self._start_part(docker, job, handle, plan, component, visible)
            except DockerError as error:
                if not self._networks.has_lost(plan.network, error):
                    raise
                await containers.remove(docker, part.container)
                await self._connect(docker, job, plan)
                await self._start_part(docker, job, handle, plan, component, visible)
            self._followers.follow(part.container, log)
            if any(part.component in other.depends for other in by_name.values()):
                await probe.until_ready(self._engine, plan, part, component)

    async def _connect(self, docker: Docker, job: Job, plan: Launch) -> None:
        way_out = job.assignment.tool.network
        if plan.own_network:
            await self._networks.for_run(docker, job.key, self._runner, way_out=way_out)
        elif plan.network != "none":
            await self._networks.shared(docker, way_out=way_out)

    async def _start_part(
        self,
        docker: Docker,
        job: Job,
        handle: Handle,
        plan: Launch,
        component: Component,
        visible: tuple[Bind, ...],
    ) -> None:
        part = plan.part(component.name)
        image = self._prepared.get(job.key, {}).get(component.image or "")
        if image is None:
            image = await images.here(docker, component.image or "")
        if image is None:
            raise CannotStart("image_missing", f"image {component.image} is not at this engine")
        if not image.runnable and not component.command:
            raise CannotStart(
                "image_missing",
                f"image {component.image} does not say what to run: give {component.name} a command",
            )
        neighbours = {other.component: other.port for other in plan.parts}
        place = Place(part.container, handle.start, self._runner, plan.network, visible, neighbours)
        container = await docker.containers.create(
            create_body(job, component, image, place), name=part.container
        )
        stdin = await Stdin.attach(self._engine.socket, container.id) if plan.task else None
        try:
            self._unless_ending(job.key)
            await container.start()
            self._unless_ending(job.key)
        except BaseException:
            if stdin is not None:
                stdin.close()
            raise
        if stdin is not None:
            content = json.dumps(job.assignment.arguments).encode()
            self._feed(stdin.feed(content, self._stdin_done(job.key, handle.start)))

    def _politely(self, grace_s: float) -> Any:
        return partial(containers.stop, deadline=asyncio.get_running_loop().time() + grace_s)

    async def _end(self, plan: Launch, how: Any) -> None:
        """End every part, those that depend on others first; an engine that is away is waited for."""
        for part in reversed(plan.parts):
            while True:
                try:
                    async with self._engine.asked() as docker:
                        await how(docker, part.container)
                    break
                except EngineAway:
                    await self._engine.back()
                except DockerError as error:
                    # it has not ended yet, so this may not return
                    _log.warning("not_ended", container=part.container, error=error.message)
                    await asyncio.sleep(1.0)

    async def _undo(self, docker: Docker, key: str, plan: Launch) -> None:
        """After a start that failed half-way; the log of what did start is kept."""
        try:
            async with self._engine.asked():
                await containers.end_all(docker, self._runner, key)
                await self._followers.drain(plan.containers)
                await containers.remove_all(docker, self._runner, key)
                await networks.remove(docker, f"alongside-{key}")
        except (EngineAway, DockerError):
            # `orphans` finds what is left by its label
            return

    def _feed(self, feeding: Any) -> None:
        task = asyncio.create_task(feeding)
        self._feeders.add(task)
        task.add_done_callback(self._feeders.discard)

    async def _mounts_refused(self) -> str:
        if self._no_mounts is None:
            # an engine that is away would look like one in another place
            await self._engine.info()
            self._no_mounts = await asyncio.to_thread(mounts.refused, self._folder, self._engine.socket)
        return self._no_mounts

    def _forget_folder(self, folder: Path) -> None:
        launch.forget_socket(folder)
        try:
            mounts.MountFolder(folder).take_down()
        except OSError as error:
            # `orphans` tries again
            _log.warning("still_mounted", folder=str(folder), error=str(error))

    def _stdin_done(self, key: str, start: int) -> Path:
        return self._folder / key / f"stdin_done-{start}"

    def _is_ending(self, key: str) -> bool:
        return key in self._ending

    def _unless_ending(self, key: str) -> None:
        if key in self._ending:
            raise CannotStart("exited", "it was ended while it started")

    @asynccontextmanager
    async def _starting(self) -> AsyncIterator[Docker]:
        """Calls to the engine whose trouble means that an attempt cannot start."""
        try:
            async with self._engine.asked() as docker:
                yield docker
        except EngineAway as trouble:
            # it was there when the attempt was placed here: another one may find it back
            raise CannotStart("engine_restarted", str(trouble)) from None
        except DockerError as error:
            raise containers.refusal(error.message) from None
        except FileNotFoundError as error:
            raise CannotStart("data_missing", f"{error.filename} is not there") from None
