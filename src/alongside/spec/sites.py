"""Sites and runners: places with data and compute, and the processes that take work there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from alongside.spec.tools import Resources


@dataclass(frozen=True)
class ExecutorStatus:
    """What an executor of a runner can do now, and if not, why.

    Memory limits are held by every executor. Cores are held by `docker`; `process` only keeps a tool to
    as many cores as it asked for (CPU affinity), which it may share with other tools.
    """

    kind: str
    available: bool
    reason: str = ""
    #: named environments (process) that exist there
    environments: tuple[str, ...] = ()
    #: whether datasets can be mounted in place; otherwise they are copied
    can_mount: bool = True
    #: one uid for everybody: serves only administrators
    single_tenant: bool = False
    #: whether tools that need the network get one
    network: bool = True
    #: whether a running interactive run can have datasets mounted into it
    can_attach: bool = True


@dataclass(frozen=True)
class Capacity:
    cpus: float
    memory_gb: float
    gpus: int = 0
    #: interactive tools that may be starting at once; 0: no bound
    starts: int = 0


RunnerState = Literal["online", "offline", "draining"]


@dataclass(frozen=True)
class Runner:
    id: str
    name: str
    site: str
    state: RunnerState
    #: its own and those that were added
    labels: tuple[str, ...]
    executors: tuple[ExecutorStatus, ...]
    capacity: Capacity
    version: str
    last_seen_at: datetime | None
    created_at: datetime
    epoch: int = 0
    #: held by its attempts now
    used: Resources = field(default_factory=lambda: Resources(cpus=0, memory_gb=0))
    #: ids of the runs it holds
    runs: tuple[str, ...] = ()
    #: labels that an administrator put on it
    added_labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResourceClass:
    """A size of machine that a site offers, and to whom. Administrators may use every one."""

    id: str
    site: str
    name: str
    title: str
    description: str
    resources: Resources
    #: None: no limit of its own
    lifetime_s: float | None = None
    #: labels of the runners that serve it
    labels: tuple[str, ...] = ()
    #: names; both empty: everyone may use it
    groups: tuple[str, ...] = ()
    account_classes: tuple[str, ...] = ()
    #: lists show low ones first
    position: int = 0


@dataclass(frozen=True)
class Site:
    id: str
    name: str
    title: str
    description: str
    #: origin of a run at this site, with {run}: http://{run}.localhost:8470
    edge_url: str
    enabled: bool
    created_at: datetime
    tags: tuple[str, ...] = ()
    runners: tuple[Runner, ...] = ()
