"""Durations as people type them: 90s, 45m, 2h, 1d, 1h30m."""

from __future__ import annotations

import re

import typer

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
FORM = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")


def seconds(text: str) -> float:
    """A bare number is minutes.

    Raises:
        BadParameter: it is no duration above zero.
    """
    given = text.strip().lower()
    try:
        total = float(given) * 60 if not FORM.fullmatch(given) else _sum(given)
    except ValueError:
        total = 0.0
    if not 0 < total < 1e9:
        raise typer.BadParameter(f"{text!r}: write it as 45m, 2h, 1h30m or 1d")
    return total


def _sum(given: str) -> float:
    return sum(float(count) * UNITS_S[unit] for count, unit in re.findall(r"(\d+(?:\.\d+)?)([smhd])", given))
