"""Folders that people look into: what the hub allows at a site's file server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FolderKind = Literal["home", "group", "outputs", "dataset"]

#: what a signed grant is for, beside tickets to runs
AUDIENCE = "files"
GRANT_S = 900

#: names of ours inside people's folders: never listed, never reached by a path
TRASH = ".alongside-trash"
PARTIAL = ".alongside-part-"


@dataclass(frozen=True)
class Folder:
    """A folder at a site, as its file server finds it."""

    kind: FolderKind
    #: whose disk it is on
    runner: str
    #: home: id of the account; group: its name; outputs: `<run>/<attempt>`; dataset: an absolute path
    name: str
    #: for whom: operations are carried out as this account
    account: str
    writable: bool = False
    account_name: str = ""


@dataclass(frozen=True)
class Drive:
    """A folder that a desktop or rclone mounts by WebDAV; the site keeps this and a hash of its password."""

    id: str
    folder: Folder
    #: lower-case hexadecimal SHA-256 of the password
    secret_hash: str
    #: Unix seconds
    expires_at: float


def is_local(host: str) -> bool:
    """A name below `localhost`: browsers take it for this machine, and most other programs do not."""
    return host == "localhost" or host.endswith(".localhost")
