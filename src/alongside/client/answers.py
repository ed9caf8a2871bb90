"""What the REST API answers beyond the values of `spec`: these shapes exist only at its door."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alongside.spec.accounts import Account, Scope, Token
from alongside.spec.line import Place as PlaceInLine
from alongside.spec.runs import Run, State
from alongside.spec.shells import Port
from alongside.spec.tools import Resources, ToolKind, ToolVersion


@dataclass(frozen=True)
class Used:
    """Of one quota: what is held, and the most that may be (None: no limit)."""

    used: float
    limit: float | None = None


@dataclass(frozen=True)
class Me:
    account: Account
    scopes: tuple[Scope, ...]
    via: str
    tags: tuple[str, ...] = ()
    quota: dict[str, Used] = field(default_factory=dict)


@dataclass(frozen=True)
class NewToken:
    """A token with its secret, which is shown this once."""

    token: Token
    secret: str


@dataclass(frozen=True)
class Link:
    url: str
    expires_at: datetime | None = None


@dataclass(frozen=True)
class NewRegistrationToken:
    id: str
    secret: str
    expires_at: datetime | None = None


@dataclass(frozen=True)
class ShownRun(Run):
    """A run as it is shown alone."""

    #: its place in the line while it waits
    queue: PlaceInLine | None = None


@dataclass(frozen=True)
class Ports:
    items: tuple[Port, ...] = ()


@dataclass(frozen=True)
class ShellAccess:
    """A WebSocket whose first message is the ticket, once."""

    url: str
    ticket: str
    expires_at: datetime


@dataclass(frozen=True)
class Runnable:
    """Whether a tool can run somewhere now, and if not, why."""

    ok: bool
    reason: str = ""
    sites: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToolCard:
    name: str
    title: str
    kind: ToolKind
    latest: ToolVersion
    versions: tuple[str, ...]
    description: str = ""
    icon: str = ""
    tags: tuple[str, ...] = ()
    runnable: Runnable = Runnable(ok=True)


@dataclass(frozen=True)
class Holder:
    """A site that holds a dataset."""

    site: str
    path_known: bool
    online: bool
    runners: int = 0


@dataclass(frozen=True)
class Resolved:
    dataset: dict[str, Any]
    sites: tuple[Holder, ...]


@dataclass(frozen=True)
class Place:
    site: str
    ok: bool
    runner: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Preview:
    """What a launch would do, without doing it."""

    tool: str
    version: str
    datasets: tuple[dict[str, Any], ...]
    places: tuple[Place, ...]
    match: Run | None = None
    resources: Resources | None = None


@dataclass(frozen=True)
class Progress:
    """One step of a run on its way (the field names are JupyterHub's)."""

    message: str = ""
    progress: float = 0.0
    ready: bool = False
    failed: bool = False
    url: str | None = None
    state: State | None = None
    word: str = ""

    @property
    def over(self) -> bool:
        """Nothing more will come."""
        return self.ready or self.failed or self.state in _STEADY


_STEADY = frozenset({"paused", "complete", "executor_error", "system_error", "canceled", "preempted"})


@dataclass(frozen=True)
class Access:
    """How to reach a tool: `ticket_url` signs a browser in there, once, until `expires_at`."""

    url: str
    ticket_url: str
    expires_at: datetime


@dataclass(frozen=True)
class Explained:
    """Why a run waits."""

    refusals: tuple[dict[str, Any], ...]
    position: int | None = None
    rule: str = ""
    #: seconds until it is ready, as far as that is known
    about_s: float | None = None
    #: its place in words
    line: str = ""


@dataclass(frozen=True)
class FileGrant:
    """Opens one folder at a site's file server, until `expires_at`."""

    token: str
    url: str
    site: str
    writable: bool
    expires_at: datetime


@dataclass(frozen=True)
class FileEntry:
    name: str
    #: `file`, `folder`, `link` (which is not followed) or `other`
    kind: str
    modified_at: datetime
    #: changes with every save
    version: str
    size_bytes: int | None = None
    #: where a link leads
    target: str | None = None


@dataclass(frozen=True)
class Drive:
    """A WebDAV address of a folder."""

    id: str
    name: str
    url: str
    user: str
    site: str
    writable: bool
    expires_at: datetime


@dataclass(frozen=True)
class NewDrive(Drive):
    #: shown once
    password: str = ""


@dataclass(frozen=True)
class Saving:
    """A folder on its way to becoming a dataset, which exists once this is `complete`."""

    id: str
    dataset: str
    title: str
    state: State
    progress: float = 0.0
    message: str = ""
    identifiers: tuple[str, ...] = ()
    reason_code: str | None = None
    reason: str = ""
