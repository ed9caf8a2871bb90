"""Placement: which queued run goes to which runner, and why every other runner was refused.

Data first: a run goes where its datasets are, and elsewhere only when no such site can ever serve it or the
datasets are small and may leave. Then labels, executor, environment and free capacity. Quotas are no
concern of placement: they were checked when the run was asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import heapify, heappop, heappush
from math import inf

from alongside.spec.sites import Capacity, ExecutorStatus
from alongside.spec.tools import Resources

STAGE_MAX_BYTES = 10_000_000_000
RULE = "highest priority first; within it the account that holds least; within that the longest wait"
#: free capacity is a sum of decimal fractions: this much short is still enough
SLACK = 1e-6
STARTS_FULL = "as many tools are starting there as may at once"


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
    #: sites that have the resource class as the run was given it; None: any
    sites: frozenset[str] | None = None
    #: what those sites have
    resource_class: str | None = None
    #: the site of the run's home: an earlier attempt's site, which it must go back to
    home_site: str | None = None
    #: expected seconds, for sizing batches; None when unknown
    expected_s: float | None = None
    #: the tool needs the network
    network: bool = False
    #: runs with the same key may share a lease; empty means that this one never does
    batch: str = ""
    #: it takes one of a runner's starts until it is ready
    interactive: bool = False


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
    #: who may use an executor that runs everybody as one Unix user: administrators
    owners: frozenset[str] = frozenset()
    #: interactive tools that may begin to start now; None: any number
    starts: int | None = None


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


def place(
    waiting: Iterable[Waiting],
    offered: Sequence[Offered],
    now: datetime,
    *,
    held: Mapping[str, int] | None = None,
    stage_max_bytes: int = STAGE_MAX_BYTES,
) -> tuple[list[Placed], list[Refusal]]:
    """Give out what is free. Never more of a runner than it has left; the same input, the same answer.

    `held` says how many runs each account holds already. Every run that is not placed has one refusal
    per runner. `now` decides nothing yet: no rule depends on how long a run has waited, only on who waited
    longer.
    """
    runners = {runner.runner: runner for runner in sorted(offered, key=lambda item: item.runner)}
    placed: list[Placed] = []
    left: list[Waiting] = []
    hopeless: set[object] = set()
    for run in _in_turn(waiting, held or {}, placed):
        need = requirement(run)
        # What is free only shrinks within one call: a requirement refused once stays refused.
        best = None if need in hopeless else _best(run, runners.values(), stage_max_bytes)
        if best is None:
            hopeless.add(need)
            left.append(run)
            continue
        runner, executor = best
        runners[runner.runner] = _with(runner, run)
        placed.append(Placed(run.run, runner.runner, runner.site, executor))
    reasons: dict[object, list[Refusal]] = {}
    refusals: list[Refusal] = []
    for run in left:
        need = requirement(run)
        if need not in reasons:
            reasons[need] = refuse(run, list(runners.values()), stage_max_bytes=stage_max_bytes)
        refusals += (replace(refusal, run=run.run) for refusal in reasons[need])
    return placed, refusals


def refuse(
    run: Waiting, offered: Sequence[Offered], *, stage_max_bytes: int = STAGE_MAX_BYTES
) -> list[Refusal]:
    """Why each runner does not take this run now; runners that would take it are not in the list."""
    refusals: list[Refusal] = []
    for runner in sorted(offered, key=lambda item: (item.site, item.name, item.runner)):
        reason, never = _objection(run, runner, offered, stage_max_bytes)
        if reason:
            refusals.append(Refusal(run.run, runner.runner, runner.site, f"{runner.site}: {reason}", never))
    return refusals


def open_to(account: str, offered: Iterable[Offered]) -> list[Offered]:
    """Runners of the sites that an account may use; it is not told that there are others."""
    return [runner for runner in offered if runner.accounts is None or account in runner.accounts]


def requirement(run: Waiting) -> tuple[object, ...]:
    """Runs with equal requirements are refused and taken alike."""
    return (
        run.account,
        run.resources,
        run.executors,
        run.environments,
        run.labels,
        run.network,
        run.data,
        run.site,
        run.sites,
        run.home_site,
        run.interactive,
    )


def summary(refusals: Collection[Refusal]) -> str:
    """One sentence for a person, from one refusal per runner."""
    reasons = list(dict.fromkeys(refusal.reason for refusal in refusals))
    if not reasons:
        return "no runner is registered yet"
    shown = "; ".join(reasons[:3])
    return shown if len(reasons) <= 3 else f"{shown}; and {len(reasons) - 3} more"


def _in_turn(waiting: Iterable[Waiting], held: Mapping[str, int], placed: list[Placed]) -> Iterable[Waiting]:
    """Runs in the order of RULE; looks at `placed` to see whose turn it is after each one."""
    lines: dict[int, dict[str, list[Waiting]]] = {}
    for run in sorted(waiting, key=lambda item: (item.since, item.run), reverse=True):
        lines.setdefault(-run.priority, {}).setdefault(run.account, []).append(run)
    shares = dict(held)
    for _, line in sorted(lines.items()):
        turn = [
            (shares.get(account, 0), runs[-1].since, runs[-1].run, account) for account, runs in line.items()
        ]
        heapify(turn)
        while turn:
            _, _, _, account = heappop(turn)
            before = len(placed)
            yield line[account].pop()
            shares[account] = shares.get(account, 0) + len(placed) - before
            if line[account]:
                following = line[account][-1]
                heappush(turn, (shares[account], following.since, following.run, account))


def _best(run: Waiting, offered: Collection[Offered], stage_max: int) -> tuple[Offered, str] | None:
    """The runner that has to fetch least, on the tool's best executor, with most room left."""
    takers = [runner for runner in offered if not _objection(run, runner, offered, stage_max)[0]]
    if not takers:
        return None
    ranked = min(
        takers,
        key=lambda runner: (_to_fetch(run, runner.site), _rank(run, runner), -_room(runner), runner.runner),
    )
    return ranked, run.executors[_rank(run, ranked)]


