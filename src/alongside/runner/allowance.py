"""The most that reports and logs may take of the runner's disk while the hub does not take them.

Logs get smaller first, in equal parts; then progress is not told any more. States, results and answers
to actions are never left out: there are few of them.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from alongside.runner import log_file
from alongside.runner.spool import Spool

log = structlog.get_logger()

LOOK_S = 2.0
#: head and tail of a log that are kept whatever happens
KEPT_MIN_BYTES = 64 * 1024


class Allowance:
    def __init__(self, spool: Spool, max_bytes: int) -> None:
        self.spool = spool
        self.max_bytes = max_bytes

    async def tend(self) -> None:
        """Forever: hold the limit."""
        while True:
            await asyncio.to_thread(self.hold)
            await asyncio.sleep(LOOK_S)

    def hold(self) -> None:
        records = list(self.spool.attempts.values())
        reports = sum(_on_disk(record.folder / "reports.jsonl") for record in records)
        logs = [record.log for record in records]
        if reports + sum(map(_on_disk, logs)) > self.max_bytes:
            kept = max(KEPT_MIN_BYTES, (self.max_bytes - reports) // (2 * len(logs)))
            for path in logs:
                _shorten(path, min(kept, log_file.KEPT_BYTES))
        full = reports > self.max_bytes / 2
        if full and not self.spool.terse:
            log.warning("the spool is nearly full", limit=self.max_bytes, reports=reports)
        self.spool.terse = full


def _shorten(path: Path, kept: int) -> None:
    try:
        with path.open("r+b") as file:
            log_file.keep_ends(file.fileno(), kept)
    except FileNotFoundError:
        return


def _on_disk(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:
        return 0
