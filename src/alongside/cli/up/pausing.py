"""The end of a whole installation: interactive runs pause, tasks wait in the queue for the next start.

Works on the store beside the running dispatcher, which carries it out: what is done here is what a
person's stop does, with the reason `site_shutdown` and no account behind it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from alongside.config import Config
from alongside.hub import runs, sites
from alongside.hub.store import runs as store
from alongside.hub.store.database import Database, Tx

REASON = "Alongside was stopped on this machine"
LOOK_EVERY_S = 0.1


def pause_all(config: Config, site: str, wait_s: float) -> list[str]:
    """Stop what runs at `site` and return the runs that are still there after `wait_s`."""
    database = Database(config.database_url)
    try:
        with database.write() as tx:
            _drain(tx, config, site)
            for held in _held(tx, site):
                run = store.standing(tx, held)
                if run is not None:
                    runs.stop_for(tx, run, "site_shutdown", REASON, datetime.now(UTC))
        return _until_gone(database, site, wait_s)
    finally:
        database.close()


def resume(config: Config, site: str) -> None:
    """Let the runners that `pause_all` drained take work again; others stay as an administrator left them."""
    note = _note(config)
    if not note.exists():
        return
    drained = set(note.read_text().split())
    database = Database(config.database_url)
    try:
        with database.write() as tx:
            for runner in sites.get(tx, site).runners:
                if runner.id in drained:
                    sites.edit_runner(tx, runner.id, draining=False)
    finally:
        database.close()
    note.unlink()


def _drain(tx: Tx, config: Config, site: str) -> None:
    """Otherwise a task that goes back to the queue would be started again at once."""
    drained = [runner.id for runner in sites.get(tx, site).runners if runner.state != "draining"]
    _note(config).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _note(config).write_text("\n".join(drained))
    for runner in drained:
        sites.edit_runner(tx, runner, draining=True)


def _until_gone(database: Database, site: str, wait_s: float) -> list[str]:
    deadline = time.monotonic() + wait_s
    while True:
        with database.read() as tx:
            left = _held(tx, site)
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(LOOK_EVERY_S)


def _held(tx: Tx, site: str) -> list[str]:
    return [trial.run for runner in sites.get(tx, site).runners for trial in store.held_by(tx, runner.id)]


def _note(config: Config) -> Path:
    return config.data_dir / "processes" / "drained"
