"""Logs on the runner's disk: bounded whatever a tool writes, and told to the hub with what is missing."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from alongside.runner import log_file
from alongside.runner.worker import Worker
from runner.conftest import Lab, task
from support.endpoints import until

FLOOD = """
import sys, time
line = b"x" * 1023 + b"\\n"
sys.stdout.buffer.write(b"first\\n")
for _ in range(60):
    sys.stdout.buffer.write(line * 1024)
    sys.stdout.flush()
sys.stdout.buffer.write(b"last\\n")
sys.stdout.flush()
time.sleep(WAIT)
"""


def _on_disk(path: Path) -> int:
    return path.stat().st_blocks * 512


def test_head_and_tail_of_a_log_are_kept_and_its_middle_takes_no_room(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a" * 100_000 + b"b" * 5_000_000 + b"c" * 100_000)
    with path.open("r+b") as file:
        assert log_file.keep_ends(file.fileno(), kept=100_000)
        assert path.stat().st_size == 5_200_000
        assert _on_disk(path) < 300_000
        assert log_file.read(file.fileno(), 0, 10) == b"a" * 10
        gone = log_file.data_after(file.fileno(), 200_000)
        assert 5_000_000 < gone <= 5_100_000
        assert log_file.read(file.fileno(), 5_199_990, 50) == b"c" * 10


async def test_a_flood_while_the_hub_is_away_is_told_with_what_was_left_out(lab: Lab) -> None:
    async with lab.runner():
        run = await lab.hub.assign(task(FLOOD.replace("WAIT", "3")))
        await lab.hub.until(lambda: "running" in lab.hub.states(run))
        lab.hub.away = True
        log = lab.work_dir / "attempts" / f"{run}-1" / "log"
        await until(lambda: _is_bounded(log))
        lab.hub.away = False
        ended = await lab.hub.ended(run)
        size = ended.body["log_bytes"]
        await lab.hub.until(lambda: lab.hub.logs[run, 1].endswith(b"last\n"))
        said = bytes(lab.hub.logs[run, 1])
        assert len(said) == size or abs(len(said) - size) < 200
        assert said.startswith(b"first\n")
        note = re.search(rb"\[(\d+) bytes of this log were left out", said)
        assert note
        assert b"\0" not in said
        assert len(said) - len(note[0]) + int(note[1]) < 61 * 1024 * 1024 + 200


async def test_a_log_is_kept_small_while_there_is_no_runner(lab: Lab) -> None:
    running = lab.process()
    run = await lab.hub.assign(task("import time; time.sleep(1)\n" + FLOOD.replace("WAIT", "2")))
    await lab.hub.until(lambda: "running" in lab.hub.states(run))
    running.kill()
    await asyncio.to_thread(running.wait)
    await until(lambda: _is_bounded(lab.work_dir / "attempts" / f"{run}-1" / "log"))


async def test_logs_and_progress_stay_within_the_spool_s_limit_while_the_hub_is_away(lab: Lab) -> None:
    async with lab.runner(spool_max_bytes=1_000_000) as worker:
        runs = [await lab.hub.assign(task(FLOOD.replace("WAIT", "6"))) for _ in range(2)]
        await lab.hub.until(lambda: all("running" in lab.hub.states(run) for run in runs))
        lab.hub.away = True
        logs = [lab.work_dir / "attempts" / f"{run}-1" / "log" for run in runs]
        await until(lambda: _below(logs, 4_000_000))
        record = worker.spool.attempts[f"{runs[0]}-1"]
        with (record.folder / "reports.jsonl").open("ab") as spool:
            spool.write(b" " * 600_000)
        await until(lambda: _is_terse(worker))
        held = worker.attempts[record.key].held
        before = len(record.reports)
        held.progress(100.0, "not told")
        held.dataset("x", "mounted", "mount", "")
        assert [item.kind for item in record.reports[before:]] == ["dataset"]
        lab.hub.away = False
        for run in runs:
            assert (await lab.hub.ended(run)).state == "complete"


async def _is_terse(worker: Worker) -> bool:
    return worker.spool.terse


async def _below(logs: list[Path], limit: int) -> bool:
    return all(log.stat().st_size > 55_000_000 for log in logs) and sum(map(_on_disk, logs)) < limit


async def _is_bounded(log: Path) -> bool:
    return log.stat().st_size > 55_000_000 and _on_disk(log) < 2 * log_file.KEPT_BYTES + 4_000_000
