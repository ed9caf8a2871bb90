"""Maintenance: banners that everybody sees, and sites that take nothing new while it is near."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from alongside.errors import BannerUnknown, Fault, Invalid, UnderMaintenance
from alongside.hub import notices, sites
from alongside.hub.store import banners as store
from alongside.hub.store import changes
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.spec.banners import Banner, Level

TEXT_MAX = 1_000
YEARS = (2000, 2200)


def shown(tx: Tx, now: datetime) -> list[Banner]:
    return [banner for banner in store.current(tx, now) if banner.is_shown(now)]


def current(tx: Tx, now: datetime) -> list[Banner]:
    """Also those that are shown later."""
    return store.current(tx, now)


def create(
    tx: Tx,
    now: datetime,
    *,
    level: Level,
    text: str,
    site: str | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    no_launch_from: datetime | None,
    tell: bool,
) -> Banner:
    """`tell` also sends a notice to those who have something running there.

    Raises:
        Invalid: text or times cannot be those of a banner.
        SiteUnknown: there is no such site.
    """
    banner = Banner(new_id(now), level, text.strip(), site, starts_at or now, ends_at, no_launch_from, now)
    _check(tx, banner)
    store.add(tx, banner)
    changes.note(tx, "banner", banner.id)
    if tell:
        for account in store.owners_of_running(tx, site):
            notices.notify(tx, account, "maintenance", _title(banner), banner.text, "/runs", now)
    return banner


def edit(tx: Tx, banner_id: str, members: dict[str, Any]) -> Banner:
    banner = replace(_get(tx, banner_id), **members)
    _check(tx, banner)
    store.change(tx, banner_id, **members)
    changes.note(tx, "banner", banner_id)
    return banner


def remove(tx: Tx, banner_id: str) -> None:
    store.remove(tx, _get(tx, banner_id).id)
    changes.note(tx, "banner", banner_id)


def check(tx: Tx, site: str | None, now: datetime) -> None:
    """To be called before something is launched, at a site if one was asked for.

    Raises:
        UnderMaintenance: with the words of the banner.
    """
    for banner in store.current(tx, now):
        if banner.forbids(now) and banner.site in (None, site):
            until = f" until {banner.ends_at:%Y-%m-%d %H:%M} UTC" if banner.ends_at else ""
            raise UnderMaintenance(f"Nothing new is launched{until}: {banner.text}", banner=banner.id)


def heed(tx: Tx, now: datetime) -> tuple[bool, datetime | None]:
    """Mark the sites that take nothing new: whether that changed any, and when to look again."""
    found = store.current(tx, now)
    forbidding = [banner for banner in found if banner.forbids(now)]
    everywhere = any(banner.site is None for banner in forbidding)
    changed = store.mark_quiet(
        tx, None if everywhere else {banner.site for banner in forbidding if banner.site is not None}
    )
    moments = [banner.no_launch_from for banner in found if not banner.forbids(now)]
    moments += [banner.ends_at for banner in found if banner.no_launch_from is not None]
    return changed, min((moment for moment in moments if moment is not None and moment > now), default=None)


def _get(tx: Tx, banner_id: str) -> Banner:
    banner = store.get(tx, banner_id)
    if banner is None:
        raise BannerUnknown
    return banner


def _check(tx: Tx, banner: Banner) -> None:
    faults: list[Fault] = []
    if not 0 < len(banner.text) <= TEXT_MAX:
        faults.append(Fault("text", f"must have 1 to {TEXT_MAX} characters"))
    for field in ("starts_at", "ends_at", "no_launch_from"):
        moment = getattr(banner, field)
        if moment is not None and not YEARS[0] <= moment.year <= YEARS[1]:
            faults.append(Fault(field, f"must be in the years {YEARS[0]} to {YEARS[1]}"))
    if faults:
        raise Invalid(faults)
    if banner.ends_at and banner.ends_at <= banner.starts_at:
        faults.append(Fault("ends_at", "must be after starts_at"))
    if banner.no_launch_from and banner.ends_at and banner.no_launch_from >= banner.ends_at:
        faults.append(Fault("no_launch_from", "must be before ends_at"))
    if faults:
        raise Invalid(faults)
    if banner.site is not None:
        sites.get(tx, banner.site)


def _title(banner: Banner) -> str:
    return f"Maintenance at {banner.site}" if banner.site else "Maintenance"
