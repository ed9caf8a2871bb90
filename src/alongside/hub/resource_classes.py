"""Resource classes: the sizes of machine that sites offer, who may use them, and what a launch is given.

A site without classes gives what is asked for, within the account's limits. Where a site has classes, a run
has to be of one that its owner may use, or to fit into one. Classes of one name at several sites are one
choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alongside.errors import Fault, Invalid, NameTaken, ResourceClassUnknown
from alongside.hub import sites
from alongside.hub.store import resource_classes as store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.spec.accounts import Account, Caller
from alongside.spec.sites import ResourceClass
from alongside.spec.tools import Resources, ToolSpec

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
#: sums of decimal fractions: this much more still fits
SLACK = 1e-6


@dataclass(frozen=True)
class Given:
    """What a run is given: its size, and where it may have it."""

    resources: Resources
    #: name of the class; None: the resources were asked for as such
    resource_class: str | None = None
    #: sites that have it; None: any
    sites: tuple[str, ...] | None = None
    labels: tuple[str, ...] = ()
    lifetime_s: float | None = None

    @property
    def confined(self) -> dict[str, Any] | None:
        """As the run keeps it for its placement."""
        return None if self.sites is None else {"sites": list(self.sites), "labels": list(self.labels)}


@dataclass(frozen=True)
class Offered:
    """One class as a choice of a launch."""

    name: str
    title: str
    description: str
    resources: Resources
    lifetime_s: float | None
    #: where it is
    sites: tuple[str, ...]
    #: whether this account may use it for this tool, and why not
    ok: bool
    reason: str = ""
    #: what the launch gets when nothing is chosen
    usual: bool = False


def create(tx: Tx, site_name: str, name: str, members: dict[str, Any], now: datetime) -> ResourceClass:
    """
    Raises:
        SiteUnknown
        Invalid: the name cannot be one.
        NameTaken: the site has a class of this name.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise Invalid([Fault("name", "use lower-case letters, digits, dots, hyphens (at most 63)")])
    site = sites.get(tx, site_name)
    if store.get(tx, site_name, name) is not None:
        raise NameTaken(f"{site_name} has a class {name!r} already")
    blank = ResourceClass(new_id(now), site_name, name, name, "", Resources())
    new = replace(blank, **members)
    store.add(tx, site.id, new, now)
    return new


def get(tx: Tx, site_name: str, name: str) -> ResourceClass:
    """
    Raises:
        SiteUnknown, ResourceClassUnknown
    """
    sites.get(tx, site_name)
    found = store.get(tx, site_name, name)
    if found is None:
        raise ResourceClassUnknown
    return found


def page(tx: Tx, caller: Caller, site_name: str, after: str | None, limit: int) -> list[ResourceClass]:
    sites.get(tx, site_name, caller)
    return store.page(tx, site_name, after, limit)


def edit(tx: Tx, site_name: str, name: str, members: dict[str, Any]) -> ResourceClass:
    """Change the named members; runs keep what they were given."""
    changed = replace(get(tx, site_name, name), **members)
    store.change(tx, changed)
    return changed


def remove(tx: Tx, site_name: str, name: str) -> None:
    store.remove(tx, get(tx, site_name, name).id)


def given(
    tx: Tx,
    caller: Caller,
    tool: ToolSpec,
    *,
    wanted: str | None,
    resources: Resources | None,
    site: str | None,
    holding: Iterable[str] = (),
) -> Given:
    """What a launch gets: the class that was asked for, the resources, or else what the tool names.

    Where classes of one name differ between sites, one size is decided on: that of the sites that hold most
    of the data (`holding`: the sites of each dataset, one after the other), then that of the first site.

    Raises:
        Invalid: no site has this class for this account; naming why.
    """
    every = store.of_sites(tx, caller)
    usable = [item for item in every if _refusal(tx, caller, item, tool) is None]
    near = [item for item in usable if site is None or item.site == site]
    name = wanted if wanted is not None else (tool.resource_class if resources is None else None)
    chosen = [item for item in near if item.name == name] if name is not None else []
    if wanted is not None and not chosen:
        raise Invalid([Fault("resource_class", _why_not(tx, caller, every, tool, wanted, site))])
    if chosen:
        weight = list(holding)
        best = max(chosen, key=lambda item: weight.count(item.site))
        alike = [item for item in chosen if _terms(item) == _terms(best)]
        places = tuple(item.site for item in alike)
        return Given(best.resources, best.name, places, best.labels, best.lifetime_s)
    asked = resources or tool.resources
    return _free(tx, caller, every, usable, asked)


