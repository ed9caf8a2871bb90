"""What a runner sees of a tool, and when that means that it is idle."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alongside.spec.culling import Activity, Kernels, Seen, Signs, look

LOOK_S = 10.0
counters = st.none() | st.integers(0, 10**9)
signs = st.builds(
    Signs,
    at=st.floats(0, 1e6),
    requests=counters,
    bytes=counters,
    cpu_s=st.none() | st.floats(0, 1e6),
    kernels=st.none() | st.builds(Kernels, st.integers(0, 3), st.none() | st.floats(0, 1e6)),
    shells=st.integers(0, 2),
)
activities = st.sampled_from(["traffic", "jupyter"])
QUIET = Signs(0.0, requests=7, bytes=1000, cpu_s=5.0, kernels=Kernels(0, 500.0))


def after(looks: int, activity: Activity, **more: float) -> Seen:
    """So many looks; `more` is what each adds to the counters."""
    seen: Seen | None = None
    now = QUIET
    for number in range(looks + 1):
        grown = {name: getattr(QUIET, name) + value * number for name, value in more.items()}
        quiet_s = 500.0 + number * LOOK_S
        now = replace(QUIET, at=number * LOOK_S, kernels=Kernels(0, quiet_s), **grown)
        seen = look(seen, now, activity)
    assert seen is not None
    return seen


@given(st.lists(signs, min_size=1, max_size=12), activities)
def test_idle_time_is_counted_from_looks_and_never_from_what_was_not_seen(
    given_signs: list[Signs], activity: Activity
) -> None:
    seen: Seen | None = None
    for now in sorted(given_signs, key=lambda item: item.at):
        before, seen = seen, look(seen, now, activity)
        if seen.idle_since is None:
            assert seen.doing, "who is not idle does something, or is not known to do nothing"
            continue
        assert before is not None, "one look tells nothing"
        assert before.signs.at < now.at
        assert seen.idle_since <= now.at
        assert before.idle_since is None or seen.idle_since >= before.idle_since
        assert not now.shells
        assert None not in (now.bytes, now.requests)
        assert activity == "traffic" or (now.kernels is not None and now.kernels.busy == 0)


@pytest.mark.parametrize("activity", ["traffic", "jupyter"])
def test_an_open_tab_that_only_pings_is_idle(activity: Activity) -> None:
    seen = after(6, activity, bytes=60)
    assert seen.idle_since == LOOK_S
    assert seen.idle_s == 5 * LOOK_S


def test_a_tab_of_jupyterlab_that_asks_its_server_again_and_again_is_idle() -> None:
    assert after(6, "jupyter", requests=5, bytes=60_000, cpu_s=0.9).idle_since == LOOK_S


@pytest.mark.parametrize(
    ("activity", "more"),
    [
        ("traffic", {"requests": 1}),
        ("traffic", {"bytes": 100_000}),
        ("traffic", {"cpu_s": 5.0}),
        ("jupyter", {"bytes": 5_000_000}),
        ("jupyter", {"cpu_s": 9.0}),
    ],
)
def test_use_and_work_are_not_idle(activity: Activity, more: dict[str, float]) -> None:
    assert after(4, activity, **more).idle_since is None


@pytest.mark.parametrize(
    "unknown",
    [{"bytes": None}, {"requests": None}, {"kernels": None}, {"kernels": Kernels(1, 0.0)}, {"shells": 1}],
)
def test_what_is_not_known_is_use(unknown: dict[str, object]) -> None:
    idle = after(3, "jupyter")
    assert idle.idle_since is not None
    assert look(idle, replace(QUIET, at=100.0, **unknown), "jupyter").idle_since is None  # type: ignore[arg-type]


def test_a_cell_that_ran_between_two_looks_counts() -> None:
    idle = after(3, "jupyter")
    seen = look(idle, replace(idle.signs, at=40.0, kernels=Kernels(0, 4.0)), "jupyter")
    assert seen.idle_since == 36.0


def test_counters_that_began_anew_tell_nothing() -> None:
    idle = after(3, "traffic")
    assert look(idle, replace(idle.signs, at=40.0, bytes=3), "traffic").idle_since is None
