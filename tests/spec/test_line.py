"""The place in line, and how long it takes: said only as far as it is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alongside.spec.line import RECENT_MIN, STEP_S, Begun, place_in_line

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def before(seconds: float, took: float | None = None) -> Begun:
    at = NOW - timedelta(seconds=seconds)
    return Begun(at, None if took is None else at + timedelta(seconds=took))


def test_the_place_is_said_as_people_say_it() -> None:
    words = [place_in_line(ahead, (), NOW).words for ahead in (0, 1, 2, 3, 10, 20, 110)]
    assert words == [f"{place} in line" for place in ("1st", "2nd", "3rd", "4th", "11th", "21st", "111th")]


def test_a_line_that_moves_once_a_second_takes_its_places_in_seconds_and_one_start() -> None:
    recent = [before(seconds, took=3.0) for seconds in range(1, 21)]
    found = place_in_line(15, recent, NOW)
    assert (found.about_s, found.words) == (20, "16th in line, about 20 s")


def test_nothing_is_promised_of_a_line_that_has_not_moved_lately() -> None:
    assert place_in_line(2, [before(1)] * (RECENT_MIN - 1), NOW).about_s is None
    assert place_in_line(2, [before(600)] * 9, NOW).about_s is None


@given(
    st.integers(0, 10_000), st.lists(st.tuples(st.floats(0, 120), st.none() | st.floats(0, 60)), max_size=60)
)
def test_it_takes_longer_the_further_back_it_is(ahead: int, starts: list[tuple[float, float | None]]) -> None:
    recent = [before(*item) for item in starts]
    here, behind = place_in_line(ahead, recent, NOW), place_in_line(ahead + 1, recent, NOW)
    assert (here.about_s is None) == (behind.about_s is None)
    if here.about_s is not None and behind.about_s is not None:
        assert STEP_S <= here.about_s <= behind.about_s
