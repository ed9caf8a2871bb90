"""`alongside up` as a person has it: one process that starts, keeps and ends all the others."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from alongside import values
from alongside.cli.session import local_token_file
from alongside.cli.up.installation import environment
from alongside.client import Client
from alongside.client.errors import CallFailed
from alongside.config import Config, read
from support.installation import ENVIRONMENT, opened, server, task
from support.web_tools import free_port

READY_MAX_S = 60.0
GONE_MAX_S = 60.0
SLEEPS = "import time; time.sleep(600)"


class Up:
    """An `alongside up` on a folder of its own; killed, with all its children, when the block ends."""

    def __init__(self, folder: Path) -> None:
        ports = [free_port() for _ in range(3)]
        self.config = read(
            environ={},
            flags={
                "data_dir": folder / "d",
                "edge.port": ports[0],
                "edge.slots": 16,
                "hub.port": ports[1],
                "dispatcher.port": ports[2],
                "runner.environments": (f"{ENVIRONMENT}={sys.prefix}",),
                "runner.executors": ("alongside.runner.executors.process",),
            },
        )
        self._output = folder / "said"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def said(self) -> str:
        return self._output.read_text()

    def start(self) -> None:
        """Start, and wait until it says that it is ready."""
        self.process = self.spawn(self.config, self._output)
        self.until(lambda: "is ready at" in self.said, READY_MAX_S)

    def spawn(self, config: Config, output: Path) -> subprocess.Popen[bytes]:
        # as on a command line, settings that follow from others are not given
        given = replace(config, hub=replace(config.hub, url=Config().hub.url))
        with output.open("wb") as file:
            return subprocess.Popen(
                [sys.executable, "-m", "alongside.cli", "up"],
                env={**environment(given, ""), "XDG_CONFIG_HOME": str(self.config.data_dir)},
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def client(self) -> Client:
        kept = json.loads(local_token_file(self.config.data_dir).read_text())
        return Client(kept["url"], kept["token"])

    def signal(self, number: int) -> int:
        """Send it to `up` alone, as a terminal or a service manager does; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(GONE_MAX_S)

    def until(self, holds: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"it did not happen in time:\n{self.said}"
            time.sleep(0.1)

    def children(self) -> list[int]:
        """Living processes that name this folder, beside `up` itself."""
        return [pid for pid in _naming(str(self.config.data_dir)) if pid != getattr(self.process, "pid", 0)]

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def up() -> Iterator[Up]:
    # A run's sockets live below this folder, and a Unix socket's path has room for 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="up-"))
    started = Up(opened(folder))
    try:
        yield started
    finally:
        started.close()
        shutil.rmtree(folder, ignore_errors=True)


def publish(client: Client) -> None:
    for spec in (server(), task("sleeper", SLEEPS)):
        client.tools.publish(values.dump_json(spec).decode())


def test_ctrl_c_pauses_tools_and_keeps_tasks_waiting_and_the_next_start_finds_both(up: Up) -> None:
    up.start()
    with up.client() as client:
        publish(client)
        lab, sleeper = client.launch("lab"), client.launch("sleeper")
        ready = client.runs.wait(lab.id, timeout_s=60)
        up.until(lambda: client.runs.show(sleeper.id).state == "running", 60)
    assert up.signal(signal.SIGINT) == 0
    up.until(lambda: not up.children(), GONE_MAX_S)
    up.start()
    with up.client() as client:
        found = client.runs.show(lab.id)
        assert (found.state, found.reason_code) == ("paused", "site_shutdown")
        up.until(lambda: client.runs.show(sleeper.id).state == "running", 60)
        assert client.runs.show(sleeper.id).attempt == 2
        client.runs.start(lab.id)
        assert client.runs.wait(lab.id, timeout_s=60).url == ready.url


def test_a_killed_part_is_started_again_and_the_tool_goes_on(up: Up) -> None:
    up.start()
    with up.client() as client:
        publish(client)
        lab = client.runs.wait(client.launch("lab").id, timeout_s=60)
        for name in ("hub", "dispatcher", "runner"):
            (pid,) = [pid for pid in up.children() if _serves(pid, name) and _parent(pid) == _pid(up)]
            os.kill(pid, signal.SIGKILL)
            up.until(lambda name=name: f"The {name} ended" in up.said, GONE_MAX_S)
            up.until(lambda: _well(client), READY_MAX_S)
        assert client.runs.show(lab.id).attempt == 1
        assert client.runs.show(lab.id).ready
    assert up.signal(signal.SIGTERM) == 0


def test_a_killed_up_leaves_no_part_behind_and_its_tool_is_found_again(up: Up) -> None:
    up.start()
    with up.client() as client:
        publish(client)
        lab = client.runs.wait(client.launch("lab").id, timeout_s=60)
    up.signal(signal.SIGKILL)
    up.until(lambda: not [pid for pid in up.children() if _serves(pid, "")], GONE_MAX_S)
    up.start()
    with up.client() as client:
        up.until(lambda: client.runs.show(lab.id).ready, READY_MAX_S)
        assert client.runs.show(lab.id).attempt == 1
    assert up.signal(signal.SIGINT) == 0


def test_a_second_up_on_the_folder_and_one_on_the_ports_are_refused_with_what_to_change(up: Up) -> None:
    up.start()
    second = up.spawn(up.config, up.config.data_dir.parent / "second")
    assert second.wait(READY_MAX_S) == 1
    told = (up.config.data_dir.parent / "second").read_text()
    assert f"in use by process {_pid(up)}" in told
    third = up.spawn(
        replace(up.config, data_dir=up.config.data_dir.parent / "e"), up.config.data_dir.parent / "third"
    )
    assert third.wait(READY_MAX_S) == 1
    told = (up.config.data_dir.parent / "third").read_text()
    assert all(f"--set {setting}=" in told for setting in ("edge.port", "hub.port", "dispatcher.port"))
    assert up.signal(signal.SIGINT) == 0


def _well(client: Client) -> bool:
    try:
        runners = list(client.admin.runners())
        return client.status()["dispatcher"]["alive"] and any(item.state == "online" for item in runners)
    except CallFailed:
        return False


def _pid(up: Up) -> int:
    assert up.process is not None
    return up.process.pid


def _serves(pid: int, name: str) -> bool:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return b"serve" in words and name.encode() in words if name else b"serve" in words
    return False


def _parent(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _naming(folder: str) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                if folder.encode() in told:
                    yield int(entry.name)
