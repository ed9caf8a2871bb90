"""A runner that dies and stays away, at the timings of production: it is noticed within 20 seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from alongside.config import DispatcherSettings
from support.books import Books
from support.installation import Installation, opened, server, task

NOTICED_WITHIN_S = 20.0


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    usual = DispatcherSettings()
    timings = {name: getattr(usual, name) for name in ("lease_ttl_s", "sync_every_s", "wait_s")}
    with Installation(opened(tmp_path_factory.mktemp("lost")), dispatcher=timings) as place:
        place.publish(task())
        place.publish(server())
        yield place


def test_a_lost_runner_is_noticed_within_twenty_seconds(place: Installation) -> None:
    runs = place.client.runs
    job, tool = place.client.launch("summary", arguments={"sleep_s": 3}), place.client.launch("lab")
    place.word(tool.id, "Ready")
    place.word(job.id, "Running")
    place.kill("runner")
    killed = time.monotonic()
    place.until(
        lambda: runs.show(job.id).state == "queued" and runs.show(tool.id).reason_code == "unreachable",
        "the task waits again and the tool is said to be unreachable",
        within_s=NOTICED_WITHIN_S,
    )
    assert time.monotonic() - killed <= NOTICED_WITHIN_S
    assert [runner.state for runner in place.client.admin.runners()] == ["offline"]
    assert runs.show(tool.id).attempt == 1
    place.start("runner")
    # What the lost one had finished meanwhile counts, and the tool goes on.
    assert runs.wait(job.id, timeout_s=30).state == "complete"
    place.until(lambda: runs.show(tool.id).reason_code is None, "the tool is reachable again", within_s=30)
    books = Books(place)
    for run in (job, tool):
        books.told_once(runs.show(run.id))
    place.delete_runs()
    books.close()
