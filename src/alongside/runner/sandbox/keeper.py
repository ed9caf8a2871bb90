"""Keeps one sandbox: starts it, holds its limits, and writes how it ended to disk.

Runs in a session of its own, so neither the runner's end nor its kill touches it or loses an exit
code. Forked by the nursery; `python -m alongside.runner.sandbox.keeper --check <plan.json>` tries a
sandbox that does nothing. Stdlib only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from alongside.runner import log_file
from alongside.runner.sandbox import mounts, processes

#: descriptors that the bwrap command line and the inside plan name
STATUS_FD = 10
EVENTS_FD = 11
LOOK_S = 0.25
EXIT_BYTES = 4096
#: where sources appear in the namespace that bwrap is started in
STAGE = Path("/tmp")


def main(arguments: list[str]) -> int:
    return _check(json.loads(Path(arguments[-1]).read_text()))


def keep(plan_file: Path, answer: int, *others: int) -> None:
    """Make and keep the sandbox of a plan, and say on a descriptor when it exists; closes `others`."""
    for descriptor in others:
        os.close(descriptor)
    os.setsid()
    started = os.fdopen(answer, "w")
    plan = json.loads(plan_file.read_text())
    try:
        Keeper(plan).run(started)
    except Exception as error:
        _write(Path(plan["exit"]), _exit(None, "sandbox_unavailable", f"the sandbox cannot be made: {error}"))
        with contextlib.suppress(OSError):
            started.close()


class Keeper:
    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.deadline = time.monotonic() + plan["time_limit_s"] if plan["time_limit_s"] else None
        self.verdict: tuple[str, str] | None = None
        self.killed_at: float | None = None

    def run(self, started: Any) -> None:
        signal.pthread_sigmask(
            signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
        )
        own = _own_namespace()
        # before a tool can fill the disk: how it ended must find room
        Path(self.plan["exit"]).with_suffix(".part").write_bytes(b" " * EXIT_BYTES)
        self._note(own, None, None)
        _redirect(self.plan)
        bwrap = _start(self.plan, own)
        inside = self._first_process(bwrap)
        if inside is not None:
            self._note(own, bwrap, inside)
            # a runner that was killed meanwhile does not listen; the next one reads the note
            with contextlib.suppress(BrokenPipeError), started:
                started.write("started\n")
        code = self._watch(bwrap, inside)
        _write(Path(self.plan["exit"]), self._outcome(code, inside), into_place=True)
        # without a sandbox, whoever waits looks for the reason that was written now
        if not started.closed:
            started.close()

    def _note(self, own: bool, bwrap: int | None, inside: int | None) -> None:
        """Who we are, for the runner after this one."""
        _write(
            Path(self.plan["keeper"]),
            {
                "keeper": os.getpid(),
                "keeper_started": processes.started(os.getpid()),
                "bwrap": bwrap,
                "bwrap_started": processes.started(bwrap) if bwrap else None,
                "inside": inside,
                "inside_started": processes.started(inside) if inside else None,
                "namespace": own,
            },
        )

    def _first_process(self, bwrap: int) -> int | None:
        """The sandbox's first process, once bwrap says that there is one."""
        while True:
            for line in Path(self.plan["status"]).read_text().splitlines():
                with contextlib.suppress(ValueError):
                    if "child-pid" in (said := json.loads(line)):
                        return said["child-pid"]
            if os.waitid(os.P_PID, bwrap, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return None
            time.sleep(0.002)

    def _watch(self, bwrap: int, inside: int | None) -> int:
        waited = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}
        while True:
            pid, status = os.waitpid(bwrap, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            info = signal.sigtimedwait(waited, LOOK_S)
            # the log, which nobody else keeps small while there is no runner
            log_file.keep_ends(1)
            if inside is None:
                continue
            if info is not None and info.si_signo != signal.SIGCHLD:
                self._end(inside)
            elif self.killed_at is not None:
                if time.monotonic() > self.killed_at:
                    _signal(inside, signal.SIGKILL)
            else:
                self._hold_limits(inside)

    def _hold_limits(self, inside: int) -> None:
        memory = self.plan["memory_bytes"]
        if memory and processes.memory_above(inside, memory):
            self.verdict = ("out_of_memory", f"used more than its memory limit of {memory / 1e9:g} GB")
            _signal(inside, signal.SIGKILL)
        elif self.deadline and time.monotonic() > self.deadline:
            self.verdict = (
                "time_limit",
                f"ran longer than its time limit of {self.plan['time_limit_s']:g} s",
            )
            self._end(inside)

    def _end(self, inside: int) -> None:
        _signal(inside, signal.SIGTERM)
        if self.killed_at is None:
            # its first process stops the tool within the grace and then ends; this is for when it cannot
            self.killed_at = time.monotonic() + self.plan["grace_s"] + 2

    def _outcome(self, code: int, inside: int | None) -> dict[str, Any]:
        if self.verdict:
            return _exit(code, *self.verdict)
        if inside is None:
            return _exit(None, "sandbox_unavailable", f"the sandbox cannot be made: {_last_line(self.plan)}")
        for line in Path(self.plan["events"]).read_text().splitlines():
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if said.get("event") == "failed":
                    return _exit(code, said["reason_code"], said["reason"])
        return _exit(code, None, "")


def _own_namespace() -> bool:
    """Root needs one to show sources to other uids; for others it is what attaching needs.

    Tried in a child first: some systems let a process make one and then refuse every mount in it,
    and who is in there does not get out again.
    """
    if os.getuid() != 0:
        child = os.fork()
        if child == 0:
            try:
                mounts.own_namespace()
                mounts.tmpfs(STAGE)
            except OSError:
                os._exit(1)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            return False
    mounts.own_namespace()
    return True


def _redirect(plan: dict[str, Any]) -> None:
    """Input, output and the two status files, at the numbers that bwrap is told."""
    append = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    for number, path, flags in (
        (0, plan["stdin"] or "/dev/null", os.O_RDONLY),
        (1, plan["log"], append),
        (2, plan["log"], append),
        (STATUS_FD, plan["status"], append | os.O_TRUNC),
        (EVENTS_FD, plan["events"], append | os.O_TRUNC),
    ):
        _set(number, os.open(path, flags, 0o600))


def _set(number: int, opened: int) -> None:
    if opened == number:
        os.set_inheritable(number, True)
    else:
        os.dup2(opened, number, inheritable=True)
        os.close(opened)


def _start(plan: dict[str, Any], own: bool) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.pthread_sigmask(
            signal.SIG_UNBLOCK, {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
        )
        argv = _staged(plan) if own else real_argv(plan)
        if plan["groups"]:
            # what people make in a folder of their group is their group's too
            os.umask(0o002)
        if os.getuid() == 0:
            os.setgroups(plan["groups"])
            os.setresgid(plan["gid"], plan["gid"], plan["gid"])
            os.setresuid(plan["uid"], plan["uid"], plan["uid"])
        os.execve(argv[0], argv, {})
    except BaseException as error:
        os.write(2, f"bwrap: {error}\n".encode())
    os._exit(1)


def _staged(plan: dict[str, Any]) -> list[str]:
    """The command with sources that any uid can reach, whatever folders they are below."""
    mounts.another_namespace()
    trees = [mounts.clone(Path(source["path"]), read_only=source["read_only"]) for source in plan["sources"]]
    mounts.tmpfs(STAGE)
    for number, (source, tree) in enumerate(zip(plan["sources"], trees, strict=True)):
        place = STAGE / str(number)
        if source["folder"]:
            place.mkdir()
        else:
            place.touch()
        mounts.place(tree, place)
        os.close(tree)
    return [str(STAGE / part[1:]) if part.startswith("@") else part for part in plan["argv"]]


def real_argv(plan: dict[str, Any]) -> list[str]:
    """The command with sources where they are, for when there is no namespace to stage them in."""
    found: list[str] = []
    for part in plan["argv"]:
        number, slash, rest = part[1:].partition("/")
        found.append(plan["sources"][int(number)]["path"] + slash + rest if part.startswith("@") else part)
    return found


def _check(plan: dict[str, Any]) -> int:
    """Say as JSON whether a sandbox can be made here, and whether things can be attached to it later."""
    own = _own_namespace()
    _set(STATUS_FD, os.open("/dev/null", os.O_WRONLY))
    pid = _start(plan, own)
    _, status = os.waitpid(pid, 0)
    sys.stdout.write(json.dumps({"sandbox": status == 0, "attach": own}))
    return 0


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _exit(code: int | None, reason_code: str | None, reason: str) -> dict[str, Any]:
    return {"exit_code": code, "reason_code": reason_code, "reason": reason}


def _last_line(plan: dict[str, Any]) -> str:
    with contextlib.suppress(OSError):
        lines = Path(plan["log"]).read_text(errors="replace").splitlines()
        return next((line for line in reversed(lines) if line.startswith("bwrap: ")), "bwrap ended")
    return "bwrap ended"


def _write(path: Path, content: dict[str, Any], *, into_place: bool = False) -> None:
    """Whole or not at all, also when the power goes; into the place taken for it, if there is one."""
    partial = path.with_suffix(".part")
    text = json.dumps(content).encode()
    with partial.open("r+b" if into_place and partial.exists() else "wb") as file:
        file.write(text.ljust(EXIT_BYTES) if into_place else text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
