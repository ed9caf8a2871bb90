"""What one start of an attempt consists of: decided before anything exists, kept in the handle."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from alongside import values
from alongside.runner import components, seats
from alongside.runner.executors import CannotStart, Handle, Job
from alongside.runner.executors.docker.body import GB, SOCKET_FOLDER, Bind, memory_bytes
from alongside.runner.executors.docker.mounts import MountFolder, show
from alongside.runner.jobs import SOCKET_PATH_MAX
from alongside.spec.tools import start_order


@dataclass(frozen=True)
class Part:
    """One component's container."""

    component: str
    container: str
    port: int | None = None


@dataclass(frozen=True)
class Launch:
    """`Handle.details`: enough to find, follow, reach and end everything without the job."""

    #: in the order they start
    parts: tuple[Part, ...]
    front: str
    network: str
    own_network: bool
    task: bool
    log: str
    #: of each container
    memory_gb: float
    uid: int
    #: the front component listens on a Unix socket
    socket: bool
    #: datasets can be mounted while it runs
    grows: bool
    #: of a task, from the start of its containers on, whether a runner is there or not
    time_limit_s: float | None = None

    @property
    def front_part(self) -> Part:
        return next(part for part in self.parts if part.component == self.front)

    @property
    def containers(self) -> tuple[str, ...]:
        return tuple(part.container for part in self.parts)

    def part(self, component: str) -> Part:
        return next(part for part in self.parts if part.component == component)


def key_of(handle: Handle) -> str:
    """The same as `Job.key`."""
    return f"{handle.run}-{handle.attempt}"


def launch_of(handle: Handle) -> Launch:
    return values.load(Launch, handle.details)


def plan(job: Job, start: int, *, bridge_separates: bool, can_mount: bool) -> Launch:
    """Containers, their names and their network. `bridge_separates`: the shared bridge keeps tools apart."""
    tool = job.assignment.tool
    parts = tuple(
        Part(component.name, f"alongside-{job.key}-{start}-{component.name}", component.port)
        for component in start_order(tool.components)
    )
    socket = tool.kind == "interactive" and components.uses_socket(tool.front)
    single = len(parts) == 1
    if single and not tool.network and (tool.kind == "task" or socket):
        network, own = "none", False
    elif single and bridge_separates:
        network, own = "alongside-open" if tool.network else "alongside-closed", False
    else:
        network, own = f"alongside-{job.key}", True
    return Launch(
        parts=parts,
        front=tool.front.name,
        network=network,
        own_network=own,
        task=tool.kind == "task",
        log=str(job.log),
        memory_gb=memory_bytes(job) / GB,
        uid=job.uid,
        socket=socket,
        grows=can_mount and job.data is not None,
        time_limit_s=(job.assignment.time_limit_s or tool.time_limit_s) if tool.kind == "task" else None,
    )


def binds(job: Job, folder: MountFolder, *, can_mount: bool) -> tuple[Bind, ...]:
    """Put the datasets in place and say what the containers get to see. Blocks; touches no container."""
    found: list[Bind] = []
    assignment = job.assignment
    if job.output is not None:
        found.append(Bind(job.output, assignment.tool.output_path))
    if job.home is not None:
        found.append(Bind(job.home, components.home_path(assignment)))
        for shown in job.folders:
            seats.below(job.home, shown.place, job.uid, job.gid)
            at = f"{components.home_path(assignment)}/{shown.place}"
            found.append(Bind(shown.source, at, read_only=shown.read_only))
    if any(components.uses_socket(component) for component in assignment.tool.components):
        found.append(Bind(_socket_folder(job, folder.folder), SOCKET_FOLDER))
    if job.data is not None:
        if job.home is not None:
            # A link that the person put there leads somewhere inside the container, and nowhere else.
            with suppress(CannotStart):
                seats.below(job.home, "data", job.uid, job.gid)
        found.append(Bind(job.data, components.data_path(assignment), grows=can_mount))
    if can_mount and job.data is not None:
        folder.share(job.data)
    for mount in job.mounts:
        if job.data is not None and mount.mode == "copy":
            continue
        if can_mount and job.data is not None:
            show(mount.source, job.data / mount.name)
        else:
            source = folder.stage(mount) if can_mount else mount.source
            found.append(Bind(source, components.mount_path(assignment, mount.name), read_only=True))
    return tuple(found)


def safe_socket(launch: Launch, folder: Path) -> Path:
    """A name for the tool's socket that the tool cannot make lead anywhere else.

    The tool may replace what is in its folder by a link to any socket of this machine, and the edge
    would follow it with rights of its own. A hard link in a folder of ours stays this socket.

    Raises:
        CannotStart: the tool does not listen yet.
    """
    listening, safe, part = folder / "socket" / "tool.sock", folder / "front.sock", folder / "front.part"
    part.unlink(missing_ok=True)
    try:
        os.link(listening, part, follow_symlinks=False)
    except FileNotFoundError:
        raise CannotStart("starting", "the tool does not listen yet") from None
    facts = part.lstat()
    if not stat.S_ISSOCK(facts.st_mode) or facts.st_uid != launch.uid:
        part.unlink()
        raise CannotStart("starting", "the tool made something else than a socket")
    if safe.exists() and safe.lstat().st_ino == facts.st_ino:
        part.unlink()
    else:
        part.replace(safe)
    return _short(safe)


def _short(path: Path) -> Path:
    """`path`, or another way to it that fits into a socket's address: a link in a folder of ours."""
    if len(os.fsencode(path)) <= SOCKET_PATH_MAX:
        return path
    link = _link(path.parent)
    base = link.parent
    base.mkdir(mode=0o711, exist_ok=True)
    facts = base.lstat()
    if facts.st_uid != os.getuid() or not stat.S_ISDIR(facts.st_mode):
        raise CannotStart(
            "sandbox_unavailable", f"{base} is somebody else's: set runner.work_dir to a shorter path"
        )
    if not link.is_symlink():
        link.symlink_to(path.parent)
    return link / path.name


def forget_socket(folder: Path) -> None:
    _link(folder).unlink(missing_ok=True)


def _link(folder: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"alongside-{os.getuid()}-sockets" / digest


def _socket_folder(job: Job, folder: Path) -> Path:
    """Emptied on each start: a socket left behind would look as if the tool listened."""
    listening = folder / "socket"
    listening.mkdir(mode=0o700, exist_ok=True)
    for left in (*listening.iterdir(), folder / "front.sock"):
        if not left.is_dir() or left.is_symlink():
            left.unlink(missing_ok=True)
    if os.geteuid() == 0:
        os.chown(listening, job.uid, job.gid)
    return listening
