"""Who is in which run, from what runners say with every sync; written down when somebody comes or leaves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from alongside.hub.store import grants as grants_store
from alongside.hub.store import sharing as store
from alongside.hub.store.database import Tx

#: whoever did nothing for so long, and has nothing open, has left
AWAY_S = 60.0
#: of one run; the edge has fewer slots than many of these
PEOPLE_MAX = 200


class Present:
    """What the dispatcher knows by heart of who is in."""

    def __init__(self) -> None:
        self._people: dict[str, frozenset[str]] = {}
        self._of_runner: dict[str, set[str]] = {}

    def load(self, tx: Tx, now: datetime) -> None:
        """Nobody could say while no dispatcher led; who is in is said again with the next sync."""
        store.all_left(tx, now)

    def hear(self, tx: Tx, runner: str, activity: Mapping[str, Mapping[str, Any]], now: datetime) -> None:
        """Take a runner's word on all its runs."""
        there = {run: people for run, seen in activity.items() if (people := _people(seen))}
        for run in self._of_runner.get(runner, set()) | there.keys():
            self._change(tx, runner, run, there.get(run, frozenset()), now)

    def silent(self, tx: Tx, runner: str, now: datetime) -> None:
        """Nobody hears from a runner: who is in its runs is not known."""
        self.hear(tx, runner, {}, now)

    def _change(self, tx: Tx, runner: str, run: str, people: frozenset[str], now: datetime) -> None:
        before = self._people.get(run, frozenset())
        if people == before:
            return
        if people and not any(holder == runner for _, _, holder in grants_store.reachable(tx, [run])):
            return
        if people - before:
            store.came(tx, run, people - before, now, now - timedelta(seconds=AWAY_S))
        if before - people:
            store.left(tx, run, before - people, now)
        runs = self._of_runner.setdefault(runner, set())
        if people:
            self._people[run] = people
            runs.add(run)
        else:
            self._people.pop(run, None)
            runs.discard(run)


def _people(seen: Mapping[str, Any]) -> frozenset[str]:
    said = seen.get("people")
    if not isinstance(said, Mapping):
        return frozenset()
    here = [who for who, idle_s in said.items() if isinstance(idle_s, int | float) and idle_s < AWAY_S]
    return frozenset(here[:PEOPLE_MAX])
