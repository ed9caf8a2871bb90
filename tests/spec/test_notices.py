"""Waiting times of deliveries, addresses of webhooks, and use split by days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alongside.spec.hosts import is_public
from alongside.spec.notices import RETRY_MAX_S, retry_after, url_fault
from alongside.spec.usage import by_day, period_begin, period_end, reached_at

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_grow_to_an_hour_and_never_go_beyond(attempts: int, jitter: float) -> None:
    wait = retry_after(attempts, jitter)
    assert 0 < wait <= RETRY_MAX_S
    assert retry_after(attempts + 1, jitter) >= wait


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/x", "https://", "https://me:pw@a.example/", "a.example", "http://a b/", "http://a:x/"],
)
def test_what_cannot_be_called_is_no_webhook(url: str) -> None:
    assert url_fault(url)


def test_addresses_of_private_networks_are_not_public() -> None:
    private = ("127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fe80::1", "::ffff:10.0.0.1")
    assert not any(map(is_public, (*private, "0.0.0.0", "224.0.0.1")))
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_days_add_up_to_the_whole(begin: datetime, span: timedelta) -> None:
    parts = by_day(begin, begin + span)
    assert abs(sum(seconds for _, seconds in parts) - span.total_seconds()) < 1e-3
    assert [day for day, _ in parts] == sorted({day for day, _ in parts})
    assert all(0 < seconds <= 86_400 for _, seconds in parts)


@given(MOMENTS)
def test_a_month_begins_before_it_ends(now: datetime) -> None:
    begin, end = period_begin("month", now, now), period_end("month", now)
    assert end is not None
    assert begin <= now < end
    assert period_begin("month", now, end) == end


def test_when_a_budget_is_reached() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert reached_at(5, 1, 10, now) == now + timedelta(seconds=5)
    assert reached_at(10, 0, 10, now) == now
    assert reached_at(5, 0, 10, now) is None
