"""Asking for a run: everything wrong is said at once, and the quota is checked in the same transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from alongside import values
from alongside.config import Config
from alongside.errors import (
    DatasetUnknown,
    Fault,
    IdentifierUnknown,
    Invalid,
    Problem,
    SiteUnknown,
    Unplaceable,
)
from alongside.hub import accounts, banners, budgets, homes, resolver, resource_classes, sites, tools
from alongside.hub.resource_classes import Given
from alongside.hub.runs.reading import find_match
from alongside.hub.store import changes, events
from alongside.hub.store import queue as queue_store
from alongside.hub.store import runs as store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.spec import lifetimes
from alongside.spec.accounts import Caller
from alongside.spec.datasets import Dataset
from alongside.spec.lifetimes import Lifetime
from alongside.spec.placement import Refusal, Waiting, open_to, refuse, summary
from alongside.spec.runs import DatasetUse, Run, RunRequest
from alongside.spec.tools import Resources, ToolVersion

#: as long as the store's key, minus room for a suffix
NAME_MAX = 120
DATASETS_MAX = 100


@dataclass(frozen=True)
class PreviewedDataset:
    identifier: str
    title: str
    size_bytes: int | None
    #: id of the dataset
    dataset: str


@dataclass(frozen=True)
class Place:
    site: str
    runner: str
    ok: bool
    reason: str


@dataclass(frozen=True)
class Preview:
    """What a launch would do, for the page that asks for consent."""

    tool: str
    version: str
    datasets: tuple[PreviewedDataset, ...]
    places: tuple[Place, ...]
    #: a run of the caller that would serve instead
    match: Run | None
    quota: accounts.Quota
    resources: Resources
    #: the class that they come from
    resource_class: str | None
    #: every size of machine that there is to choose from, and why one is not for this account or tool
    classes: tuple[resource_classes.Offered, ...]
    #: it would pause by itself so long after it became ready
    lifetime_s: float | None
    #: those given, and the tool's defaults for those left out
    arguments: dict[str, Any]
    arguments_schema: dict[str, Any]


@dataclass(frozen=True)
class _Checked:
    """A request with everything that it names looked up."""

    tool: ToolVersion
    #: (dataset, name under data/, mode) in the order asked for
    datasets: tuple[tuple[Dataset, DatasetUse], ...]
    given: Given
    #: with the tool's defaults
    arguments: dict[str, Any]
    lifetime: Lifetime

    @property
    def resources(self) -> Resources:
        return self.given.resources


def request(tx: Tx, caller: Caller, wish: RunRequest, now: datetime, *, config: Config) -> Run:
    """Queue a run.

    Raises:
        Invalid: naming every fault.
        ToolUnknown, ToolVersionUnknown, IdentifierUnknown, DatasetUnknown, SiteUnknown
        QuotaExceeded: saying which limit and how much of it is used.
        Unplaceable: no runner, however idle, could ever take it.
    """
    checked = _check(tx, caller, wish, config)
    accounts.check_quota(tx, caller.account, checked.resources, config.accounts)
    budgets.check(tx, caller.account.id, now)
    banners.check(tx, wish.site, now)
    if checked.tool.spec.kind == "interactive":
        homes.check_room(tx, caller.account, wish.site, config)
    _refuse_hopeless(tx, caller, wish, checked, now, config)
    run_id, spec = new_id(now), checked.tool.spec
    store.add(
        tx,
        run_id,
        account=caller.account.id,
        tool_version_id=checked.tool.id,
        tool=spec.name,
        version=spec.version,
        kind=spec.kind,
        title=wish.title or _title(checked),
        # What is run stays the same when it is run again, whatever defaults a later version has.
        wish=replace(wish, arguments=checked.arguments),
        resources=checked.resources,
        now=now,
        resource_class=checked.given.resource_class,
        confined=checked.given.confined,
        lifetime_s=checked.lifetime.seconds,
        lifetime_max_s=checked.lifetime.most,
        idle_s=spec.idle_s,
    )
    for position, (dataset, use) in enumerate(checked.datasets):
        add_use(tx, run_id, dataset, use, position)
    events.add(tx, run_id, 0, now, "state", state="queued")
    changes.note(tx, "run", run_id)
    made = store.get(tx, run_id)
    assert made is not None
    return made


def preview(tx: Tx, caller: Caller, wish: RunRequest, now: datetime, *, config: Config) -> Preview:
    """What `request` would do; nothing is written. Raises as it does, but not for quota and places."""
    checked = _check(tx, caller, wish, config, arguments=False)
    refusals, offers = _refusals(tx, caller, wish, checked, now, config)
    reasons = {refusal.runner: refusal.reason for refusal in refusals}
    quota = accounts.usage(tx, caller.account, config.accounts)
    return Preview(
        tool=checked.tool.spec.name,
        version=checked.tool.spec.version,
        datasets=tuple(
            PreviewedDataset(dataset.identifiers[0].value, dataset.title, dataset.size_bytes, dataset.id)
            for dataset, _ in checked.datasets
        ),
        places=tuple(
            Place(site, name, runner not in reasons, reasons.get(runner, "")) for runner, name, site in offers
        ),
        match=find_match(tx, caller, wish),
        quota=quota,
        resources=checked.resources,
        resource_class=checked.given.resource_class,
        classes=resource_classes.offered(
            tx,
            caller,
            checked.tool.spec,
            wish.site,
            checked.given,
            lambda size: "; ".join(quota.refusals(size)),
        ),
        lifetime_s=checked.lifetime.seconds,
        arguments=checked.arguments,
        arguments_schema=checked.tool.spec.arguments,
    )


def add_use(
    tx: Tx, run_id: str, dataset: Dataset, use: DatasetUse, position: int, status: str | None = None
) -> None:
    """Note that a run has a dataset, under the name that `use` states."""
    assert use.name is not None
    store.add_dataset(
        tx,
        run_id,
        dataset=dataset.id,
        identifier=dataset.identifiers[0].value if dataset.identifiers else dataset.id,
        title=dataset.title,
        name=use.name,
        mode=use.mode,
        position=position,
        status=status,
    )


def named(dataset: Dataset, use: DatasetUse, taken: set[str]) -> DatasetUse:
    """The use with a name that is free: the one asked for, or one made from where the bytes are."""
    if use.name is not None:
        return use
    places = [location.path or location.url or "" for location in dataset.locations]
    stem = _file_name(places[0].split("?")[0]) if places else ""
    stem = (stem or _file_name(dataset.title) or "dataset")[:NAME_MAX]
    name, count = stem, 2
    while name in taken:
        path = PurePosixPath(stem)
        name, count = f"{path.stem}-{count}{path.suffix}", count + 1
    return DatasetUse(use.id, name, use.mode)


def name_fault(name: str) -> str | None:
    """What is wrong with a name under data/, if anything."""
    if not name or name in {".", ".."} or "/" in name or not name.isprintable():
        return "must be a single file name"
    if len(name.encode()) > NAME_MAX:
        return f"must be at most {NAME_MAX} bytes"
    return None


def _check(tx: Tx, caller: Caller, wish: RunRequest, config: Config, *, arguments: bool = True) -> _Checked:
    """Look everything up. Faults are collected; what is unknown is said only if nothing is faulty."""
    tool = tools.find(tx, caller, wish.tool)
    faults = [*_wish_faults(wish, tool)]
    given = tools.with_defaults(tool.spec.arguments, wish.arguments)
    if arguments:
        faults += tools.argument_faults(tool.spec.arguments, given)
    missing: list[Problem] = []
    datasets: list[tuple[Dataset, DatasetUse]] = []
    taken: set[str] = set()
    for index, use in enumerate(wish.datasets[:DATASETS_MAX]):
        try:
            dataset = resolver.resolve(tx, caller, use.id, field=f"datasets[{index}].id")
        except Invalid as problem:
            faults += problem.faults
            continue
        except (IdentifierUnknown, DatasetUnknown) as problem:
            missing.append(problem)
            continue
        use = named(dataset, use, taken)
        fault = name_fault(use.name or "") or ("is used twice" if use.name in taken else None)
        if fault:
            faults.append(Fault(f"datasets[{index}].name", fault))
        taken.add(use.name or "")
        datasets.append((dataset, use))
    if wish.site is not None:
        try:
            sites.get(tx, wish.site, caller)
        except SiteUnknown:
            missing.append(SiteUnknown(f"there is no site {wish.site!r}"))
    size = Given(tool.spec.resources)
    try:
        size = resource_classes.given(
            tx,
            caller,
            tool.spec,
            wanted=wish.resource_class,
            resources=wish.resources,
            site=wish.site,
            holding=[location.site for item, _ in datasets for location in item.locations if location.site],
        )
    except Invalid as problem:
        faults += problem.faults
    if faults:
        raise Invalid(faults)
    if missing:
        raise missing[0]
    most = accounts.limits(tx, caller.account, config.accounts).lifetime_s
    lifetime = lifetimes.granted(wish.lifetime_s, tool.spec.lifetime_s, size.lifetime_s, most)
    return _Checked(tool, tuple(datasets), size, given, lifetime)


def _wish_faults(wish: RunRequest, tool: ToolVersion) -> Iterator[Fault]:
    spec = tool.spec
    if wish.executor is not None and wish.executor not in spec.executors:
        yield Fault("executor", f"{spec.name} runs on {' or '.join(spec.executors)}, not on {wish.executor}")
    if wish.resources is not None:
        for name in ("cpus", "memory_gb"):
            if not 0 < getattr(wish.resources, name) < float("inf"):
                yield Fault(f"resources.{name}", "must be greater than 0")
        for name in ("gpus", "disk_gb"):
            if not 0 <= getattr(wish.resources, name) < float("inf"):
                yield Fault(f"resources.{name}", "must not be negative")
    if wish.resources is not None and wish.resource_class is not None:
        yield Fault("resource_class", "name a class, or resources, not both")
    for name in ("time_limit_s", "lifetime_s"):
        value = getattr(wish, name)
        if value is not None and not 0 < value < 10**9:
            yield Fault(name, "must be greater than 0 (and below 30 years)")
    if not -1000 <= wish.priority <= 1000:
        yield Fault("priority", "must be from -1000 to 1000")
    if len(wish.title) > 500:
        yield Fault("title", "must have at most 500 characters")
    if len(wish.datasets) > DATASETS_MAX:
        yield Fault("datasets", f"a run has at most {DATASETS_MAX} datasets")
    if spec.input_path is not None and not wish.datasets:
        yield Fault("datasets", f"{spec.name} needs a dataset to work on")
    if wish.open is not None and (wish.open.startswith("/") or ".." in PurePosixPath(wish.open).parts):
        yield Fault("open", "must be a relative path without ..")


def _refusals(
    tx: Tx, caller: Caller, wish: RunRequest, checked: _Checked, now: datetime, config: Config
) -> tuple[list[Refusal], list[tuple[str, str, str]]]:
    """One refusal per runner that would not take it now, and all runners as (id, name, site)."""
    offers = open_to(caller.account.id, queue_store.offered(tx))
    waiting: Waiting = queue_store.would_wait(
        tx,
        caller.account.id,
        checked.tool.spec,
        wish,
        [dataset.id for dataset, _ in checked.datasets],
        now,
        resources=checked.resources,
        confined=checked.given.confined,
        resource_class=checked.given.resource_class,
    )
    refusals = refuse(waiting, offers, stage_max_bytes=config.dispatcher.stage_max_bytes)
    listed = sorted((offer.site, offer.name, offer.runner) for offer in offers)
    return refusals, [(runner, name, site) for site, name, runner in listed]


def _refuse_hopeless(
    tx: Tx, caller: Caller, wish: RunRequest, checked: _Checked, now: datetime, config: Config
) -> None:
    refusals, offers = _refusals(tx, caller, wish, checked, now, config)
    # Without any runner it waits for the first one: an installation is allowed to be set up in any order.
    if offers and len(refusals) == len(offers) and all(refusal.never for refusal in refusals):
        raise Unplaceable(
            f"no site can run this: {summary(refusals)}", refusals=[values.dump(item) for item in refusals]
        )


def _title(checked: _Checked) -> str:
    name = checked.tool.spec.title or checked.tool.spec.name
    return f"{name}: {checked.datasets[0][0].title}" if checked.datasets else name


def _file_name(text: str) -> str:
    """A plain file name out of a path, an address or a title."""
    last = text.rstrip("/").rpartition("/")[2]
    return re.sub(r"[^\w.+-]+", "-", last).strip("-.")
