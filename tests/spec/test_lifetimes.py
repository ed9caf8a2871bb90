"""How long a run may last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alongside.spec.lifetimes import extended, granted, spoken

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
seconds = st.floats(1, 1e7)
limits = st.lists(st.none() | seconds, max_size=3)


@given(st.none() | seconds, limits)
def test_nobody_gets_more_than_any_limit_allows(wish: float | None, given_limits: list[float | None]) -> None:
    lifetime = granted(wish, *given_limits)
    known = [limit for limit in given_limits if limit is not None]
    assert lifetime.most == min(known, default=None)
    assert lifetime.seconds == min([*known, *([wish] if wish is not None else [])], default=None)


@given(st.floats(-100, 1e6), seconds, st.none() | seconds)
def test_an_extension_never_takes_time_and_leaves_at_most_the_maximum(
    left_s: float, more_s: float, most: float | None
) -> None:
    ends_at = NOW + timedelta(seconds=left_s)
    later = extended(ends_at, NOW, more_s, most)
    assert later >= ends_at
    if most is not None:
        assert later <= max(ends_at, NOW + timedelta(seconds=most))


@pytest.mark.parametrize(
    ("many", "text"),
    [(45, "45 s"), (600, "10 min"), (5400, "1 h 30 min"), (25_200, "7 h"), (90_000, "1 d 1 h")],
)
def test_durations_are_said_as_people_say_them(many: float, text: str) -> None:
    assert spoken(many) == text
