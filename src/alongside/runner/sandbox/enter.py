"""Starts one more program in a sandbox: enters its namespaces, becomes its user, forks.

`python -m alongside.runner.sandbox.enter <descriptor>`: the descriptor is a SEQPACKET socket whose
first packet is the plan. Packets back: `{"started": true}`, then `{"exit": code}`, or `{"error": why}`.
Packets in between: `{"signal": number}`. When the socket is closed, the program is hung up on.

What waits for the program is a child of the sandbox's first process: it is counted with the sandbox's
memory and ends with it. Stdlib only, and nothing is imported after the sandbox's files are seen.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import termios
import time
from pathlib import Path
from typing import Any

from alongside.runner.sandbox import sftp, splice

PACKET_MAX = 1 << 17
HANG_UP_S = 2.0
NOT_FOUND, NOT_RUNNABLE = 127, 126

_KINDS = {"cgroup": 0x02000000, "ipc": 0x08000000, "uts": 0x04000000, "net": 0x40000000, "pid": 0x20000000}
_MOUNTS, _USERS = 0x00020000, 0x10000000
_NS_GET_PARENT = 0xB702
_PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 4, 24, 38
_CAPABILITY_VERSION_3 = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> int:
    control = socket.socket(fileno=int(arguments[-1]))
    plan = json.loads(control.recv(PACKET_MAX))
    try:
        # nobody inside may look into this process, or take its descriptors, before it has become theirs
        _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        _enter(plan["inside"], plan["uid"], plan["gid"], plan["groups"])
    except (OSError, ProcessLookupError) as error:
        control.send(json.dumps({"error": f"the sandbox cannot be entered: {error}"}).encode())
        return 1
    child = os.fork()
    if child == 0:
        # the process namespace is that of children only; a grandchild is adopted by its first process
        if os.fork() == 0:
            _attend(control, plan)
        os._exit(0)
    os.waitpid(child, 0)
    return 0


def _enter(inside: int, uid: int, gid: int, groups: list[int]) -> None:
    descriptors = {kind: os.open(f"/proc/{inside}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in _KINDS}
    if groups:
        os.umask(0o002)
    mounts = os.open(f"/proc/{inside}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    users = _users_above(inside)
    root = os.getuid() == 0
    if not root:
        # whoever made the topmost of them has every right in it, and so may enter what belongs to it
        _setns(users[-1], _USERS)
    for kind, descriptor in descriptors.items():
        if os.fstat(descriptor).st_ino != Path(f"/proc/self/ns/{kind}").stat().st_ino:
            _setns(descriptor, _KINDS[kind])
    _setns(mounts, _MOUNTS)
    for descriptor in (*descriptors.values(), mounts, *users[1:-1]):
        os.close(descriptor)
    if root:
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    if root or len(users) > 1:
        _setns(users[0], _USERS)
    for descriptor in {users[0], users[-1]}:
        os.close(descriptor)
    for number in range(64):
        _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    if _libc.capset(header, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "capabilities stay")
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _users_above(inside: int) -> list[int]:
    """The sandbox's user namespace and those around it, up to the one just below ours."""
    ours = Path("/proc/self/ns/user").stat().st_ino
    found = [os.open(f"/proc/{inside}/ns/user", os.O_RDONLY | os.O_CLOEXEC)]
    while True:
        above = fcntl.ioctl(found[-1], _NS_GET_PARENT)
        if os.fstat(above).st_ino == ours:
            return found
        found.append(above)


def _setns(descriptor: int, kind: int) -> None:
    if _libc.setns(descriptor, kind):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _attend(control: socket.socket, plan: dict[str, Any]) -> None:
    """Start the program, tell how it ends, pass signals on; never returns."""
    code = NOT_RUNNABLE
    try:
        os.setsid()
        terminal = _terminal(control, plan["terminal"]) if plan["terminal"] else None
        program = os.fork()
        if program == 0:
            control.close()
            _become(plan, terminal)
        nothing = os.open("/dev/null", os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        if terminal is not None:
            os.close(terminal)
        control.send(b'{"started": true}')
        code = _wait(control, program)
        control.send(json.dumps({"exit": code}).encode())
    except OSError:
        pass  # nobody wants to know any more
    finally:
        os._exit(0)


def _terminal(control: socket.socket, size: dict[str, int]) -> int:
    """A pseudo-terminal of the sandbox's own; the end that is ours goes out through the socket."""
    ours, theirs = os.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", size["rows"], size["cols"], 0, 0))
    socket.send_fds(control, [b'{"terminal": true}'], [ours])
    os.close(ours)
    return theirs


def _become(plan: dict[str, Any], terminal: int | None) -> None:
    """Turn this child into the program; never returns."""
    try:
        os.setsid()
        if terminal is not None:
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
            for number in range(3):
                os.dup2(terminal, number)
            os.close(terminal)
        os.sched_setaffinity(0, plan["cpus"])
        for name, value in plan["limits"].items():
            _limit(getattr(resource, name), value)
        os.umask(0o022)
        for folder in (plan["cwd"], "/tmp", "/"):
            with contextlib.suppress(OSError):
                os.chdir(folder)
                break
        if plan["kind"] == "files":
            os._exit(sftp.serve(0, 1))
        if plan["kind"] == "port":
            os._exit(splice.connect(plan["port"], 0, 1))
        os.execvpe(plan["argv"][0], plan["argv"], plan["env"])
    except FileNotFoundError:
        os.write(2, f"there is no program {plan['argv'][0]!r} here\n".encode())
        os._exit(NOT_FOUND)
    except BaseException as error:
        os.write(2, f"it cannot be started: {error}\n".encode())
        os._exit(NOT_RUNNABLE)


def _limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def _wait(control: socket.socket, program: int) -> int:
    """Its exit code as shells give it. A socket that was closed at the other end means: hang up."""
    ended = os.pidfd_open(program)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(control, select.POLLIN)
    kill_at: float | None = None
    while True:
        left = None if kill_at is None else max(0.0, kill_at - time.monotonic()) * 1000
        ready = {number for number, _ in poll.poll(left)}
        if ended in ready:
            _, status = os.waitpid(program, 0)
            if kill_at is not None:
                _signal(program, signal.SIGKILL)
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        if control.fileno() in ready:
            packet = _packet(control)
            if packet:
                _signal(program, json.loads(packet)["signal"])
            else:
                poll.unregister(control)
                _signal(program, signal.SIGHUP)
                kill_at = time.monotonic() + HANG_UP_S
        elif kill_at is not None:
            _signal(program, signal.SIGKILL)
            kill_at = time.monotonic() + HANG_UP_S


def _packet(control: socket.socket) -> bytes:
    try:
        return control.recv(PACKET_MAX)
    except OSError:
        return b""


def _signal(program: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
