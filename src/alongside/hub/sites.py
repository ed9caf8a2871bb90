"""The room of places: sites, how runners join them, and the sessions that runners speak in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from alongside.errors import (
    EpochStale,
    Fault,
    InUse,
    Invalid,
    NameTaken,
    NotFound,
    RunnerUnknown,
    SiteUnknown,
    Unauthenticated,
)
from alongside.hub.store import changes
from alongside.hub.store import sites as store
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import hashed, new_id, new_secret
from alongside.hub.store.sites import RegistrationToken as RegistrationToken
from alongside.spec import wire
from alongside.spec.accounts import Caller
from alongside.spec.sites import Runner, Site

NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
"""A site's name is also a label in host names."""
RUNNER_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
REGISTRATION_PREFIX = "alr_"
RUNNER_PREFIX = "aln_"
RUN_PLACE = "{run}"


@dataclass(frozen=True)
class NewRegistrationToken:
    id: str
    #: shown once
    secret: str
    expires_at: datetime


@dataclass(frozen=True)
class OpenedSession:
    """A runner's session: calls with a lower epoch are refused from now on."""

    epoch: int
    site: str


def create(
    tx: Tx, now: datetime, *, name: str, edge_url: str, title: str = "", description: str = ""
) -> Site:
    """
    Raises:
        Invalid: the name or the edge's address cannot be one.
        NameTaken: another site has the name.
    """
    faults = (
        [] if re.fullmatch(NAME_PATTERN, name) else [Fault("name", "use lower-case letters, digits, hyphens")]
    )
    faults += edge_url_faults(edge_url)
    if faults:
        raise Invalid(faults)
    if store.by_name(tx, name, None) is not None:
        raise NameTaken(f"there is a site {name!r} already")
    site = Site(new_id(now), name, title or name, description, edge_url, True, now)
    store.add(tx, site)
    changes.note(tx, "site", site.id)
    return site


def edge_url_faults(edge_url: str) -> list[Fault]:
    """Each run needs an origin of its own, so its id must be part of the host."""
    try:
        parts = urlsplit(edge_url)
    except ValueError as error:
        return [Fault("edge_url", f"is not an address: {error}")]
    if parts.scheme not in {"http", "https"} or not parts.netloc.startswith(f"{RUN_PLACE}."):
        return [Fault("edge_url", "must look like https://{run}.tools.example.org: {run} first in the host")]
    if parts.path not in {"", "/"} or parts.query or parts.fragment or edge_url.count(RUN_PLACE) != 1:
        return [Fault("edge_url", "must hold {run} once, and no path")]
    return []


def get(tx: Tx, name: str, caller: Caller | None = None) -> Site:
    """
    Raises:
        SiteUnknown: there is none of this name that the caller may see.
    """
    site = store.by_name(tx, name, caller)
    if site is None:
        raise SiteUnknown
    return _for(caller, site)


def page(tx: Tx, after: str | None, limit: int, caller: Caller | None = None) -> list[Site]:
    return [_for(caller, site) for site in store.page(tx, after, limit, caller)]


def edit(tx: Tx, name: str, members: dict[str, Any]) -> Site:
    """
    Raises:
        SiteUnknown, Invalid
    """
    site = get(tx, name)
    if "edge_url" in members and (faults := edge_url_faults(members["edge_url"])):
        raise Invalid(faults)
    store.change(tx, site.id, members)
    changes.note(tx, "site", site.id)
    return get(tx, name)


def remove(tx: Tx, name: str) -> None:
    """
    Raises:
        SiteUnknown: there is none.
        InUse: it has runners, datasets or runs.
    """
    site = get(tx, name)
    if site.runners:
        raise InUse(f"the site {name} still has runners: {', '.join(runner.name for runner in site.runners)}")
    if store.is_used(tx, site.id):
        raise InUse(f"datasets or runs are still at the site {name}")
    store.remove(tx, site.id)
    changes.note(tx, "site", site.id)


def create_registration_token(
    tx: Tx, site_name: str, name: str, days: float, now: datetime
) -> NewRegistrationToken:
    site, secret = get(tx, site_name), new_secret(REGISTRATION_PREFIX)
    token = RegistrationToken(new_id(now), name, now, now + timedelta(days=days))
    store.add_registration_token(tx, site.id, token, hashed(secret))
    return NewRegistrationToken(token.id, secret, token.expires_at)


def registration_tokens(tx: Tx, site_name: str, after: str | None, limit: int) -> list[RegistrationToken]:
    return store.registration_token_page(tx, get(tx, site_name).id, after, limit)


def revoke_registration_token(tx: Tx, site_name: str, token_id: str) -> None:
    """Nobody registers with it any more; runners that did stay."""
    if not store.remove_registration_token(tx, get(tx, site_name).id, token_id):
        raise NotFound("The site has no such registration token.")


