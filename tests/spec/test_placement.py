"""Placement: properties over random worlds, and each sentence of its rule by example."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alongside.spec.placement import STARTS_FULL, DataNeed, Offered, Waiting, place, refuse, summary
from alongside.spec.sites import Capacity, ExecutorStatus
from alongside.spec.tools import Resources

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SITES = ("lab", "sdsc", "cloud")
PROCESS = ExecutorStatus("process", True, environments=("python",))
DOCKER = ExecutorStatus("docker", True)


def waiting(run: str = "run", **members: object) -> Waiting:
    plain = Waiting(
        run=run,
        account="ann",
        resources=Resources(1, 1),
        executors=("process",),
        environments=("python",),
        labels=frozenset(),
        data=(),
        since=NOW,
    )
    return replace(plain, **members)  # type: ignore[arg-type]


def offered(runner: str = "r1", site: str = "lab", **members: object) -> Offered:
    plain = Offered(
        runner=runner,
        name=runner,
        site=site,
        labels=frozenset(),
        executors=(PROCESS, DOCKER),
        capacity=Capacity(4, 8),
        free=Resources(4, 8),
    )
    return replace(plain, **members)  # type: ignore[arg-type]


def data(*sites: str, **members: object) -> DataNeed:
    plain = DataNeed("doi:10.5072/x", frozenset(sites), fetchable=False, may_leave=False, size_bytes=1000)
    return replace(plain, **members)  # type: ignore[arg-type]


needs = st.builds(
    DataNeed,
    identifier=st.sampled_from(("doi:10.5072/x", "doi:10.5072/y")),
    sites=st.frozensets(st.sampled_from(SITES), max_size=2),
    fetchable=st.booleans(),
    may_leave=st.booleans(),
    size_bytes=st.sampled_from((None, 10, 10**9, 10**12)),
)
amounts = st.sampled_from((0.1, 0.2, 0.3, 0.5, 1.0, 1.5, 2.0, 4.0))
queues = st.lists(
    st.builds(
        Waiting,
        run=st.just(""),
        account=st.sampled_from(("ann", "bob", "eve")),
        resources=st.builds(
            Resources, cpus=amounts, memory_gb=amounts, gpus=st.integers(0, 2), disk_gb=st.just(0.0)
        ),
        executors=st.sampled_from((("process",), ("docker",), ("process", "docker"))),
        environments=st.sampled_from(((), ("python",), ("r",))),
        labels=st.frozensets(st.sampled_from(("gpu", "big")), max_size=1),
        data=st.lists(needs, max_size=2).map(tuple),
        since=st.integers(0, 50).map(lambda second: NOW + timedelta(seconds=second)),
        priority=st.integers(-1, 1),
        site=st.sampled_from((None, None, *SITES)),
        home_site=st.sampled_from((None, None, None, *SITES)),
    ),
    max_size=12,
).map(lambda runs: [replace(run, run=f"run{index}") for index, run in enumerate(runs)])
pools = st.lists(
    st.builds(
        Offered,
        runner=st.just(""),
        name=st.just("n"),
        site=st.sampled_from(SITES),
        labels=st.frozensets(st.sampled_from(("gpu", "big"))),
        executors=st.sampled_from(
            ((PROCESS,), (PROCESS, DOCKER), (replace(DOCKER, available=False, reason="no socket"),))
        ),
        capacity=st.builds(Capacity, cpus=amounts, memory_gb=amounts, gpus=st.integers(0, 2)),
        free=st.builds(Resources, cpus=amounts, memory_gb=amounts, gpus=st.integers(0, 2)),
        accounts=st.sampled_from((None, None, frozenset({"ann"}))),
        draining=st.booleans(),
        online=st.sampled_from((True, True, True, False)),
    ),
    max_size=4,
).map(lambda runners: [replace(item, runner=f"r{index}") for index, item in enumerate(runners)])


@given(queues, pools)
@settings(max_examples=200, deadline=None)
def test_no_runner_is_given_more_than_it_has_left(queue: list[Waiting], pool: list[Offered]) -> None:
    placed, _ = place(queue, pool, NOW)
    by_run = {run.run: run for run in queue}
    taken: dict[str, list[Resources]] = defaultdict(list)
    for item in placed:
        taken[item.runner].append(by_run[item.run].resources)
    for runner in pool:
        given_out = taken[runner.runner]
        assert sum(item.cpus for item in given_out) <= runner.free.cpus + 1e-5
        assert sum(item.memory_gb for item in given_out) <= runner.free.memory_gb + 1e-5
        assert sum(item.gpus for item in given_out) <= runner.free.gpus


@given(queues, pools)
@settings(max_examples=200, deadline=None)
def test_every_run_is_placed_once_or_refused_once_by_every_runner(
    queue: list[Waiting], pool: list[Offered]
) -> None:
    placed, refusals = place(queue, pool, NOW)
    reasons: dict[str, list[str]] = defaultdict(list)
    for refusal in refusals:
        assert refusal.reason.startswith(f"{refusal.site}: ")
        reasons[refusal.run].append(refusal.runner)
    seen = [item.run for item in placed]
    assert len(seen) == len(set(seen))
    for run in queue:
        if run.run in seen:
            assert run.run not in reasons
        else:
            assert sorted(reasons[run.run]) == sorted(runner.runner for runner in pool)


@given(queues, pools, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_answer_does_not_depend_on_the_order_in_which_things_are_listed(
    queue: list[Waiting], pool: list[Offered], random: object
) -> None:
    shuffled_queue, shuffled_pool = list(queue), list(pool)
    random.shuffle(shuffled_queue)  # type: ignore[attr-defined]
    random.shuffle(shuffled_pool)  # type: ignore[attr-defined]
    placed, refusals = place(queue, pool, NOW)
    again, refused_again = place(shuffled_queue, shuffled_pool, NOW)
    assert placed == again
    assert set(refusals) == set(refused_again)


@given(queues, pools)
@settings(max_examples=100, deadline=None)
def test_nothing_goes_where_its_data_may_not(queue: list[Waiting], pool: list[Offered]) -> None:
    placed, _ = place(queue, pool, NOW)
    by_run = {run.run: run for run in queue}
    for item in placed:
        for need in by_run[item.run].data:
            comes = need.fetchable and (need.may_leave or not need.sites)
            assert item.site in need.sites or comes


@given(queues, pools)
@settings(max_examples=100, deadline=None)
def test_a_refusal_for_ever_holds_on_an_idle_runner_too(queue: list[Waiting], pool: list[Offered]) -> None:
    idle = [
        replace(
            runner,
            free=Resources(runner.capacity.cpus, runner.capacity.memory_gb, runner.capacity.gpus),
            online=True,
            draining=False,
        )
        for runner in pool
    ]
    for run in queue:
        for refusal in refuse(run, pool):
            if refusal.never:
                again = {item.runner: item for item in refuse(run, idle)}
                assert again[refusal.runner].never


def test_a_run_goes_where_its_data_is_even_if_another_site_is_emptier() -> None:
    run = waiting(data=(data("sdsc", fetchable=True, may_leave=True),))
    pool = [offered("r1", "lab"), offered("r2", "sdsc", free=Resources(1, 1))]
    placed, _ = place([run], pool, NOW)
    assert [item.site for item in placed] == ["sdsc"]


def test_small_data_that_may_leave_goes_elsewhere_when_its_site_is_full() -> None:
    run = waiting(data=(data("sdsc", fetchable=True, may_leave=True),))
    pool = [offered("r1", "lab"), offered("r2", "sdsc", free=Resources(0, 0))]
    placed, _ = place([run], pool, NOW)
    assert [item.site for item in placed] == ["lab"]


def test_large_data_waits_for_its_site() -> None:
    run = waiting(data=(data("sdsc", fetchable=True, may_leave=True, size_bytes=10**12),))
    pool = [offered("r1", "lab"), offered("r2", "sdsc", free=Resources(0, 0))]
    placed, refusals = place([run], pool, NOW)
    assert placed == []
    assert [item.reason for item in refusals] == [
        "lab: doi:10.5072/x is too large to be copied here from sdsc",
        "sdsc: needs 1 cpus, 0 free",
    ]


def test_large_data_leaves_a_site_that_can_never_serve_it() -> None:
    run = waiting(data=(data("sdsc", fetchable=True, may_leave=True, size_bytes=10**12),))
    pool = [offered("r1", "lab"), offered("r2", "sdsc", executors=(DOCKER,))]
    placed, _ = place([run], pool, NOW)
    assert [item.site for item in placed] == ["lab"]


def test_data_that_may_not_leave_stays() -> None:
    run = waiting(data=(data("sdsc", fetchable=True),))
    placed, refusals = place([run], [offered()], NOW)
    assert placed == []
    assert refusals[0].never
    assert refusals[0].reason == "lab: no location of doi:10.5072/x here, and it may not leave sdsc"


@pytest.mark.parametrize(
    ("run", "runner", "reason", "never"),
    [
        ({"resources": Resources(8, 1)}, {}, "lab: needs 8 cpus, 4 in all", True),
        ({"resources": Resources(4, 1)}, {"free": Resources(1, 8)}, "lab: needs 4 cpus, 1 free", False),
        (
            {"resources": Resources(1, 4)},
            {"free": Resources(4, 2)},
            "lab: needs 4 GB of memory, 2 free",
            False,
        ),
        ({"labels": frozenset({"gpu"})}, {}, "lab: lacks the label gpu", True),
        ({"environments": ("r",)}, {}, "lab: lacks the environment r", True),
        (
            {"network": True},
            {"executors": (replace(PROCESS, network=False),)},
            "lab: process gives tools no network (runner.share_network)",
            True,
        ),
        ({"executors": ("slurm",)}, {}, "lab: needs slurm", True),
        (
            {"executors": ("docker",)},
            {"executors": (replace(DOCKER, available=False, reason="no socket"),)},
            "lab: docker is not available (no socket)",
            False,
        ),
        ({"site": "sdsc"}, {}, "lab: the run asks for site sdsc", True),
        ({"home_site": "sdsc"}, {}, "lab: the run's home is at sdsc", True),
        ({}, {"online": False}, "lab: runner r1 is offline", False),
        ({}, {"draining": True}, "lab: runner r1 is draining", False),
        ({}, {"executors": ()}, "lab: runner r1 has not said yet what it can run", False),
        ({}, {"accounts": frozenset({"bob"})}, "lab: this account may not use the site", True),
        (
            {},
            {"executors": (replace(PROCESS, single_tenant=True),), "owners": frozenset({"bob"})},
            "lab: process serves only administrators here, because the runner is not root: "
            "all tools run as one Unix user and could read each other's files",
            True,
        ),
        ({"data": (data(),)}, {}, "lab: no location of doi:10.5072/x is known", True),
    ],
)
def test_a_refusal_says_what_is_missing(
    run: dict[str, object], runner: dict[str, object], reason: str, never: bool
) -> None:
    (refusal,) = refuse(waiting(**run), [offered(**runner)])
    assert (refusal.reason, refusal.never) == (reason, never)


def test_priority_comes_before_age() -> None:
    old = waiting("old", since=NOW - timedelta(hours=1))
    urgent = waiting("urgent", priority=5)
    placed, _ = place([old, urgent], [offered(free=Resources(1, 1))], NOW)
    assert [item.run for item in placed] == ["urgent"]


def test_an_account_with_many_waiting_runs_does_not_shut_out_another() -> None:
    many = [waiting(f"a{index}", since=NOW - timedelta(hours=1)) for index in range(10)]
    other = waiting("b", account="bob")
    placed, _ = place([*many, other], [offered(free=Resources(2, 2))], NOW)
    assert [item.run for item in placed] == ["a0", "b"]


def test_whoever_holds_less_is_served_first() -> None:
    mine = waiting("a", since=NOW - timedelta(hours=1))
    other = waiting("b", account="bob")
    placed, _ = place([mine, other], [offered(free=Resources(1, 1))], NOW, held={"ann": 3})
    assert [item.run for item in placed] == ["b"]


def test_the_summary_names_each_reason_once_and_not_too_many() -> None:
    runners = [offered(f"r{index}", f"site{index}", online=False) for index in range(5)]
    text = summary(refuse(waiting(), runners))
    assert text.count("offline") == 3
    assert text.endswith("and 2 more")
    assert summary([]) == "no runner is registered yet"


def test_no_more_tools_start_at_a_runner_than_may_at_once() -> None:
    crowd = [waiting(f"run{n}", interactive=True, since=NOW + timedelta(seconds=n)) for n in range(4)]
    placed, refusals = place(crowd, [offered(starts=2)], NOW)
    assert [item.run for item in placed] == ["run0", "run1"]
    assert {item.run for item in refusals if item.reason.endswith(STARTS_FULL)} == {"run2", "run3"}


def test_a_runner_that_starts_all_it_may_takes_tasks_and_another_runner_the_tools() -> None:
    full, other = offered("r1", starts=0), offered("r2", starts=1)
    assert [item.run for item in place([waiting("task")], [full], NOW)[0]] == ["task"]
    placed, _ = place([waiting("tool", interactive=True)], [full, other], NOW)
    assert [item.runner for item in placed] == ["r2"]
