"""The parts of `alongside up` that need no browser: folder, ports, supervision."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alongside.cli.session import of_one_machine
from alongside.cli.up.folder import DataFolder
from alongside.cli.up.installation import environment
from alongside.cli.up.parts import Parts
from alongside.cli.up.ports import require_free
from alongside.config import Config, read
from alongside.errors import Misconfigured


def test_a_second_up_on_the_same_folder_is_refused_and_names_the_first(tmp_path: Path) -> None:
    refused = pytest.raises(Misconfigured, match=f"in use by process {os.getpid()}")
    with DataFolder(tmp_path / "data"), refused:
        DataFolder(tmp_path / "data").__enter__()
    with DataFolder(tmp_path / "data"):
        pass


def test_others_can_pass_through_roots_data_folder_but_not_list_it(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root's tools run under other uids")
    with DataFolder(tmp_path / "data") as folder:
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o711


def test_a_taken_port_says_which_setting_to_change() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        config = read(environ={}, flags={"hub.port": other.getsockname()[1]})
        with pytest.raises(Misconfigured, match=r"hub\.port"):
            require_free(config, patience_s=0)


def test_one_changed_port_is_enough() -> None:
    config = read(environ={}, flags={"edge.port": 9470, "hub.port": 9471})
    follow = of_one_machine(config)
    assert follow["hub.url"] == "http://127.0.0.1:9470"
    assert follow["runner.hub_url"] == "http://127.0.0.1:9470"
    assert follow["edge.url"] == "http://{run}.localhost:9470"
    assert follow["edge.hub_upstream"] == "127.0.0.1:9471"
    assert follow["edge.live_upstream"] == "127.0.0.1:8472"


def test_children_read_the_same_settings() -> None:
    given = read(
        environ={},
        flags={"runner.data_roots": ("/a", "/b"), "runner.cpus": 2.5, "edge.port": 9470, "data_dir": "/x"},
    )
    assert read(environ=environment(given, "")) == given


def program(text: str) -> Callable[[str], list[str]]:
    return lambda name: [sys.executable, "-c", text]


async def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


async def test_a_part_that_dies_is_started_again_with_its_log_kept(tmp_path: Path) -> None:
    said: list[str] = []
    text = "import os,time; print(os.getpid(),flush=True); time.sleep(60)"
    parts = Parts(tmp_path, os.environ, said.append, program(text))
    parts.start("hub")
    log = tmp_path / "hub.log"
    await until(lambda: log.exists() and log.read_text().endswith("\n"))
    parts.settle()
    first = int(log.read_text())
    os.kill(first, signal.SIGKILL)
    await until(lambda: len(log.read_text().split()) == 2)
    second = int(log.read_text().split()[1])
    await parts.stop_all()
    assert "SIGKILL" in said[0]
    assert not alive(first)
    assert not alive(second)


async def test_a_part_that_cannot_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    parts = Parts(tmp_path, os.environ, lambda _: None, program("raise SystemExit('the port is taken')"))
    parts.start("edge")
    with pytest.raises(Misconfigured, match="the port is taken"):
        await _check_until_raised(parts)
    await parts.stop_all()


async def test_a_part_that_ignores_the_signal_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alongside.cli.up.parts.GRACE_S", 0.2)
    text = "import os,signal,time; signal.signal(15, signal.SIG_IGN); print(os.getpid(),flush=True)"
    text += "; time.sleep(60)"
    parts = Parts(tmp_path, os.environ, lambda _: None, program(text))
    parts.start("hub")
    log = tmp_path / "hub.log"
    await until(lambda: log.exists() and log.read_text().endswith("\n"))
    await parts.stop_all()
    assert not alive(int(log.read_text()))


async def _check_until_raised(parts: Parts) -> None:
    for _ in range(500):
        parts.check()
        await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_defaults_need_nothing_to_follow() -> None:
    assert of_one_machine(Config()) == {
        "hub.url": "http://127.0.0.1:8470",
        "runner.hub_url": "http://127.0.0.1:8470",
        "edge.url": "http://{run}.localhost:8470",
        "edge.hub_upstream": "127.0.0.1:8471",
        "edge.live_upstream": "127.0.0.1:8472",
    }