def register(tx: Tx, registration: wire.Registration, now: datetime) -> wire.Registered:
    """A runner joins a site. Who registers under the name of an offline runner becomes that runner.

    Raises:
        Unauthenticated: the registration token is unknown or has ended.
        Invalid: the name cannot be one, or the runner speaks another version.
        NameTaken: a runner of this name is at work at the site.
    """
    check_version(registration.version)
    if not re.fullmatch(RUNNER_NAME_PATTERN, registration.name):
        raise Invalid([Fault("name", "use letters, digits, dots, hyphens (at most 100)")])
    site = store.registering_site(tx, hashed(registration.registration_token), now)
    if site is None:
        raise Unauthenticated("This registration token is unknown or has ended.")
    site_id, site_name = site
    secret = new_secret(RUNNER_PREFIX)
    known = store.runner_named(tx, site_id, registration.name)
    if known is not None and known.state != "offline":
        raise NameTaken(f"a runner {registration.name!r} is at work at the site {site_name}")
    if known is not None:
        store.renew_runner(tx, known.id, registration.labels, hashed(secret))
        runner_id = known.id
    else:
        runner_id = new_id(now)
        store.add_runner(tx, runner_id, site_id, registration.name, registration.labels, hashed(secret), now)
    changes.note(tx, "runner", runner_id)
    return wire.Registered(runner_id, secret, site_name)


def check_version(version: int) -> None:
    """
    Raises:
        Invalid: this hub speaks neither this version of the runner protocol nor one above it.
    """
    if version not in {wire.VERSION, wire.VERSION - 1} or version < 1:
        raise Invalid([Fault("version", f"this hub speaks version {wire.VERSION}, not {version}")])


def open_session(tx: Tx, runner_id: str, secret: str, version: int, now: datetime) -> OpenedSession:
    """Begin a runner's next epoch; whoever speaks with an older one has been replaced.

    Raises:
        Unauthenticated: this is not the runner's secret.
        Invalid: it speaks another version.
    """
    check_version(version)
    _, site = authenticate(tx, runner_id, secret)
    epoch = store.begin_epoch(tx, runner_id, version, now)
    changes.note(tx, "runner", runner_id)
    return OpenedSession(epoch, site)


def authenticate(tx: Tx, runner_id: str, secret: str) -> tuple[int, str]:
    """The runner's present (epoch, site).

    Raises:
        Unauthenticated: this is not the runner's secret, or the runner was removed.
    """
    found = store.runner_by_secret(tx, runner_id, hashed(secret))
    if found is None:
        raise Unauthenticated("The runner is unknown, or this is not its token; register it again.")
    return found


def check_epoch(tx: Tx, runner_id: str, secret: str, epoch: int) -> str:
    """The site's name, for calls inside a session.

    Raises:
        Unauthenticated: this is not the runner's secret.
        EpochStale: a newer session exists.
    """
    present, site = authenticate(tx, runner_id, secret)
    if epoch != present:
        raise EpochStale(f"epoch {epoch} is over; {present} is the present one", epoch=present)
    return site


def runner(tx: Tx, runner_id: str, caller: Caller | None = None) -> Runner:
    """
    Raises:
        RunnerUnknown: there is none at a site that the caller may see.
    """
    found = store.runner(tx, runner_id, caller)
    if found is None:
        raise RunnerUnknown
    return _discreet(found) if caller is not None and not caller.is_admin else found


def runner_page(tx: Tx, after: str | None, limit: int, caller: Caller | None = None) -> Sequence[Runner]:
    found = store.runner_page(tx, after, limit, caller)
    return [_discreet(item) for item in found] if caller is not None and not caller.is_admin else found


def edit_runner(
    tx: Tx, runner_id: str, *, draining: bool | None = None, added_labels: Sequence[str] | None = None
) -> Runner:
    """A draining runner finishes what it has and takes nothing new; added labels stand beside its own."""
    runner(tx, runner_id)
    columns: dict[str, Any] = {}
    if draining is not None:
        columns["draining"] = draining
    if added_labels is not None:
        columns["added_labels"] = list(dict.fromkeys(added_labels))
    if columns:
        store.change_runner(tx, runner_id, columns)
    changes.note(tx, "runner", runner_id)
    return runner(tx, runner_id)


def remove_runner(tx: Tx, runner_id: str) -> None:
    """
    Raises:
        RunnerUnknown: there is none.
        InUse: it still holds runs.
    """
    found = runner(tx, runner_id)
    if found.runs:
        raise InUse(f"the runner {found.name} still holds {len(found.runs)} runs; drain it first")
    store.remove_runner(tx, runner_id)
    changes.note(tx, "runner", runner_id)


def _for(caller: Caller | None, site: Site) -> Site:
    if caller is None or caller.is_admin:
        return site
    return replace(site, runners=tuple(_discreet(item) for item in site.runners))


def _discreet(found: Runner) -> Runner:
    """Whose runs are where is for administrators."""
    return replace(found, runs=())
