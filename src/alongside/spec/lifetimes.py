"""How long a run may last before it pauses by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Lifetime:
    #: it pauses so long after it became ready; None: never
    seconds: float | None
    #: an extension leaves it at most so long; None: no limit
    most: float | None


def granted(wish: float | None, *limits: float | None) -> Lifetime:
    """What was wished for, as far as every limit allows; the shortest limit where nothing was."""
    most = min((limit for limit in limits if limit is not None), default=None)
    if wish is None:
        return Lifetime(most, most)
    return Lifetime(wish if most is None else min(wish, most), most)


def extended(ends_at: datetime, now: datetime, seconds: float, most: float | None) -> datetime:
    """When it ends after an extension; from now on it has at most `most` seconds left."""
    wanted = max(ends_at, now) + timedelta(seconds=seconds)
    return wanted if most is None else max(ends_at, min(wanted, now + timedelta(seconds=most)))


def spoken(seconds: float) -> str:
    """`7 h`, `1 h 30 min`, `45 s`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    return " ".join([f"{count} {unit}" for count, unit in parts if count][:2])
