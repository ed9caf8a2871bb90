"""Files: folders at sites that people may open, by grants for the site's file server and by drives.

The hub never touches a file. It says who may open what; the site's edge opens it as its owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote, urlsplit

from joserfc import jwt
from joserfc.jwk import OKPKey

from alongside import values
from alongside.config import Config
from alongside.errors import (
    Fault,
    Forbidden,
    Invalid,
    LocationUnknown,
    NotFound,
    QuotaExceeded,
    SiteUnknown,
)
from alongside.hub import datasets, errands, runs
from alongside.hub.keyring import Keyring
from alongside.hub.store import accounts as accounts_store
from alongside.hub.store import files as store
from alongside.hub.store import groups as groups_store
from alongside.hub.store.database import Tx
from alongside.hub.store.files import Disk
from alongside.hub.store.files import OpenedDrive as OpenedDrive
from alongside.hub.store.keys import hashed, new_id, new_secret
from alongside.spec.accounts import Caller
from alongside.spec.files import AUDIENCE, GRANT_S, Drive, Folder, FolderKind, is_local

DRIVES_MAX = 20
OUTPUTS_SHOWN = 30
PASSWORD_PREFIX = "ald_"


@dataclass(frozen=True)
class Wanted:
    """Which folder; each kind needs its own member."""

    kind: FolderKind
    #: of a home or group folder; may be left out where there is one site only
    site: str | None = None
    group: str | None = None
    run: str | None = None
    dataset: str | None = None


@dataclass(frozen=True)
class FilePlace:
    """A folder that I may open."""

    kind: Literal["home", "outputs"]
    site: str
    title: str
    #: whether a runner of the site is in contact
    online: bool
    run: str | None = None


@dataclass(frozen=True)
class FileGrant:
    """Shown to the site's file server as `Authorization: Bearer`; good for `expires_at`, for one folder."""

    token: str
    #: address of the site's file server: append /files/v1/…
    url: str
    site: str
    writable: bool
    expires_at: datetime


@dataclass(frozen=True)
class OpenDrive:
    """A WebDAV address."""

    id: str
    name: str
    url: str
    user: str
    site: str
    writable: bool
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class NewDrive(OpenDrive):
    #: shown once
    password: str = ""


def places(tx: Tx, caller: Caller) -> tuple[FilePlace, ...]:
    """My homes, one per site, and the outputs of my newest runs."""
    homes: dict[str, FilePlace] = {}
    for disk in store.disks(tx, caller):
        homes.setdefault(disk.site, FilePlace("home", disk.site, disk.site_title or disk.site, disk.online))
    made = store.outputs(tx, caller.account.id, limit=OUTPUTS_SHOWN)
    return (
        *homes.values(),
        *(FilePlace("outputs", item.disk.site, item.title, item.disk.online, item.run) for item in made),
    )


def grant(
    tx: Tx, caller: Caller, wanted: Wanted, now: datetime, *, write: bool, config: Config, keyring: Keyring
) -> FileGrant:
    """
    Raises:
        Forbidden: a token that only reads asks to write.
        and what `folder` raises.
    """
    disk, folder = find(tx, caller, wanted, write=write)
    issued = int(now.timestamp())
    claims = {
        "iss": config.hub.url,
        "aud": AUDIENCE,
        "sub": caller.account.id,
        "folder": values.dump(folder),
        "iat": issued,
        "exp": issued + GRANT_S,
    }
    token = jwt.encode(
        {"alg": "Ed25519"}, claims, OKPKey.import_key(keyring.private_pem), algorithms=["Ed25519"]
    )
    return FileGrant(
        token,
        origin(disk.edge_url, config),
        disk.site,
        folder.writable,
        datetime.fromtimestamp(issued + GRANT_S, now.tzinfo),
    )


def find(tx: Tx, caller: Caller, wanted: Wanted, *, write: bool) -> tuple[Disk, Folder]:
    """A folder that the caller may open, and the disk it is on.

    Raises:
        Invalid, SiteUnknown, RunUnknown, DatasetUnknown, LocationUnknown, NotFound, Forbidden.
    """
    if write and "run" not in caller.scopes:
        raise Forbidden("this token only reads; ask for a folder without write", scope="run")
    needed = {"group": "group", "outputs": "run", "dataset": "dataset"}.get(wanted.kind)
    if needed and not getattr(wanted, needed):
        raise Invalid([Fault(needed, f"say which, for a folder of the kind {wanted.kind}")])
    match wanted.kind:
        case "home":
            return _made(caller, _disk(tx, caller, wanted.site), "home", caller.account.id, write)
        case "group":
            name = wanted.group or ""
            if name not in groups_store.names_of(tx, caller.account.id):
                raise NotFound(f"you are in no group {name!r}")
            return _made(caller, _disk(tx, caller, wanted.site), "group", name, write)
        case "outputs":
            run = runs.get(tx, caller, wanted.run or "")
            made = store.outputs(tx, None, run=run.id)
            if not made:
                raise NotFound("this run has left no outputs")
            return _made(caller, made[0].disk, "outputs", f"{run.id}/{made[0].attempt}", write=False)
        case "dataset":
            return _dataset(tx, caller, wanted)


