"""The hub's disk is full for a while: it says so, what runs goes on, and nothing that was said is lost."""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from alongside.client.errors import Refused
from support.books import Books
from support.installation import Installation, opened, server, task

SIZE = b"size=64m"
_libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def small() -> Iterator[Path]:
    """A disk of its own for the data folder."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a small disk")
    folder = Path(tempfile.mkdtemp(prefix="al-disk-"))
    mounted = _libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, SIZE)
    try:
        if mounted != 0:
            pytest.skip(f"a small disk cannot be mounted: {os.strerror(ctypes.get_errno())}")
        yield folder
    finally:
        if mounted == 0:
            # what still has a file open there keeps it until it ends
            _libc.umount2(os.fsencode(folder), 2)
        folder.rmdir()


def test_a_full_disk_is_said_and_over_when_there_is_room_again(
    small: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = opened(tmp_path_factory.mktemp("elsewhere"))
    with Installation(small, runner={"work_dir": str(elsewhere / "runner")}) as place:
        client = place.client
        place.publish(task())
        place.publish(server())
        job, tool = client.launch("summary", arguments={"sleep_s": 3}), client.launch("lab")
        place.word(tool.id, "Ready")
        browser = place.visitor("admin")
        browser.get(f"{place.url}/open/{tool.id}?path=/uid")
        place.word(job.id, "Running")
        ballast = small / "ballast"
        _fill(ballast)
        with pytest.raises(Refused) as caught:
            _launch_many(place)
        assert (caught.value.status, caught.value.code) == (503, "unavailable")
        assert "disk is full" in caught.value.detail
        # Reading goes on, and so does whoever works in a tool.
        assert client.runs.show(tool.id).ready
        assert browser.get(f"{client.runs.show(tool.id).url}/uid").status == 200
        attempts = Path(place.config.runner.work_dir) / "attempts"
        place.until(
            lambda: '"state":"complete"' in (attempts / f"{job.id}-1" / "reports.jsonl").read_text(),
            "the task has ended, and its runner keeps that",
        )
        ballast.unlink()
        place.until(place.well, "everything is well again")
        done = client.runs.wait(job.id, timeout_s=30)
        assert (done.state, done.attempt) == ("complete", 1)
        books = Books(place)
        books.told_once(done)
        assert client.runs.wait(client.launch("summary").id, timeout_s=30).state == "complete"
        place.delete_runs()
        books.close()


def _launch_many(place: Installation) -> None:
    """More than the pages hold that the database has still free."""
    for _ in range(200):
        place.client.launch("summary")


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with suppress(OSError):
                while file.write(b"\0" * size):
                    pass
