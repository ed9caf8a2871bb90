"""What the processes write about themselves: enough to mend things, nothing that opens anything."""

from __future__ import annotations

import subprocess
import sys

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