def offered(
    tx: Tx, caller: Caller, tool: ToolSpec, site: str | None, chosen: Given, too_much: Any
) -> tuple[Offered, ...]:
    """Every class as a choice for this tool. `too_much(resources)` says what the account's limits object."""
    found: dict[str, Offered] = {}
    for item in store.of_sites(tx, caller):
        if site is not None and item.site != site:
            continue
        reason = _refusal(tx, caller, item, tool) or too_much(item.resources) or ""
        before = found.get(item.name)
        if before is None or (before.reason and not reason):
            places = (*(before.sites if before else ()), item.site)
            found[item.name] = Offered(
                name=item.name,
                title=item.title or item.name,
                description=item.description,
                resources=item.resources,
                lifetime_s=item.lifetime_s,
                sites=places,
                ok=not reason,
                reason=reason,
                usual=item.name == chosen.resource_class,
            )
        else:
            found[item.name] = replace(before, sites=(*before.sites, item.site))
    return tuple(found.values())


def _free(
    tx: Tx, caller: Caller, every: Sequence[ResourceClass], usable: Sequence[ResourceClass], asked: Resources
) -> Given:
    """Resources without a class: where there are classes, one that may be used must hold them."""
    closed = {item.site for item in every} - {item.site for item in usable if _holds(item.resources, asked)}
    if caller.is_admin or not closed:
        return Given(asked)
    places = tuple(name for name in store.sites_taking_runs(tx, caller) if name not in closed)
    return Given(asked, sites=places)


def _refusal(tx: Tx, caller: Caller, item: ResourceClass, tool: ToolSpec) -> str | None:
    """Why this account cannot have this class for this tool."""
    if not caller.is_admin and not _admits(tx, caller.account, item):
        who = [
            *(f"the group {name}" for name in item.groups),
            *(f"{name} accounts" for name in item.account_classes),
        ]
        return f"it is for {' and '.join(who)}"
    if tool.resources.gpus > item.resources.gpus:
        return f"{tool.title or tool.name} needs {tool.resources.gpus} gpus"
    return None


def _admits(tx: Tx, account: Account, item: ResourceClass) -> bool:
    if not item.groups and not item.account_classes:
        return True
    if account.account_class in item.account_classes:
        return True
    return bool(item.groups) and not store.groups_of(tx, account.id).isdisjoint(item.groups)


def _why_not(
    tx: Tx, caller: Caller, every: Sequence[ResourceClass], tool: ToolSpec, wanted: str, site: str | None
) -> str:
    named = [item for item in every if item.name == wanted]
    here = [item for item in named if site is None or item.site == site]
    if not named:
        names = ", ".join(dict.fromkeys(item.name for item in every))
        return f"there is no class {wanted!r}" + (f"; there are {names}" if names else "")
    if not here:
        return f"{site} has no class {wanted!r}; {' and '.join(item.site for item in named)} has one"
    return _refusal(tx, caller, here[0], tool) or "cannot be used"


def _terms(item: ResourceClass) -> tuple[Any, ...]:
    return (item.resources, item.labels, item.lifetime_s)


def _holds(size: Resources, asked: Resources) -> bool:
    return (
        asked.cpus <= size.cpus + SLACK
        and asked.memory_gb <= size.memory_gb + SLACK
        and asked.gpus <= size.gpus
        and (asked.disk_gb <= size.disk_gb + SLACK or not size.disk_gb)
    )
