"""The runs that a runner speaks of, read at once instead of one by one."""

from __future__ import annotations

from collections.abc import Iterable

from alongside.hub.store import actions as actions_store
from alongside.hub.store import runs as store
from alongside.hub.store.database import Tx
from alongside.hub.store.runs import Standing, Trial


class Known:
    """What the tables say of some runs, within one transaction.

    Whoever changes a run says how it is now, or has it read again.
    """

    def __init__(self, tx: Tx, run_ids: Iterable[str]) -> None:
        self._tx = tx
        self._wanted = wanted = set(run_ids)
        self._runs: dict[str, Standing] = store.standings(tx, wanted)
        self._trials: dict[tuple[str, int], Trial] = store.trials(tx, wanted)
        self._stale: set[str] = set()
        self._acting: set[str] | None = None
        self._furnished: set[str] | None = None

    def run(self, run_id: str) -> Standing | None:
        self._refresh(run_id)
        return self._runs.get(run_id)

    def trial(self, run_id: str, number: int) -> Trial | None:
        self._refresh(run_id)
        return self._trials.get((run_id, number))

    def has_actions(self, run_id: str) -> bool:
        """Whether somebody waits for something to be done about the run."""
        if self._acting is None:
            self._acting = actions_store.with_pending(self._tx, self._wanted)
        return run_id in self._acting

    def has_datasets(self, run_id: str) -> bool:
        if self._furnished is None:
            self._furnished = store.with_datasets(self._tx, self._wanted)
        return run_id in self._furnished

    def now_are(self, run: Standing, trial: Trial) -> None:
        self._runs[run.id] = run
        self._trials[trial.run, trial.number] = trial
        self._stale.discard(run.id)

    def read_again(self, run_id: str) -> None:
        """Before it is looked at the next time."""
        self._stale.add(run_id)

    def _refresh(self, run_id: str) -> None:
        if run_id in self._stale:
            self._stale.remove(run_id)
            self._runs.pop(run_id, None)
            self._runs |= store.standings(self._tx, [run_id])
            self._trials |= store.trials(self._tx, [run_id])
