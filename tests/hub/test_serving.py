"""The hub as a process of its own: it starts, answers, refuses to start, and ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from alongside.config import Config
from alongside.errors import Misconfigured
from alongside.hub.bootstrap import bootstrap
from alongside.hub.serve import check_port
from support.clocks import Clock

PROGRAM = """
import sys
from pathlib import Path
from alongside.config import read
from alongside.errors import Misconfigured
from alongside.hub import serve
try:
    serve.main(read(flags={"data_dir": sys.argv[1], "hub.port": sys.argv[2], "hub.workers": sys.argv[3],
                           "hub.web_dir": sys.argv[4]}))
except Misconfigured as problem:
    sys.exit(problem.detail)
"""
START_S = 60.0

Start = Callable[..., "Process"]


class Process:
    def __init__(self, folder: Path, port: int, workers: int, web: Path) -> None:
        self.port = port
        self.inner = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), str(port), str(workers), str(web)],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def get(self, path: str) -> tuple[int, dict[str, str], str]:
        address = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(address, timeout=START_S) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read().decode()

    def wait_ready(self) -> Process:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with suppress(OSError):
                if self.get("/healthz")[0] == 200:
                    return self
            assert self.inner.poll() is None, self.inner.stderr.read() if self.inner.stderr else ""
            time.sleep(0.05)
        raise TimeoutError

    def children(self) -> list[int]:
        pid = self.inner.pid
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def end(self) -> None:
        if self.inner.poll() is None:
            self.inner.kill()
        self.inner.wait()
        if self.inner.stderr:
            self.inner.stderr.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text('<meta name="csp-nonce" content="__CSP_NONCE__"><p>app</p>')
    (folder / "assets" / "app-1a2b.js").write_text("export {}")
    (folder / "favicon.svg").write_text("<svg/>")
    return folder


@pytest.fixture
def start(tmp_path: Path, web: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def begin(port: int | None = None, workers: int = 1) -> Process:
            process = Process(tmp_path / "data", port or free_port(), workers, web)
            stack.callback(process.end)
            return process

        yield begin


@pytest.fixture
def ready(tmp_path: Path, clock: Clock) -> None:
    bootstrap(Config(data_dir=tmp_path / "data"), clock())


@pytest.mark.usefixtures("ready")
def test_the_hub_serves_api_web_app_and_metrics_and_ends_politely(start: Start) -> None:
    hub = start().wait_ready()
    status, headers, text = hub.get("/api/v1/me")
    assert (status, json.loads(text)["code"]) == (401, "unauthenticated")
    for path in ("/", "/runs/01abc", "/launch?id=doi:10.5072/x"):
        status, headers, text = hub.get(path)
        assert (status, "<p>app</p>" in text) == (200, True)
        policy = headers["content-security-policy"]
        nonce = text.split('content="')[1].split('"')[0]
        directives = dict(part.split(" ", 1) for part in policy.split("; "))
        assert directives["script-src"] == "'self'"
        assert directives["style-src"] == f"'self' 'nonce-{nonce}'"
        assert directives["frame-ancestors"] == "'none'"
        # the attributes of a shell's letters, in which nothing can run
        assert [name for name, said in directives.items() if "unsafe" in said] == ["style-src-attr"]
    assert "immutable" in hub.get("/assets/app-1a2b.js")[1]["cache-control"]
    assert hub.get("/favicon.svg")[2] == "<svg/>"
    for path in ("/assets/none.js", "/api/v1/none", "/live/v1/none"):
        status, headers, text = hub.get(path)
        assert (status, json.loads(text)["code"]) == (404, "not_found")
    assert hub.get("/../data/hub.sqlite")[2].startswith("<meta")
    metrics = hub.get("/metrics")[2]
    assert 'door="/api/v1/me"' in metrics
    assert 'alongside_runners{state="offline"} 0.0' in metrics
    hub.inner.send_signal(signal.SIGTERM)
    _, log = hub.inner.communicate(timeout=60)
    assert hub.inner.returncode == 0
    lines = [json.loads(line) for line in log.splitlines()]
    asked = [line for line in lines if line.get("path") == "/api/v1/me"]
    assert [(line["process"], line["status"], line["level"]) for line in asked] == [("hub", 401, "info")]


@pytest.mark.usefixtures("ready")
def test_a_killed_hub_leaves_no_worker_behind(start: Start) -> None:
    hub = start(workers=2).wait_ready()
    workers = hub.children()
    assert len(workers) >= 2
    hub.inner.kill()
    hub.inner.wait()
    deadline = time.monotonic() + START_S
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    check_port("127.0.0.1", hub.port, "hub.port")


@pytest.mark.usefixtures("ready")
def test_a_killed_worker_is_replaced(start: Start) -> None:
    hub = start(workers=1).wait_ready()
    before = hub.children()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with suppress(OSError):
            if set(hub.children()) - set(before) and hub.get("/healthz")[0] == 200:
                break
        time.sleep(0.1)
    else:
        pytest.fail("no new worker answers")


@pytest.mark.usefixtures("ready")
def test_a_taken_port_is_named_with_the_setting_to_change(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        hub = start(port=other.getsockname()[1])
        _, log = hub.inner.communicate(timeout=START_S)
    assert hub.inner.returncode == 1
    assert "taken" in log
    assert "hub.port (ALONGSIDE_HUB_PORT)" in log


def test_a_database_without_schema_is_refused_before_anyone_is_served(start: Start, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    hub = start()
    _, log = hub.inner.communicate(timeout=START_S)
    assert hub.inner.returncode == 1
    assert "alongside admin migrate" in log


def test_an_address_of_another_machine_is_refused_with_its_setting() -> None:
    with pytest.raises(Misconfigured, match=r"hub\.port"):
        check_port("192.0.2.1", 8471, "hub.port")
