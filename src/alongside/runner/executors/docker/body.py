"""What a container may do, as the Docker Engine's create body. Pure: nothing is asked or made here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alongside.runner import components, keeping
from alongside.runner.executors import Job
from alongside.spec.tools import Component

RUNNER, RUN, ATTEMPT, KEY = "alongside.runner", "alongside.run", "alongside.attempt", "alongside.key"
COMPONENT, START = "alongside.component", "alongside.start"

#: where a component that names {socket} finds the folder it may listen in
SOCKET_FOLDER = "/run/alongside"
SOCKET = f"{SOCKET_FOLDER}/tool.sock"
TASK_PIDS, TOOL_PIDS = 256, 2048
TASK_FILES, TOOL_FILES = 1024, 8192
LOG_LIMIT = "10m"
GB = 1_000_000_000


@dataclass(frozen=True)
class Image:
    """What matters of an image that is here."""

    id: str
    volumes: tuple[str, ...] = ()
    workdir: str = ""
    #: whether it says itself what to run
    runnable: bool = True
    #: where it looks for programs
    path: str = ""


@dataclass(frozen=True)
class Bind:
    """A folder or file of this machine and where the container sees it."""

    source: Path
    target: str
    read_only: bool = False
    #: mounts made below the source later appear in the container too
    grows: bool = False


@dataclass(frozen=True)
class Place:
    """What the executor decided for one component of one start."""

    name: str
    start: int
    runner: str
    #: a network's name, or `none`
    network: str
    binds: tuple[Bind, ...]
    #: the tool's components and their ports, for <NAME>_HOST and <NAME>_PORT
    neighbours: Mapping[str, int | None]


def create_body(job: Job, component: Component, image: Image, place: Place) -> dict[str, Any]:
    """The whole create body. A task is closed in; an interactive tool gets a root it may write to."""
    task = job.assignment.tool.kind == "task"
    body: dict[str, Any] = {
        "Image": image.id,
        "User": f"{job.uid}:{job.gid}",
        "Env": [f"{name}={value}" for name, value in environment(job, component, image, place).items()],
        "Hostname": component.name,
        "Labels": labels(job, component, place),
        # the probe is ours; an image's HEALTHCHECK would run its code every few seconds
        "Healthcheck": {"Test": ["NONE"]},
        "Tty": False,
        "OpenStdin": task,
        "StdinOnce": task,
        "AttachStdin": task,
        "HostConfig": _host_config(job, image, place, task=task),
    }
    if component.command:
        port = str(component.port or "")
        body["Cmd"] = components.command(job.assignment, component, port=port, socket=SOCKET)
    workdir = _workdir(job, component, image)
    if workdir:
        body["WorkingDir"] = workdir
    if place.network != "none":
        aliases = {"Aliases": [component.name]} if len(place.neighbours) > 1 else {}
        body["NetworkingConfig"] = {"EndpointsConfig": {place.network: aliases}}
    return body


def labels(job: Job, component: Component, place: Place) -> dict[str, str]:
    return {
        RUNNER: place.runner,
        KEY: job.key,
        RUN: job.assignment.run,
        ATTEMPT: str(job.assignment.attempt),
        COMPONENT: component.name,
        START: str(place.start),
    }


def environment(job: Job, component: Component, image: Image, place: Place) -> dict[str, str]:
    """What every executor tells, and here the addresses of the components beside this one."""
    values: dict[str, str] = {}
    task = job.assignment.tool.kind == "task"
    for name, port in place.neighbours.items():
        if name != component.name and port is not None:
            prefix = name.upper().replace("-", "_")
            values[f"{prefix}_HOST"] = name
            values[f"{prefix}_PORT"] = str(port)
    if not task:
        values.update(keeping.in_image())
        if image.path:
            values["PATH"] = f"{image.path}:{keeping.programs(components.home_path(job.assignment))}"
    port = str(component.port or "")
    return values | components.environment(job.assignment, component, port=port, socket=SOCKET)


def memory_bytes(job: Job) -> int:
    """The limit of each component: their sum is what placement counted for the run."""
    return int(job.assignment.resources.memory_gb * GB / len(job.assignment.tool.components))


def _host_config(job: Job, image: Image, place: Place, *, task: bool) -> dict[str, Any]:
    resources = job.assignment.resources
    memory = memory_bytes(job)
    config: dict[str, Any] = {
        "NetworkMode": place.network,
        "GroupAdd": [str(gid) for gid in job.gids],
        "ReadonlyRootfs": task,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "Init": True,
        "IpcMode": "private",
        "ShmSize": memory // 4,
        "Memory": memory,
        # the same number: no swap on top of it
        "MemorySwap": memory,
        "NanoCpus": int(resources.cpus * GB),
        "PidsLimit": TASK_PIDS if task else TOOL_PIDS,
        "Ulimits": list(_ulimits(job, task=task)),
        "Tmpfs": _tmpfs(job, image, place, memory, task=task),
        "Mounts": [_mount(bind) for bind in place.binds],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": LOG_LIMIT, "max-file": "2"}},
        # starting again is the worker's: it counts, waits and says so
        "RestartPolicy": {"Name": "no"},
    }
    if resources.gpus:
        config["DeviceRequests"] = [{"Count": resources.gpus, "Capabilities": [["gpu"]]}]
    return config


def _ulimits(job: Job, *, task: bool) -> Iterator[dict[str, Any]]:
    files = TASK_FILES if task else TOOL_FILES
    yield {"Name": "nofile", "Soft": files, "Hard": files}
    yield {"Name": "core", "Soft": 0, "Hard": 0}
    if job.assignment.resources.disk_gb:
        largest = int(job.assignment.resources.disk_gb * GB)
        yield {"Name": "fsize", "Soft": largest, "Hard": largest}


def _tmpfs(job: Job, image: Image, place: Place, memory: int, *, task: bool) -> dict[str, str]:
    """Scratch space, and a cover for each VOLUME: without one the engine makes a folder on the host's
    disk that no limit holds for. Their contents count as the container's memory."""
    program = "noexec" if task else "exec"
    options = f"rw,{program},nosuid,nodev,size={memory}"
    covered = {"/tmp": f"{options},mode=1777"}
    taken = {bind.target.rstrip("/") for bind in place.binds} | {"/tmp"}
    for path in image.volumes:
        if (clean := path.rstrip("/")) and clean not in taken:
            covered[clean] = f"{options},uid={job.uid},gid={job.gid},mode=0700"
    return covered


def _mount(bind: Bind) -> dict[str, Any]:
    return {
        "Type": "bind",
        "Source": str(bind.source),
        "Target": bind.target,
        "ReadOnly": bind.read_only,
        "BindOptions": {"Propagation": "rslave" if bind.grows else "rprivate"},
    }


def _workdir(job: Job, component: Component, image: Image) -> str | None:
    """A tool's own command starts in the home; an image that runs its own keeps the place it expects."""
    if job.assignment.tool.kind == "task":
        return None
    return components.home_path(job.assignment) if component.command or not image.workdir else None
