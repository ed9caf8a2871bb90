"""Supervises one HAProxy and tells it which secret opens which tool.

HAProxy runs in a session of its own, so an edge that is killed leaves it and every open WebSocket
alone; the next edge finds it by its runtime socket and goes on with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import structlog

from alongside.edge.haproxy_config import MAP, RUNTIME, Settings, render, slot_socket
from alongside.edge.process import LOOK_S, end, until_gone
from alongside.edge.proxy import Counters, Door, Proxy
from alongside.edge.records import replace_file
from alongside.edge.runtime import Runtime, map_value
from alongside.errors import Misconfigured, Unavailable

log = structlog.get_logger("edge")

START_S = 15.0
RESTART_WAIT_MAX_S = 5.0
#: connections per file descriptor: one to the client, one to the tool
DESCRIPTORS_PER_CONNECTION = 2
DESCRIPTORS_OF_ITS_OWN = 200
MAXCONN = 10_000
#: with its own settings, glibc gives the memory of each buffer back to the kernel and asks for it again
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": str(64 << 20), "MALLOC_TOP_PAD_": str(1 << 20)}
#: Debian puts it where the PATH of a common user does not look
SBIN = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


def find() -> str | None:
    """The haproxy program of this machine, if there is one."""
    return shutil.which("haproxy", path=os.pathsep.join([os.environ.get("PATH", ""), *SBIN]))


def maxconn() -> int:
    """As many connections as the limit on open files allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = 10**6 if hard == resource.RLIM_INFINITY else hard
    return max(64, min(MAXCONN, (files - DESCRIPTORS_OF_ITS_OWN) // DESCRIPTORS_PER_CONNECTION))


class Haproxy(Proxy):
    """See `Proxy`; the folder holds the configuration, the map, the slots and the sockets."""

    name = "haproxy"
    shares = True
    limits = ()

    def __init__(self, program: str, folder: Path, settings: Settings) -> None:
        self._program = program
        self._folder = folder
        text = render(settings)
        #: HAProxy repeats this in `show info`: by it we know whether a running one has our settings
        self._mark = hashlib.sha256(text.encode()).hexdigest()[:32]
        self._text = text.replace("global\n", f"global\n    description alongside-{self._mark}\n", 1)
        self._slots = settings.slots
        self._runtime = Runtime(folder / RUNTIME)
        self._doors: Callable[[], Sequence[Door]] = tuple
        self._child: asyncio.subprocess.Process | None = None
        self._pid = 0
        self._restarts = 0
        self._serves = False
        #: held while the process starts: a command waits and then speaks to the new one
        self._starting = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None

    async def start(self, doors: Callable[[], Sequence[Door]]) -> None:
        """Adopt the HAProxy that an earlier edge left, or start one.

        Raises:
            Misconfigured: it does not start; its own words are in the message.
        """
        self._doors = doors
        async with self._starting:
            if not await self._adopt():
                await self._launch()
        self._watch = asyncio.create_task(self._supervise(), name="haproxy")

    async def stop(self) -> None:
        if self._watch:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        if self._pid:
            await end(self._pid, self._child)
        self._pid = 0
        (self._folder / RUNTIME).unlink(missing_ok=True)

    async def is_running(self) -> bool:
        """Whether a HAProxy of this folder answers, ours or one that an earlier edge left."""
        try:
            await self._runtime.info()
        except OSError:
            return False
        return True

    async def add(self, doors: Iterable[Door]) -> None:
        doors = list(doors)
        async with self._reachable():
            await self._runtime.let_go(self._point(doors))
            await self._runtime.add(doors)

    async def drop(self, doors: Iterable[Door]) -> None:
        async with self._reachable():
            await self._runtime.drop(doors)

    async def close(self, slots: Iterable[int]) -> int:
        slots = list(slots)
        counted: Mapping[int, Counters] = {}
        async with self._reachable():
            counted = await self._runtime.counters(slots)
            await self._runtime.close(slots)
        return sum(item.open for item in counted.values())

    async def counters(self, slots: Iterable[int]) -> Mapping[int, Counters]:
        counted: dict[int, Counters] = {}
        async with self._reachable():
            counted.update(await self._runtime.counters(slots))
        return counted

    def status(self) -> Mapping[str, object]:
        return {
            "program": self._program,
            "pid": self._pid,
            "running": self._serves,
            "restarts": self._restarts,
        }

    @contextlib.asynccontextmanager
    async def _reachable(self):
        """Commands one at a time, and none while the process starts.

        A process that is down asks for all doors when it comes up, and has no connection left to
        close: not reaching it loses nothing.
        """
        async with self._starting:
            try:
                yield
            except TimeoutError as error:
                raise Unavailable("HAProxy does not answer on its runtime socket") from error
            except (ConnectionError, FileNotFoundError):
                log.warning("HAProxy is down; it takes the change when it is started again")

    async def _adopt(self) -> bool:
        try:
            info = await self._runtime.info()
        except OSError:
            return False
        pid = int(info["Pid"])
        if info.get("description") != f"alongside-{self._mark}":
            log.info("settings changed, so the old HAProxy ends", pid=pid)
            await end(pid, None)
            return False
        doors = self._doors()
        turned = self._write_map(doors)
        used = {door.slot for door in doors}
        await self._runtime.let_go(turned)
        await self._runtime.replace_all(doors)
        await self._runtime.close(slot for slot in range(1, self._slots + 1) if slot not in used)
        self._pid = pid
        self._serves = True
        log.info("goes on with the running HAProxy", pid=pid)
        return True

    async def _launch(self) -> None:
        (self._folder / RUNTIME).unlink(missing_ok=True)
        replace_file(self._folder / "haproxy.cfg", self._text.encode())
        self._write_map(self._doors())
        said = self._folder / "haproxy.log"
        with said.open("wb") as output:
            self._child = await asyncio.create_subprocess_exec(
                *(self._program, "-db", "-f", "haproxy.cfg"),
                cwd=self._folder,
                env={**os.environ, **ALLOCATOR},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._pid = self._child.pid
        until = time.monotonic() + START_S
        while self._child.returncode is None and time.monotonic() < until:
            if await self.is_running():
                self._serves = True
                log.info("HAProxy runs", pid=self._pid)
                return
            await asyncio.sleep(0.02)
        if self._child.returncode is None:
            await end(self._pid, self._child)
        raise Misconfigured(f"HAProxy does not start: {said.read_text(errors='replace').strip()[-1500:]}")

    async def _supervise(self) -> None:
        wait = LOOK_S
        while True:
            began = time.monotonic()
            await until_gone(self._pid, self._child)
            self._serves = False
            wait = LOOK_S if time.monotonic() - began > 30 else min(wait * 2, RESTART_WAIT_MAX_S)
            log.error("HAProxy ended and is started again", pid=self._pid)
            self._restarts += 1
            async with self._starting:
                try:
                    await self._launch()
                except (Misconfigured, OSError) as error:
                    log.error("HAProxy could not be started again", why=str(error), again_in_s=wait)
            await asyncio.sleep(wait)

    def _write_map(self, doors: Sequence[Door]) -> list[int]:
        """The doors of a process to come; answers the slots that lead elsewhere than they did."""
        (self._folder / "slots").mkdir(mode=0o700, exist_ok=True)
        turned = self._point(doors)
        text = "".join(f"{door.key} {map_value(door)}\n" for door in doors)
        replace_file(self._folder / MAP, text.encode())
        return turned

    def _point(self, doors: Iterable[Door]) -> list[int]:
        """Let the slots' links lead to the tools' sockets; answers those that led elsewhere.

        A rename, so a link is never missing. Over TCP nothing is pointed: HAProxy keeps its
        connections apart by the address they lead to.
        """
        turned: list[int] = []
        for door in doors:
            if door.address.kind != "unix":
                continue
            link = self._folder / slot_socket(door.slot)
            if link.is_symlink() and str(link.readlink()) == door.address.path:
                continue
            fresh = link.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(door.address.path)
            fresh.rename(link)
            turned.append(door.slot)
        return turned
