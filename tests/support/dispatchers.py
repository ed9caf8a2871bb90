"""Real dispatchers: one inside the test's event loop, or as processes that can be killed."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from alongside import values
from alongside.hub.dispatcher import lead
from alongside.hub.doors import Hub
from alongside.spec.wire import Session, SyncAnswer
from support.runner_double import RunnerDouble

PROGRAM = "from alongside.config import read; from alongside.hub.dispatcher import main; main(read())"
START_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def leading(hub: Hub) -> AsyncIterator[str]:
    """A dispatcher in this event loop; the address of its doors."""
    stopping, listening = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(lead(hub, stopping, listening=listening))
    await asyncio.wait({task, listening}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    try:
        yield f"http://127.0.0.1:{listening.result()}"
    finally:
        stopping.set()
        await task


class DispatcherProcess:
    """`alongside serve dispatcher`, without the command line."""

    def __init__(self, folder: Path, port: int, **settings: Any) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._environ = {
            **os.environ,
            "ALONGSIDE_DATA_DIR": str(folder),
            "ALONGSIDE_DISPATCHER_PORT": str(port),
            "ALONGSIDE_LOG_LEVEL": "warning",
            **{f"ALONGSIDE_DISPATCHER_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", PROGRAM], env=self._environ)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    async def until_leading(self) -> None:
        until = time.monotonic() + START_S
        async with aiohttp.ClientSession() as http:
            while time.monotonic() < until:
                assert self.process.poll() is None, f"the dispatcher ended with {self.process.returncode}"
                try:
                    async with http.get(f"{self.url}/live/v1/events") as response:
                        assert response.status == 401
                        return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
        raise AssertionError("no dispatcher leads")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        if self._process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=60)


class Refused(Exception):
    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__(status, document)
        self.status = status
        self.code = document.get("code")


class LiveRunner:
    """A scripted runner that dials a dispatcher."""

    def __init__(self, double: RunnerDouble, url: str, http: aiohttp.ClientSession) -> None:
        self.double = double
        self.url = url
        self._http = http
        self._headers = {"Authorization": f"Bearer {double.joined.token}"}

    async def session(self) -> Session:
        session = values.load_json(Session, await self._call("POST", "session", b"{}"))
        self.double.epoch = session.epoch
        return session

    async def sync(self, *, deliver: bool = True) -> SyncAnswer:
        body = await self._call("POST", "sync", values.dump_json(self.double.say()))
        answer = values.load_json(SyncAnswer, body)
        if deliver:
            self.double.hear(answer)
        return answer

    async def wait(self, after: int) -> int:
        return values.load_json(dict[str, int], await self._call("GET", f"wait?after={after}"))["seq"]

    async def put(
        self, run: str, what: str, data: bytes, *, attempt: int = 1, token: str = ""
    ) -> dict[str, Any]:
        """Send a piece of an attempt's log, or an artifact, with the attempt's own token."""
        token = token or self.double.held[run, attempt].assignment.token
        url = f"{self.url}/live/v1/attempts/{run}/{attempt}/{what}"
        headers = {"Authorization": f"Bearer {token}"}
        async with self._http.put(url, data=data, headers=headers) as response:
            document = await response.json() if response.status != 204 else {}
            if response.status >= 400:
                raise Refused(response.status, document)
            return document

    async def _call(self, method: str, what: str, body: bytes | None = None) -> bytes:
        url = f"{self.url}/live/v1/runners/{self.double.id}/{what}"
        async with self._http.request(method, url, data=body, headers=self._headers) as response:
            if response.status >= 400:
                raise Refused(response.status, await response.json())
            return await response.read()
