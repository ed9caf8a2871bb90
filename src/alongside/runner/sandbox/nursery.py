"""Where keepers come from: a process that has loaded what they need, and forks one for each start.

A Python of its own for each keeper would take longer to begin than the sandbox that it makes. Keepers live on
without the nursery, which ends with the runner that began it; one that was killed is begun anew.
`python -m alongside.runner.sandbox.nursery <descriptor> <room for names>`. Stdlib only.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import fcntl
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from alongside.runner.sandbox import keeper

PATH_BYTES = 4096
#: above the descriptors that a keeper and its sandbox have by number
FREE_FD = 20
KEEPER = keeper.__spec__.name if keeper.__spec__ else keeper.__name__


class Nursery:
    """The runner's side. May be called from several threads."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def keep(self, plan: Path) -> str:
        """Have a keeper for this plan, and return what it says once the sandbox exists."""
        said, asked = self._keep(plan)
        if not said and _is_gone(asked):
            # The question was on its way when the nursery was killed; a keeper would hold the pipe.
            said, _ = self._keep(plan)
        return said

    def _keep(self, plan: Path) -> tuple[str, subprocess.Popen[bytes]]:
        reader, writer = os.pipe()
        try:
            with self._turn:
                asked = self._ask(plan, writer)
        finally:
            os.close(writer)
        with os.fdopen(reader) as answer:
            return answer.read().strip(), asked

    def close(self) -> None:
        with self._turn:
            self._end()

    def __del__(self) -> None:
        """A runner's end without a word is no more than a closed socket to the nursery."""
        self._end()

    def _ask(self, plan: Path, writer: int) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self._end()
        try:
            return self._send(plan, writer)
        except OSError:
            # it was killed: nothing of this start has begun
            self._end()
            return self._send(plan, writer)

    def _send(self, plan: Path, writer: int) -> subprocess.Popen[bytes]:
        if self._socket is None or self._process is None:
            self._socket, self._process = self._begin()
        socket.send_fds(self._socket, [os.fsencode(plan)], [writer])
        return self._process

    def _begin(self) -> tuple[socket.socket, subprocess.Popen[bytes]]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-m", __spec__.name, str(theirs.fileno()), " " * PATH_BYTES],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        return ours, process

    def _end(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self._process = None


def _is_gone(process: subprocess.Popen[bytes]) -> bool:
    """Whether it ended; its descriptors are closed a moment before that can be seen."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)
        return True
    return False


def main(descriptor: int) -> int:
    """Fork until whoever began this is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    with socket.socket(fileno=descriptor) as asked:
        while True:
            message, descriptors, _, _ = socket.recv_fds(asked, PATH_BYTES, 1)
            if not message or not descriptors:
                return 0
            if os.fork() == 0:
                _become_keeper(asked, Path(os.fsdecode(message)), descriptors[0])
            os.close(descriptors[0])


def _become_keeper(asked: socket.socket, plan: Path, answer: int) -> None:
    try:
        asked.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _be_called([sys.executable, "-I", "-m", KEEPER, str(plan)])
        keeper.keep(plan, fcntl.fcntl(answer, fcntl.F_DUPFD_CLOEXEC, FREE_FD), answer)
    finally:
        os._exit(0)


def _be_called(arguments: list[str]) -> None:
    """Show these arguments in /proc, by which a runner finds keepers that had no time to say who they are."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        begin, end = int(fields[45]), int(fields[46])
        shown = b"\0".join(map(os.fsencode, arguments)) + b"\0"
        if len(shown) <= end - begin:
            room = array.array("B", shown.ljust(end - begin, b"\0"))
            ctypes.memmove(begin, room.buffer_info()[0], len(room))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
