"""The runner needs no root: its tests and the executors' pass for a user without any rights, too."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from support.unprivileged import ROOT

RERUN = (
    "tests/conformance/test_executors.py",
    "tests/conformance/test_programs.py",
    "tests/runner/test_process.py",
    "tests/runner/test_worker.py",
    "tests/runner/test_trouble.py",
)


@pytest.mark.skipif(os.getuid() != 0, reason="it is that user who runs this")
@pytest.mark.timeout(400)
@pytest.mark.parametrize("tests", RERUN)
def test_they_pass_without_root(tests: str) -> None:
    pytest_argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not docker", tests]
    done = subprocess.run(
        [sys.executable, "-m", "support.unprivileged", *pytest_argv],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=380,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
