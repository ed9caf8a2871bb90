"""Placement: which queued run goes to which runner, and why every other runner was refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alongside.spec.sites import Capacity, ExecutorStatus
from alongside.spec.tools import Resources


@dataclass(frozen=True)
class DataNeed:
    """One dataset of a waiting run: the sites that hold it, and whether it may go elsewhere."""

    identifier: str
    sites: frozenset[str]
    #: there is a URL to fetch it from
    fetchable: bool
    may_leave: bool
    size_bytes: int | None


@dataclass(frozen=True)
class Waiting:
    """A run that is ready to be placed."""

    run: str
    account: str
    resources: Resources
    #: executor kinds the tool can run on, best first; already narrowed by the request
    executors: tuple[str, ...]
    environments: tuple[str, ...]
    labels: frozenset[str]
    data: tuple[DataNeed, ...]
    since: datetime
    priority: int = 0
    site: str | None = None
    #: the site of the run's home: an earlier attempt's site, which it must go back to
    home_site: str | None = None
    #: expected seconds, for sizing batches; None when unknown
    expected_s: float | None = None


@dataclass(frozen=True)
class Offered:
    """A runner as placement sees it: what it can do and what is left."""

    runner: str
    name: str
    site: str
    labels: frozenset[str]
    executors: tuple[ExecutorStatus, ...]
    capacity: Capacity
    free: Resources
    #: whether the waiting account may use the site is asked through this set; None means anyone
    accounts: frozenset[str] | None = None
    draining: bool = False
    online: bool = True


@dataclass(frozen=True)
class Placed:
    run: str
    runner: str
    site: str
    executor: str


@dataclass(frozen=True)
class Refusal:
    """Why one runner does not take a waiting run now; `never` if it cannot ever."""

    run: str
    runner: str
    site: str
    reason: str
    never: bool = False
