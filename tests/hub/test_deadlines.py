"""Deadlines on the monotonic clock, whatever happens to the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alongside.hub.deadlines import Deadlines

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_what_is_due_is_taken_once_the_longest_overdue_first() -> None:
    deadlines = Deadlines()
    deadlines.set(("a", "late"), 20.0)
    deadlines.set(("a", "early"), 10.0)
    assert not deadlines.is_due(9.9)
    assert deadlines.take(30.0, 10) == [("a", "early"), ("a", "late")]
    assert deadlines.take(30.0, 10) == []


def test_setting_again_moves_a_deadline_and_dropping_removes_it() -> None:
    deadlines = Deadlines()
    deadlines.set(("a", "x"), 10.0)
    deadlines.set(("a", "x"), 50.0)
    assert deadlines.take(20.0, 10) == []
    deadlines.drop(("a", "x"))
    assert deadlines.take(100.0, 10) == []


def test_the_same_moment_said_again_after_the_clock_was_set_moves_nothing() -> None:
    deadlines, moment = Deadlines(), NOW + timedelta(seconds=60)
    deadlines.at(("a", "x"), moment, NOW, 100.0)
    deadlines.at(("a", "x"), moment, NOW + timedelta(hours=1), 101.0)
    assert deadlines.take(159.0, 10) == []
    assert deadlines.take(160.0, 10) == [("a", "x")]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 100)), max_size=200))
def test_each_key_is_due_at_its_latest_setting(changes: list[tuple[int, int]]) -> None:
    deadlines, expected = Deadlines(), dict[str, float]()
    for key, due in changes:
        deadlines.set(("k", str(key)), float(due))
        expected[str(key)] = float(due)
    taken = [key for _, key in deadlines.take(1000.0, 1000)]
    assert taken == sorted(expected, key=lambda key: (expected[key], key))
