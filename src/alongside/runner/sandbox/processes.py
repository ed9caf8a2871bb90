"""Processes as /proc shows them: who they are, what they use, and when they are gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_CPU_TIMES = slice(11, 15)  # fields 14 to 17: its own in user and system mode, and of children that ended
_START_TIME = 19  # field 22 of /proc/<pid>/stat, counted after the command's name


def started(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; with its pid that is its identity.

    None if it is gone, and also if only its exit status is left.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[_START_TIME])


def alive(pid: int | None, start: int | None) -> bool:
    return pid is not None and start is not None and started(pid) == start


def kill(pid: int, start: int, number: int = signal.SIGKILL) -> bool:
    """Signal a process known by pid and start time; false if it is gone (never a later one)."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if not alive(pid, start):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


async def gone(pid: int, start: int) -> None:
    """Return once a process, not necessarily a child of ours, has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    try:
        if alive(pid, start):
            loop.add_reader(descriptor, ended.set)
            await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def memory_above(root: int, limit_bytes: int) -> bool:
    """Whether a process and its descendants together use more memory of their own than this."""
    members = list(family(root))
    # cheap first, and too high where forked processes still share pages; then exact
    if sum(_resident(pid) for pid in members) <= limit_bytes:
        return False
    return sum(_proportional(pid) for pid in members) > limit_bytes


def cpu_s(root: int) -> float:
    """Processor time of a process and its descendants, the ones that ended among them."""
    return sum(_ticks(pid) for pid in family(root)) / _TICKS_PER_S


def with_argument(text: str) -> Iterator[tuple[int, list[str]]]:
    """Processes that have an argument starting with `text`: (pid, arguments)."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                arguments = os.fsdecode((entry / "cmdline").read_bytes()).rstrip("\0").split("\0")
                if any(part.startswith(text) for part in arguments):
                    yield int(entry.name), arguments


def family(root: int) -> Iterator[int]:
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    waiting.extend(int(child) for child in (thread / "children").read_text().split())


def _resident(pid: int) -> int:
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * _PAGE


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(ticks) for ticks in fields[_CPU_TIMES])


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return _resident(pid)
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
