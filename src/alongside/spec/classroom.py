"""A class: the members of a group, and how far each of them is with a tool."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from alongside.spec.runs import State

Standing = Literal["absent", "waiting", "starting", "stuck", "ready", "running", "stopped", "ended", "failed"]
"""`absent` has launched nothing; `stuck` should be ready by now, and its reason says what is known."""

ClassAct = Literal["stop", "extend", "retry", "message"]

#: nothing new was heard of a start for so long
STUCK_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class Member:
    account: str
    name: str
    display_name: str
    manager: bool
    standing: Standing
    #: the newest run; None: there is none
    run: str | None = None
    tool: str = ""
    title: str = ""
    site: str | None = None
    #: why it waits, is stuck or failed
    reason: str = ""
    #: 0 to 100, of a start
    progress: float = 0.0
    #: since when it stands like this
    since: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True)
class ClassGroup:
    """A group that somebody looks after."""

    id: str
    name: str
    members: int


@dataclass(frozen=True)
class ClassPage:
    group: str
    name: str
    #: of the newest runs of this tool; None: of any interactive one
    tool: str | None
    members: tuple[Member, ...]
    counts: dict[str, int]


@dataclass(frozen=True)
class Outcome:
    """What an act came to for one member."""

    account: str
    name: str
    run: str | None
    ok: bool
    reason: str = ""


def standing(
    state: State | None,
    *,
    ready: bool,
    interactive: bool,
    reason_code: str | None,
    heard_at: datetime,
    now: datetime,
) -> Standing:
    """Where a member stands, from the state of the newest run."""
    match state:
        case None:
            return "absent"
        case "queued":
            return "stuck" if reason_code == "no_site" else "waiting"
        case "initializing" | "running":
            if reason_code == "unreachable":
                return "stuck"
            if state == "running" and not interactive:
                return "running"
            if ready:
                return "ready"
            return "stuck" if now - heard_at >= STUCK_AFTER else "starting"
        case "paused" | "canceling":
            return "stopped"
        case "executor_error" | "system_error":
            return "failed"
        case "complete" | "canceled" | "preempted":
            return "ended"


#: those whose runs an act is about
CONCERNED: dict[ClassAct, frozenset[Standing]] = {
    "stop": frozenset({"waiting", "starting", "stuck", "ready", "running"}),
    "extend": frozenset({"ready"}),
    "retry": frozenset({"failed"}),
    "message": frozenset(
        {"absent", "waiting", "starting", "stuck", "ready", "running", "stopped", "ended", "failed"}
    ),
}
