"""When a tool is idle: what its runner sees of it, from one look to the next, and what follows from that.

Whatever is not known counts as use: a tool is idle only while every sign says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Activity = Literal["traffic", "jupyter"]
"""How a tool is looked at: by its traffic and processor time, or also by asking its kernels."""

#: an open tab that nobody uses still pings, and some pages ask their server again and again
QUIET_BYTES_PER_S = 400.0
#: JupyterLab lists files, kernels and terminals every few seconds; anything that is fetched is far above
QUIET_BYTES_PER_S_JUPYTER = 20_000.0
QUIET_CORES = 0.1
#: kernels say themselves that they work; what is left is work that a terminal started
QUIET_CORES_JUPYTER = 0.5


@dataclass(frozen=True)
class Kernels:
    """What a Jupyter server says of its kernels and terminals."""

    busy: int
    #: seconds since any of them said or was told something; None: there is none
    quiet_s: float | None = None


@dataclass(frozen=True)
class Signs:
    """One look at a run. None: nobody could tell."""

    #: seconds of a clock that only goes forward
    at: float
    #: of its proxy's counters, since the way to it was opened
    requests: int | None = None
    bytes: int | None = None
    #: processor time of all its processes so far
    cpu_s: float | None = None
    #: asked for with `jupyter`
    kernels: Kernels | None = None
    #: shells and commands that people have open in it beside the tool's own pages
    shells: int = 0


@dataclass(frozen=True)
class Seen:
    """The last look, since when the run is idle, and otherwise what it does."""

    signs: Signs
    idle_since: float | None = None
    doing: str = "it was looked at for the first time"

    @property
    def idle_s(self) -> float | None:
        """How long nothing has happened; None while something does."""
        return None if self.idle_since is None else max(0.0, self.signs.at - self.idle_since)


def look(before: Seen | None, now: Signs, activity: Activity) -> Seen:
    """What a further look adds. Idle time begins with the first look that saw nothing happen."""
    if before is None or now.at <= before.signs.at:
        return Seen(now)
    doing = _doing(before.signs, now, activity)
    if doing:
        return Seen(now, None, doing)
    since = now.at if before.idle_since is None else before.idle_since
    if now.kernels is not None and now.kernels.quiet_s is not None:
        # A cell that ran between two looks is seen by neither of them.
        since = max(since, now.at - max(0.0, now.kernels.quiet_s))
    return Seen(now, min(since, now.at), "")


def _doing(before: Signs, now: Signs, activity: Activity) -> str:
    """The first sign of use, or of not knowing; empty when there is none."""
    jupyter = activity == "jupyter"
    if now.shells:
        return "a shell is open"
    if jupyter:
        if now.kernels is None:
            return "its kernels do not answer"
        if now.kernels.busy:
            return "a kernel is busy"
    moved, asked = _more(before.bytes, now.bytes), _more(before.requests, now.requests)
    used = _more(before.cpu_s, now.cpu_s)
    if moved is None or asked is None:
        return "its traffic is not known"
    if used is None and not jupyter:
        return "its processor time is not known"
    seconds = now.at - before.at
    if moved > (QUIET_BYTES_PER_S_JUPYTER if jupyter else QUIET_BYTES_PER_S) * seconds:
        return "data is on its way"
    if asked and not jupyter:
        return "its pages are used"
    if used is not None and used > (QUIET_CORES_JUPYTER if jupyter else QUIET_CORES) * seconds:
        return "it computes"
    return ""


def _more(before: float | None, now: float | None) -> float | None:
    """By how much a counter has grown; one that began anew tells nothing."""
    if before is None or now is None or now < before:
        return None
    return now - before