def _objection(
    run: Waiting, runner: Offered, offered: Collection[Offered], stage_max: int
) -> tuple[str, bool]:
    """The first thing that speaks against this runner, and whether it always will; ("", False) if nothing."""
    reason = _standing_objection(run, runner) or _data_objection(run, runner, offered, stage_max, never=True)
    if reason:
        return reason, True
    reason = _passing_objection(run, runner) or _data_objection(run, runner, offered, stage_max, never=False)
    return reason, False


def _standing_objection(run: Waiting, runner: Offered) -> str:
    """What waiting does not change: the runner would have to be set up differently."""
    if run.site is not None and runner.site != run.site:
        return f"the run asks for site {run.site}"
    if run.sites is not None and runner.site not in run.sites and run.home_site is None:
        if run.resource_class:
            return f"it has no class {run.resource_class} of this size for this account"
        return "no resource class that this account may use there is large enough"
    if run.home_site is not None and runner.site != run.home_site:
        return f"the run's home is at {run.home_site}"
    if runner.accounts is not None and run.account not in runner.accounts:
        return "this account may not use the site"
    if not runner.executors:
        return ""
    missing = sorted(run.labels - runner.labels)
    if missing:
        return f"lacks the label{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
    reasons = [_executor_lacks(run, runner, kind) for kind in run.executors]
    if all(reasons):
        return (
            "; ".join(dict.fromkeys(reasons))
            if reasons
            else "the tool runs on no executor that was asked for"
        )
    return _short(
        run.resources, runner.capacity.cpus, runner.capacity.memory_gb, runner.capacity.gpus, "in all"
    )


def _executor_lacks(run: Waiting, runner: Offered, kind: str) -> str:
    status = next((item for item in runner.executors if item.kind == kind), None)
    if status is None:
        return f"needs {kind}"
    if status.single_tenant and run.account not in runner.owners:
        return (
            f"{kind} serves only administrators here, because the runner is not root: "
            "all tools run as one Unix user and could read each other's files"
        )
    if run.network and not status.network:
        return f"{kind} gives tools no network (runner.share_network)"
    missing = sorted(set(run.environments) - set(status.environments)) if kind == "process" else []
    return f"lacks the environment{'s' if len(missing) > 1 else ''} {', '.join(missing)}" if missing else ""


