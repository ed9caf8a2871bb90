"""How much each run is used, from the proxy's counters; no request passes through here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from alongside import values
from alongside.edge.proxy import Counters, Proxy
from alongside.edge.records import replace_file
from alongside.errors import Invalid


@dataclass(frozen=True)
class Activity:
    """Use of one run since its route was made."""

    #: Unix second at which bytes were last seen to move; None when never
    at: float | None = None
    connections: int = 0
    requests: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class _Kept:
    runs: dict[str, Activity] = field(default_factory=dict)


class Meter:
    """Turns counters per slot, which restart and change hands, into totals per run."""

    def __init__(self, proxy: Proxy, path: Path) -> None:
        self._proxy = proxy
        self._path = path
        self._seen: dict[int, Counters] = {}
        #: slot → when its person last did something, or had something open
        self._used_at: dict[int, float] = {}
        self._runs: dict[str, Activity] = {}
        if path.exists():
            try:
                self._runs = dict(values.load_json(_Kept, path.read_bytes()).runs)
            except Invalid:
                self._runs = {}

    async def begin(self, slots: Iterable[int]) -> None:
        """Count from here: what went through these slots before belongs to others."""
        slots = list(slots)
        self._no_longer(slots)
        if slots:
            self._seen.update(await self._proxy.counters(slots))

    async def end(self, run: str, slots: Iterable[int], *, forget: bool) -> None:
        slots = list(slots)
        self._no_longer(slots)
        for slot in slots:
            self._seen.pop(slot, None)
        if forget:
            self._runs.pop(run, None)
        elif run in self._runs:
            self._runs[run] = replace(self._runs[run], connections=0)

    async def read(self, runs: Mapping[int, str], now: float) -> set[int]:
        """Look at the counters of these slots; which of them are in use or were since the last look."""
        counted = await self._proxy.counters(runs)
        totals = {run: replace(self.of(run), connections=0) for run in runs.values()}
        used: set[int] = set()
        for slot, new in counted.items():
            moved = _since(self._seen.get(slot, Counters()), new)
            self._seen[slot] = new
            run = totals[runs[slot]]
            totals[runs[slot]] = Activity(
                at=now if moved.bytes or moved.requests else run.at,
                connections=run.connections + new.open,
                requests=run.requests + moved.requests,
                bytes=run.bytes + moved.bytes,
            )
            if new.open or moved.bytes or moved.requests:
                used.add(slot)
                self._used_at[slot] = now
        self._runs.update(totals)
        return used

    def idle_s(self, slot: int, now: float) -> float | None:
        """Since when its person has nothing open and does nothing; None when they never came."""
        used_at = self._used_at.get(slot)
        return None if used_at is None else max(0.0, now - used_at)

    def of(self, run: str) -> Activity:
        return self._runs.get(run, Activity())

    def _no_longer(self, slots: Iterable[int]) -> None:
        for slot in slots:
            self._used_at.pop(slot, None)

    def save(self) -> None:
        replace_file(self._path, values.dump_json(_Kept(self._runs)))


def _since(old: Counters, new: Counters) -> Counters:
    if new.requests < old.requests or new.bytes < old.bytes:
        return new  # the proxy was started again and counts from zero
    return Counters(new.open, new.requests - old.requests, new.bytes - old.bytes)