def open_drive(
    tx: Tx,
    caller: Caller,
    wanted: Wanted,
    now: datetime,
    *,
    name: str,
    days: int,
    write: bool,
    config: Config,
) -> NewDrive:
    """A WebDAV address with a password of its own; the site knows it a moment later.

    Raises:
        QuotaExceeded: the account has as many as it may.
        and what `find` raises.
    """
    disk, folder = find(tx, caller, wanted, write=write)
    known = store.drives_of(tx, caller.account.id)
    for old in [drive for drive in known if drive.expires_at <= now]:
        store.remove_drive(tx, old.id)
    if sum(drive.expires_at > now for drive in known) >= DRIVES_MAX:
        raise QuotaExceeded(f"an account has at most {DRIVES_MAX} drives; take one back first")
    password = new_secret(PASSWORD_PREFIX)
    expires_at = now + timedelta(days=days)
    opened = OpenedDrive(
        new_id(now), name.strip(), disk.site, disk.edge_url, disk.runner, folder, now, expires_at
    )
    store.add_drive(tx, caller.account.id, opened)
    told = Drive(opened.id, folder, hashed(password), expires_at.timestamp())
    errands.ask(tx, disk.runner, "drive", opened.id, {"drive": values.dump(told)}, caller.account.id, now)
    shown = _shown(caller, opened, config)
    return NewDrive(**{**shown.__dict__, "password": password})


def drives(tx: Tx, caller: Caller, now: datetime, *, config: Config) -> tuple[OpenDrive, ...]:
    """Newest first."""
    found = store.drives_of(tx, caller.account.id)
    return tuple(_shown(caller, drive, config) for drive in found if drive.expires_at > now)


def close_drive(tx: Tx, account: str, drive_id: str | None, now: datetime) -> None:
    """Take one back, or all of an account; the site forgets it as soon as it hears.

    Raises:
        NotFound
    """
    found = [drive for drive in store.drives_of(tx, account) if drive_id in (None, drive.id)]
    if drive_id is not None and not found:
        raise NotFound("you have no such drive")
    for drive in found:
        errands.ask(tx, drive.runner, "drive", drive.id, {"remove": drive.id}, account, now)
        store.remove_drive(tx, drive.id)


def lock_out(tx: Tx, account_id: str, now: datetime) -> None:
    """Take back the drives of an account that may not enter any more; one that signed out keeps them."""
    account = accounts_store.get(tx, account_id)
    if account is None or not account.may_enter(now):
        close_drive(tx, account_id, None, now)


def left(tx: Tx, account_id: str, now: datetime, *, group: str | None = None) -> None:
    """Take back drives by which somebody would keep what they lost: those of the group that they are no
    longer in, and, as a group or tag may have opened them, those of datasets. Who still may opens them anew.
    """
    for drive in store.drives_of(tx, account_id):
        kind, name = drive.folder.kind, drive.folder.name
        if kind == "dataset" or (kind == "group" and name == group):
            close_drive(tx, account_id, drive.id, now)


def origin(edge_url: str, config: Config) -> str:
    """Where the files of a site are served."""
    return edge_url.replace("{run}", config.edge.files_host).rstrip("/")


def _drive_url(drive: OpenedDrive, config: Config) -> str:
    """At the hub's own name where the site's names are of this machine alone: see the edge's `drives`."""
    base = origin(drive.edge_url, config)
    if drive.edge_url == config.edge.url and is_local(urlsplit(base).hostname or ""):
        base = config.hub.url.rstrip("/")
    return f"{base}/dav/{quote(drive.id)}/"


def _disk(tx: Tx, caller: Caller, site: str | None) -> Disk:
    found = store.disks(tx, caller, site)
    if site is not None and not found:
        raise SiteUnknown(f"no site with a runner is called {site!r}")
    if not found:
        raise SiteUnknown("no site has a runner yet")
    if len({disk.site for disk in found}) > 1:
        raise Invalid([Fault("site", "there are several sites; say which")])
    return found[0]


def _dataset(tx: Tx, caller: Caller, wanted: Wanted) -> tuple[Disk, Folder]:
    dataset = datasets.get(tx, caller, wanted.dataset or "")
    for location in dataset.locations:
        if location.path and location.site and wanted.site in (None, location.site):
            disks = store.disks(tx, caller, location.site)
            if disks:
                return _made(caller, disks[0], "dataset", location.path, write=False)
    raise LocationUnknown("this dataset is not at a site that you may see")


def _made(caller: Caller, disk: Disk, kind: FolderKind, name: str, write: bool) -> tuple[Disk, Folder]:
    return disk, Folder(
        kind, disk.runner, name, caller.account.id, writable=write, account_name=caller.account.name
    )


def _shown(caller: Caller, drive: OpenedDrive, config: Config) -> OpenDrive:
    return OpenDrive(
        drive.id,
        drive.name,
        _drive_url(drive, config),
        caller.account.name,
        drive.site,
        drive.folder.writable,
        drive.created_at,
        drive.expires_at,
    )
