"""Whether a proxy process lives, and how it is ended; it may be the child of an edge that is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

#: between looks at whether a process lives
LOOK_S = 0.2
#: until a process that was asked to end is killed
STOP_S = 8.0


def is_alive(pid: int, child: asyncio.subprocess.Process | None) -> bool:
    if child is not None and child.pid == pid:
        return child.returncode is None
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return state != "Z"


async def until_gone(pid: int, child: asyncio.subprocess.Process | None) -> None:
    """Wait; a process that is nobody's child here can only be looked at."""
    while True:
        if not is_alive(pid, child):
            return
        await asyncio.sleep(LOOK_S)


async def end(pid: int, child: asyncio.subprocess.Process | None) -> None:
    """Stop a process that is known to be ours, and wait until it is gone."""
    for number, patience in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, 2.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if not is_alive(pid, child):
                return
            await asyncio.sleep(0.02)
