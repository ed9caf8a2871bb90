"""A work folder without room: runs fail for that reason, the runner lives on and loses no report."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.conftest import Lab, server, task
from support.endpoints import until

SIZE_BYTES = 24 << 20
FILLER = """
import os, pathlib
with open(pathlib.Path(os.environ["ALONGSIDE_OUTPUT"], "big"), "wb") as file:
    while True:
        file.write(bytes(1 << 20))
"""


@pytest.fixture
def small(lab: Lab) -> Iterator[Lab]:
    """The lab with a small file system of its own as the runner's work folder."""
    if os.getuid() != 0:
        pytest.skip("only root mounts a small file system")
    lab.work_dir.mkdir()
    options = f"size={SIZE_BYTES},mode=711"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(lab.work_dir)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small file system here: {mounted.stderr}")
    yield lab
    subprocess.run(["umount", "--lazy", str(lab.work_dir)], check=True)


async def test_a_copy_that_finds_no_room_fails_the_run_and_the_next_one_works(small: Lab) -> None:
    big = small.dataset("big", mode="copy", files={"big.bin": "x" * (SIZE_BYTES + 1)})
    async with small.runner():
        run = await small.hub.assign(server(), datasets=(big,))
        ended = await small.hub.ended(run)
        assert (ended.state, ended.reason_code) == ("system_error", "disk_full")
        assert (await small.hub.ended(await small.hub.assign(task()))).state == "complete"


async def test_a_task_that_fills_the_disk_fails_for_that_reason_and_every_report_arrives(small: Lab) -> None:
    async with small.runner():
        run = await small.hub.assign(task(FILLER))
        ended = await small.hub.ended(run)
        assert (ended.state, ended.reason_code) == ("executor_error", "disk_full")
        heard = small.hub.reports[run, 1]
        assert [report.number for report in heard] == list(range(1, len(heard) + 1))
        await small.hub.order("remove", {"run": run, "account": "01kaccount"})
        await until(lambda: _has_room(small.work_dir))
        assert (await small.hub.ended(await small.hub.assign(task()))).state == "complete"


async def test_what_is_assigned_while_the_disk_is_full_begins_when_there_is_room(small: Lab) -> None:
    async with small.runner():
        await small.hub.until(lambda: small.hub.syncs)
        filler = small.work_dir / "filler"
        _fill(filler)
        run = await small.hub.assign(task())
        before = len(small.hub.syncs)
        await small.hub.until(lambda: len(small.hub.syncs) > before + 1)
        filler.unlink()
        assert (await small.hub.ended(run)).state == "complete"


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


async def _has_room(folder: Path) -> bool:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize > SIZE_BYTES / 2
