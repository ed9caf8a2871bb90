"""Where a tool can run: the sentence on its card names what every site lacks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from alongside.spec.runnable import runnable
from alongside.spec.sites import Capacity, ExecutorStatus, Runner, Site
from alongside.spec.tools import Component, Resources, ToolSpec

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUNNER = Runner(
    id="r",
    name="one",
    site="lab",
    state="online",
    labels=(),
    executors=(
        ExecutorStatus("process", True, environments=("demo",)),
        ExecutorStatus("docker", False, "no Docker Engine answers"),
    ),
    capacity=Capacity(cpus=4, memory_gb=8),
    version="1",
    last_seen_at=NOW,
    created_at=NOW,
)
LAB = Site("s", "lab", "Lab", "", "http://{run}.localhost", True, NOW, runners=(RUNNER,))
IMAGE = ToolSpec("t", "1", "task", (Component(image="i"),))
PROCESS = ToolSpec("t", "1", "task", (Component(environment="demo", command=("x",)),))


def test_a_tool_whose_environment_is_there_runs_there() -> None:
    found = runnable(PROCESS, [LAB])
    assert (found.ok, found.reason, found.sites) == (True, "", ("lab",))


def test_a_tool_that_needs_docker_says_so() -> None:
    assert runnable(IMAGE, [LAB]).reason == "needs Docker at this site"
    assert not runnable(IMAGE, [LAB]).ok


def test_a_missing_environment_is_named() -> None:
    spec = replace(PROCESS, components=(Component(environment="gis", command=("x",)),))
    assert runnable(spec, [LAB]).reason == "needs the environment gis at this site"


def test_either_executor_would_do() -> None:
    spec = replace(PROCESS, components=(Component(environment="gis", image="i", command=("x",)),))
    assert runnable(spec, [LAB]).reason == "needs the environment gis or Docker at this site"


def test_missing_labels_and_size_are_named() -> None:
    assert (
        runnable(replace(PROCESS, labels=("gpu",)), [LAB]).reason
        == "needs a runner labelled gpu at this site"
    )
    large = runnable(replace(PROCESS, resources=Resources(cpus=64)), [LAB])
    assert large.reason == "needs 64 cpus, the largest runner has 4, at this site"


def test_sites_that_lack_different_things_are_told_apart() -> None:
    away = replace(LAB, name="away", runners=())
    assert runnable(IMAGE, [LAB, away]).reason == "lab: needs Docker; away: no runner is registered"


def test_sites_that_lack_the_same_are_told_together() -> None:
    assert runnable(IMAGE, [LAB, replace(LAB, name="b")]).reason == "needs Docker at every site"


def test_one_able_site_is_enough_and_the_others_do_not_matter() -> None:
    able = replace(RUNNER, executors=(ExecutorStatus("docker", True),))
    found = runnable(IMAGE, [LAB, replace(LAB, name="hpc", runners=(able,))])
    assert (found.ok, found.sites) == (True, ("hpc",))


def test_an_offline_runner_is_the_reason_only_when_nothing_else_is() -> None:
    offline = replace(LAB, runners=(replace(RUNNER, state="offline"),))
    assert runnable(PROCESS, [offline]).reason == "the runner is offline at this site"


def test_without_a_site_nothing_runs() -> None:
    assert runnable(PROCESS, []).reason == "there is no site that you may use"
    assert runnable(PROCESS, [replace(LAB, enabled=False)]).reason == "there is no site that you may use"
