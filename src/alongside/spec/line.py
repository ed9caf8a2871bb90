"""The line of waiting runs: a place in it, and about how long that takes, said only as far as it is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

#: starts that say how fast the line moves
RECENT = timedelta(seconds=60)
RECENT_MAX = 50
#: fewer tell nothing about the next one
RECENT_MIN = 3
STEP_S = 5


@dataclass(frozen=True)
class Begun:
    """A start of a moment ago: when it left the line, and when it was ready if it is."""

    at: datetime
    ready_at: datetime | None


@dataclass(frozen=True)
class Place:
    #: 1 is next
    position: int
    #: seconds until it is ready, in steps of five; None when too little has started lately to know
    about_s: float | None
    words: str


def place_in_line(ahead: int, recent: Sequence[Begun], now: datetime) -> Place:
    """The place behind `ahead` others, if the line goes on as it did in the last minute."""
    position = ahead + 1
    about_s = _about(position, recent, now)
    words = f"{_ordinal(position)} in line"
    return Place(position, about_s, words if about_s is None else f"{words}, about {_span(about_s)}")


def _about(position: int, recent: Sequence[Begun], now: datetime) -> float | None:
    lately = [item for item in recent if now - RECENT < item.at <= now]
    if len(lately) < RECENT_MIN:
        return None
    over_s = (now - min(item.at for item in lately)).total_seconds()
    took = [(item.ready_at - item.at).total_seconds() for item in lately if item.ready_at is not None]
    seconds = position * over_s / len(lately) + (median(took) if took else 0.0)
    return float(max(1, math.ceil(seconds / STEP_S)) * STEP_S)


def _ordinal(number: int) -> str:
    last = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else last}"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{math.ceil(seconds / 60)} min"
