"""The processes of an installation, kept running: one that dies is started again, ever more slowly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alongside.cli.serve import LIFELINE
from alongside.errors import Misconfigured

BACKOFF_S = (0.2, 0.5, 1, 2, 5, 10, 30)
#: a part that ran so long was well; its next failure starts the back-off anew
WELL_AFTER_S = 60.0
LOG_KEPT_BYTES = 20_000_000
LOG_TOLD_LINES = 12
GRACE_S = 15.0


def served(name: str) -> Sequence[str]:
    return (sys.executable, "-m", "alongside.cli", "serve", name)


@dataclass
class Part:
    """One child process, `alongside serve <name>`."""

    name: str
    log: Path
    environment: Mapping[str, str]
    #: what its files may be read by: the store's are nobody else's
    umask: int = 0o022
    process: asyncio.subprocess.Process | None = None
    #: set while it should be up
    wanted: bool = True
    #: until the installation stands, an exit is told instead of tried again
    settled: bool = False
    starts: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Parts:
    """Starts, watches and stops the parts; one task each."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        say: Callable[[str], None],
        command: Callable[[str], Sequence[str]] = served,
    ) -> None:
        self._command = command
        self._folder = folder
        self._environment = dict(environment)
        self._say = say
        self._parts: dict[str, Part] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # Children read one end; that the other end closes tells them that we are gone.
        self._lifeline, self._ours = os.pipe()

    def start(self, name: str, *, umask: int = 0o022) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = Part(name, self._folder / f"{name}.log", self._environment, umask)
        self._parts[name] = part
        self._tasks[name] = asyncio.create_task(self._keep(part), name=name)

    def settle(self) -> None:
        """From now on a part that ends is started again instead of giving up."""
        for part in self._parts.values():
            part.settled = True

    def check(self) -> None:
        """
        Raises:
            Misconfigured: a part ended while the installation was starting, with its last words.
        """
        for part in self._parts.values():
            if part.ended.is_set() and not part.settled:
                raise Misconfigured(
                    f"the {part.name} did not start; the end of {part.log}:\n{last_lines(part.log)}"
                )

    async def stop(self, name: str) -> None:
        """SIGTERM, and SIGKILL for one that does not listen; returns when it is gone."""
        part, task = self._parts.pop(name), self._tasks.pop(name)
        part.wanted = False
        process = part.process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), GRACE_S)
            except TimeoutError:
                self._say(f"The {name} does not end: killing it")
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def stop_all(self) -> None:
        """In the order they were started, reversed."""
        for name in reversed(list(self._parts)):
            await self.stop(name)
        os.close(self._ours)
        os.close(self._lifeline)

    async def _keep(self, part: Part) -> None:
        failures = 0
        while part.wanted:
            began = time.monotonic()
            code = await self._run(part)
            if not part.wanted:
                return
            if not part.settled:
                part.ended.set()
                return
            failures = 0 if time.monotonic() - began > WELL_AFTER_S else failures + 1
            pause = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
            self._say(f"The {part.name} ended ({_how(code)}); starting it again. Its log: {part.log}")
            await asyncio.sleep(pause)

    async def _run(self, part: Part) -> int:
        _shorten(part.log)
        with part.log.open("ab") as log:
            part.starts += 1
            part.process = await asyncio.create_subprocess_exec(
                *self._command(part.name),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches us alone: what to stop first is ours to decide.
                start_new_session=True,
                umask=part.umask,
                pass_fds=(self._lifeline,),
                env={**part.environment, LIFELINE: str(self._lifeline)},
            )
        return await part.process.wait()


def last_lines(log: Path, count: int = LOG_TOLD_LINES) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "(it wrote nothing)"
    return "\n".join(f"  {line}" for line in lines[-count:]) or "  (it wrote nothing)"


def _shorten(log: Path) -> None:
    """Keep one older file when the log has become long."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_KEPT_BYTES:
            log.replace(log.with_suffix(".log.1"))


def _how(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
