"""How the installation is: counts, and whether the parts that must be there are there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from alongside import __version__
from alongside.config import HubSettings
from alongside.hub.store import sites
from alongside.hub.store import status as store
from alongside.hub.store.database import Tx
from alongside.spec.accounts import Caller

#: a dispatcher that has not been heard of for so long is not there
DISPATCHER_SILENT = timedelta(seconds=20)


@dataclass(frozen=True)
class RunnerCounts:
    online: int
    offline: int


@dataclass(frozen=True)
class QueueCounts:
    queued: int
    running: int


@dataclass(frozen=True)
class DispatcherStatus:
    alive: bool
    epoch: int


@dataclass(frozen=True)
class Status:
    version: str
    hub_url: str
    #: those that the caller may see
    sites: int
    runners: RunnerCounts
    queue: QueueCounts
    dispatcher: DispatcherStatus


def of(tx: Tx, caller: Caller, settings: HubSettings, now: datetime) -> Status:
    by_state = store.runs_by_state(tx)
    return Status(
        version=__version__,
        hub_url=settings.url,
        sites=sites.count(tx, caller),
        runners=RunnerCounts(*sites.runner_counts(tx)),
        queue=QueueCounts(
            queued=by_state.get("queued", 0),
            running=by_state.get("running", 0) + by_state.get("initializing", 0),
        ),
        dispatcher=dispatcher(tx, now),
    )


def dispatcher(tx: Tx, now: datetime) -> DispatcherStatus:
    epoch, at = store.leading(tx)
    return DispatcherStatus(alive=at is not None and now - at < DISPATCHER_SILENT, epoch=epoch)


def runs_by_state(tx: Tx) -> dict[str, int]:
    return store.runs_by_state(tx)


def runner_counts(tx: Tx) -> RunnerCounts:
    return RunnerCounts(*sites.runner_counts(tx))
