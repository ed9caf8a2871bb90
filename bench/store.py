"""The writers' turnstile: hub writers beside a saturated dispatcher, on SQLite.

Claim (issue 2): four writer processes, no error, hub write p99 at most 50 ms while another process
writes as many rows as it can. Compared in the same run with SQLite's own `busy_timeout` alone.

    python bench/store.py [--seconds 6]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime

from alongside.hub.store import keys, schema
from alongside.hub.store.database import Database

HUB_WRITERS = 4
DISPATCHER_ROWS = 400  # per transaction, below MAX_ROWS
LIMIT_P99_MS = 50.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--writer", nargs=3, metavar=("URL", "ROLE", "TURNSTILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.writer:
        url, role, turnstile = options.writer
        report = write(url, rows=DISPATCHER_ROWS if role == "dispatcher" else 1, turnstile=turnstile == "yes",
                       seconds=options.seconds)  # fmt: skip
        sys.stdout.write(json.dumps(report))
        return 0
    with_turnstile = measure("yes", options.seconds)
    without = measure("no", options.seconds)
    say(
        f"{'':24}{'dispatcher rows/s':>18}{'hub p50 ms':>12}{'hub p99 ms':>12}{'hub max ms':>12}{'errors':>8}"
    )
    for name, figures in (("turnstile", with_turnstile), ("busy_timeout alone", without)):
        say(f"{name:24}{figures['rate']:>18,.0f}{figures['p50']:>12.1f}{figures['p99']:>12.1f}"
            f"{figures['max']:>12.1f}{figures['errors']:>8}")  # fmt: skip
    say(f"p99 ratio, busy_timeout alone to turnstile: {without['p99'] / with_turnstile['p99']:.1f}")
    holds = with_turnstile["p99"] <= LIMIT_P99_MS and with_turnstile["errors"] == 0
    say(f"p99 at most {LIMIT_P99_MS:.0f} ms and no error: {'holds' if holds else 'DOES NOT HOLD'}")
    return 0 if holds else 1


def measure(turnstile: str, seconds: float) -> dict[str, float]:
    """One dispatcher and four hub writers as processes of their own, over one fresh database."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/hub.sqlite"
        database = Database(url)
        with database.write() as tx:
            schema.metadata.create_all(tx)
        database.close()
        roles = ["dispatcher", *["hub"] * HUB_WRITERS]
        writers = [
            subprocess.Popen(
                [sys.executable, __file__, "--seconds", str(seconds), "--writer", url, role, turnstile],
                stdout=subprocess.PIPE,
            )
            for role in roles
        ]
        reports = [json.loads(writer.communicate()[0]) for writer in writers]
    waits = sorted(wait for report in reports[1:] for wait in report["waits"])
    return {
        "rate": reports[0]["rows"] / seconds,
        "p50": waits[len(waits) // 2] * 1e3,
        "p99": waits[int(len(waits) * 0.99)] * 1e3,
        "max": waits[-1] * 1e3,
        "errors": sum(report["errors"] for report in reports),
    }


def write(url: str, *, rows: int, turnstile: bool, seconds: float) -> dict[str, object]:
    """Write transactions of `rows` rows until the time is over; hub writers pause 5 ms in between."""
    database = Database(url)
    now = datetime.now(UTC)
    waits: list[float] = []
    errors = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.perf_counter()
        try:
            with database.write() if turnstile else _without(database) as tx:
                tx.execute(
                    schema.changes.insert(), [{"kind": "run", "key": keys.new_id(now)} for _ in range(rows)]
                )
        except Exception:
            errors += 1
        waits.append(time.perf_counter() - start)
        if rows == 1:
            time.sleep(0.005)
    return {"rows": rows * len(waits), "waits": waits, "errors": errors}


def _without(database: Database):  # type: ignore[no-untyped-def]
    """A BEGIN IMMEDIATE transaction that relies on SQLite's own busy handler."""
    return database.engine.execution_options(alongside_write=True).begin()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
