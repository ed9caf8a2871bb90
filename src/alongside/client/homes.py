"""Homes at sites, as their owner sees them, and administrators everyone's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from alongside.client.transport import Transport, loaded, segment
from alongside.spec.homes import Home, Snapshot

LOOK_S = 0.5


class Homes:
    def __init__(self, transport: Transport) -> None:
        self._hub = transport

    def list(self, *, site: str | None = None, everyone: bool = False) -> Iterator[Home]:
        """Yours; `everyone` for administrators."""
        asked: dict[str, Any] = {"site": site, "everyone": "true" if everyone else None}
        return (loaded(Home, item) for item in self._hub.pages("/homes", **asked))

    def show(self, id: str) -> Home:
        return loaded(Home, self._hub.get(f"/homes/{segment(id)}"))

    def make(self, site: str) -> Home:
        """Have a home at a site before anything is launched there."""
        return loaded(Home, self._hub.post("/homes", {"site": site}))

    def measure(self, id: str) -> Home:
        return loaded(Home, self._hub.post(f"/homes/{segment(id)}/measure"))

    def repair(self, id: str) -> Home:
        return loaded(Home, self._hub.post(f"/homes/{segment(id)}/repair"))

    def set_quota(self, id: str, quota_gb: float | None) -> Home:
        """None: what holds for the account; 0: no limit."""
        return loaded(Home, self._hub.call("PATCH", f"/homes/{segment(id)}", body={"quota_gb": quota_gb}))

    def snapshots(self, id: str) -> Iterator[Snapshot]:
        """Newest first."""
        return (loaded(Snapshot, item) for item in self._hub.pages(f"/homes/{segment(id)}/snapshots"))

    def snapshot(self, id: str, name: str = "") -> Snapshot:
        return loaded(Snapshot, self._hub.post(f"/homes/{segment(id)}/snapshots", {"name": name}))

    def restore(self, id: str, snapshot: str) -> Home:
        """What the home is now becomes a snapshot first."""
        return loaded(Home, self._hub.post(f"/homes/{segment(id)}/snapshots/{segment(snapshot)}/restore"))

    def forget_snapshot(self, id: str, snapshot: str) -> None:
        self._hub.call("DELETE", f"/homes/{segment(id)}/snapshots/{segment(snapshot)}")

    def until_idle(self, id: str, told: Callable[[Home], None] = lambda home: None) -> Home:
        """Wait until nothing is done with a home any more."""
        while (home := self.show(id)).busy:
            told(home)
            time.sleep(LOOK_S)
        return home