def _passing_objection(run: Waiting, runner: Offered) -> str:
    """What may be different in a moment."""
    if not runner.online:
        return f"runner {runner.name} is offline"
    if not runner.executors:
        return f"runner {runner.name} has not said yet what it can run"
    if runner.draining:
        return f"runner {runner.name} is draining"
    if _rank(run, runner) == len(run.executors):
        reasons = [
            f"{status.kind} is not available{f' ({status.reason})' if status.reason else ''}"
            for status in runner.executors
            if status.kind in run.executors
        ]
        return "; ".join(reasons)
    short = _short(run.resources, runner.free.cpus, runner.free.memory_gb, runner.free.gpus, "free")
    if not short and run.interactive and runner.starts is not None and runner.starts <= 0:
        return STARTS_FULL
    return short


def _short(wanted: Resources, cpus: float, memory_gb: float, gpus: int, what: str) -> str:
    if wanted.cpus > cpus + SLACK:
        return f"needs {wanted.cpus:g} cpus, {max(cpus, 0.0):g} {what}"
    if wanted.memory_gb > memory_gb + SLACK:
        return f"needs {wanted.memory_gb:g} GB of memory, {max(memory_gb, 0.0):g} {what}"
    if wanted.gpus > gpus:
        return f"needs {wanted.gpus} gpus, {max(gpus, 0)} {what}"
    return ""


def _data_objection(
    run: Waiting, runner: Offered, offered: Collection[Offered], stage_max: int, *, never: bool
) -> str:
    """Why datasets that are not at this site cannot be brought to it: `never`, or only not now."""
    for need in run.data:
        if runner.site in need.sites:
            continue
        if not need.sites and not need.fetchable:
            reason = f"no location of {need.identifier} is known"
        elif not need.fetchable:
            reason = f"no location of {need.identifier} here, and no address to fetch it from"
        elif need.sites and not need.may_leave:
            reason = f"no location of {need.identifier} here, and it may not leave {_listed(need.sites)}"
        else:
            reason = ""
        if never:
            if reason:
                return reason
        elif need.sites and _too_large(need, stage_max) and _served_where_it_is(run, need, offered):
            return f"{need.identifier} is too large to be copied here from {_listed(need.sites)}"
    return ""


def _too_large(need: DataNeed, stage_max: int) -> bool:
    # An unknown size is treated as large: the copy could be the 100 TB one.
    return need.size_bytes is None or need.size_bytes > stage_max


def _served_where_it_is(run: Waiting, need: DataNeed, offered: Collection[Offered]) -> bool:
    """Whether a site that holds the dataset could serve the run, if not now then later."""
    return any(
        runner.site in need.sites
        and not _standing_objection(run, runner)
        and not _data_objection(run, runner, offered, 0, never=True)
        for runner in offered
    )


def _rank(run: Waiting, runner: Offered) -> int:
    """Index of the best executor that can take the run now; their number when none can."""
    for index, kind in enumerate(run.executors):
        status = next((item for item in runner.executors if item.kind == kind), None)
        if status is not None and status.available and not _executor_lacks(run, runner, kind):
            return index
    return len(run.executors)


def _to_fetch(run: Waiting, site: str) -> float:
    return sum(
        inf if need.size_bytes is None else max(need.size_bytes, 1)
        for need in run.data
        if site not in need.sites
    )


def _room(runner: Offered) -> float:
    return min(
        runner.free.cpus / max(runner.capacity.cpus, SLACK),
        runner.free.memory_gb / max(runner.capacity.memory_gb, SLACK),
    )


def _with(runner: Offered, run: Waiting) -> Offered:
    """What is left of a runner once it has this run too."""
    starts = runner.starts
    if starts is not None and run.interactive:
        starts -= 1
    return replace(runner, free=_less(runner.free, run.resources), starts=starts)


def _less(free: Resources, taken: Resources) -> Resources:
    return Resources(
        cpus=free.cpus - taken.cpus,
        memory_gb=free.memory_gb - taken.memory_gb,
        gpus=free.gpus - taken.gpus,
        disk_gb=free.disk_gb,
    )


def _listed(sites: frozenset[str]) -> str:
    return " or ".join(sorted(sites))
