"""What the processes write about themselves: enough to mend things, nothing that opens anything."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
import structlog
from alongside import logs
from alongside.config import LogSettings

def check(password, body):
    raise RuntimeError("the disk is full")

logs.configure(LogSettings(format=sys.argv[1]), "hub")
try:
    secret = "correct horse"
    check(secret, {"token": secret})
except RuntimeError as error:
    structlog.get_logger().error("request.unanswered", path="/x", exc_info=error)
    import logging
    logging.getLogger("library").exception("failed")
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_mistake_is_told_with_its_place_and_without_the_values_that_were_there(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, form], capture_output=True, text=True, check=True, timeout=60
    )
    told = done.stderr + done.stdout
    assert told.count("the disk is full") >= 2
    assert "check" in told
    assert "correct horse" not in told


@pytest.mark.parametrize("process", ["runner", "edge"])
def test_processes_of_a_site_write_lines_like_those_of_the_hub(process: str, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "ALONGSIDE_DATA_DIR": str(tmp_path),
        "ALONGSIDE_EDGE_PORT": str(port),
        "ALONGSIDE_RUNNER_REGISTRATION_TOKEN": "alr_x",
        "ALONGSIDE_RUNNER_HUB_URL": "http://127.0.0.1:1",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "alongside.cli", "serve", process],
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    ) as running:
        assert running.stderr is not None
        first = running.stderr.readline()
        running.terminate()
        assert json.loads(first)["process"] == process, first + running.stderr.read()
