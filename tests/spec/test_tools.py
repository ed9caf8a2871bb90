"""Tool specs: every fault is named, components start in the order of their needs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alongside.spec.tools import Component, Probe, Resources, Restart, ToolSpec, faults, start_order

LAB = ToolSpec(
    name="lab",
    version="1.0",
    kind="interactive",
    components=(Component(image="lab:1", port=8888),),
)
SUMMARY = ToolSpec(
    name="summary", version="1", kind="task", components=(Component(environment="demo", command=("sum",)),)
)


@pytest.mark.parametrize("spec", [LAB, SUMMARY])
def test_a_sound_spec_has_no_faults(spec: ToolSpec) -> None:
    assert list(faults(spec)) == []


def test_five_faults_are_all_named() -> None:
    spec = ToolSpec(
        name="My Tool",
        version="",
        kind="interactive",
        components=(
            Component(name="web", image="web:1", port=70_000, depends=("cache",)),
            Component(name="db", image="db:1"),
        ),
        resources=Resources(cpus=-1),
    )
    assert [fault.field for fault in faults(spec)] == [
        "name",
        "version",
        "components[0].port",
        "components[0].depends",
        "resources.cpus",
    ]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (replace(LAB, name="a--b"), "name"),
        (replace(LAB, name="x" * 64), "name"),
        (replace(LAB, version="1/2"), "version"),
        (replace(LAB, version="../1"), "version"),
        (replace(LAB, components=()), "components"),
        (replace(LAB, components=(Component(port=80),)), "components"),
        (replace(LAB, components=(Component(image="a"),)), "components"),
        (replace(LAB, components=(Component(image="a", port=80),) * 17), "components"),
        (replace(LAB, components=(Component(image="a", port=80),) * 2), "components[0].name"),
        (replace(LAB, components=(Component(environment="e", port=80),)), "components[0].command"),
        (
            replace(LAB, components=(Component(image="a", port=80, probe=Probe(timeout_s=0)),)),
            "components[0].probe",
        ),
        (
            replace(LAB, components=(Component(image="a", port=80, probe=Probe(port=0)),)),
            "components[0].probe.port",
        ),
        (
            replace(
                LAB, components=(Component(image="a", port=80), Component("b", image="b", probe=Probe()))
            ),
            "components[1].probe",
        ),
        (replace(LAB, resources=Resources(memory_gb=0)), "resources.memory_gb"),
        (replace(LAB, resources=Resources(cpus=float("inf"))), "resources.cpus"),
        (replace(LAB, resources=Resources(cpus=float("nan"))), "resources.cpus"),
        (replace(LAB, resources=Resources(gpus=-1)), "resources.gpus"),
        (replace(LAB, title="x" * 201), "title"),
        (replace(LAB, time_limit_s=0.0), "time_limit_s"),
        (replace(LAB, restart=Restart(times=-1)), "restart"),
        (replace(LAB, arguments={"type": "array"}), "arguments.type"),
        (replace(SUMMARY, components=(*SUMMARY.components, Component("b", image="b"))), "components"),
        (replace(SUMMARY, input_path="in/file"), "input_path"),
        (replace(SUMMARY, output_path="/out/../etc"), "output_path"),
    ],
)
def test_each_fault_is_named_where_it_is(spec: ToolSpec, field: str) -> None:
    assert field in [fault.field for fault in faults(spec)]


def test_a_circle_of_components_is_named_component_by_component() -> None:
    spec = replace(
        LAB,
        components=(
            Component("a", image="a", port=80, depends=("b",)),
            Component("b", image="b", depends=("c",)),
            Component("c", image="c", depends=("a",)),
        ),
    )
    assert "components depend on each other: a → b → c → a" in [fault.reason for fault in faults(spec)]


@st.composite
def acyclic_components(draw: st.DrawFn) -> tuple[Component, ...]:
    count = draw(st.integers(1, 8))
    earlier = [
        draw(st.lists(st.integers(0, index - 1), unique=True)) if index else [] for index in range(count)
    ]
    components = [
        Component(f"c{index}", image="i", depends=tuple(f"c{other}" for other in needs))
        for index, needs in enumerate(earlier)
    ]
    return tuple(draw(st.permutations(components)))


@given(acyclic_components())
def test_components_start_after_all_they_depend_on(components: tuple[Component, ...]) -> None:
    order = [component.name for component in start_order(components)]
    assert sorted(order) == sorted(component.name for component in components)
    for component in components:
        for needed in component.depends:
            assert order.index(needed) < order.index(component.name)


def test_people_open_the_last_component_that_has_a_port() -> None:
    spec = replace(
        LAB,
        components=(
            Component("db", image="db", port=5432),
            Component("web", image="web", port=80, depends=("db",)),
            Component("worker", image="worker"),
        ),
    )
    assert spec.front.name == "web"


def test_a_tool_runs_where_every_component_can() -> None:
    both = Component(image="i", environment="e", command=("x",))
    assert replace(SUMMARY, components=(both,)).executors == ("process", "docker")
    assert replace(SUMMARY, components=(both, Component("b", image="b"))).executors == ("docker",)
