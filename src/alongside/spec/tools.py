"""Tools: what can be run, as its author describes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from alongside.errors import Fault
from alongside.spec.culling import Activity

ToolKind = Literal["interactive", "task"]

COMPONENTS_MAX = 16
TEXT_MAX = {"title": 200, "description": 20_000, "icon": 2_000}
TIME_LIMIT_MAX_S = 31_536_000
RESOURCES_MAX = {"cpus": 100_000, "memory_gb": 1_000_000, "gpus": 10_000, "disk_gb": 10_000_000}


@dataclass(frozen=True)
class Resources:
    """What one run asks for. cpus are cores, sizes are gigabytes (10^9 bytes)."""

    cpus: float = 1.0
    memory_gb: float = 1.0
    gpus: int = 0
    disk_gb: float = 0.0


@dataclass(frozen=True)
class Probe:
    """When a component counts as ready: it answers below 500 on `path`, or accepts a connection."""

    type: Literal["http", "tcp"] = "http"
    path: str = "/"
    #: component port to ask; None means the component's first port
    port: int | None = None
    timeout_s: float = 120.0
    interval_s: float = 0.25


@dataclass(frozen=True)
class Component:
    """One process or container of a tool.

    `command` may hold the placeholders {port}, {socket}, {home}, {data}, {open} and {run};
    a component that names {socket} listens on that Unix socket itself, any other one listens on
    127.0.0.1:{port} and is bridged. Components reach each other by name: as a host name on Docker,
    through the environment variables <NAME>_HOST and <NAME>_PORT everywhere.
    """

    name: str = "main"
    #: container image, for the docker executor
    image: str | None = None
    #: a named environment of the site, for the process executor
    environment: str | None = None
    command: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    port: int | None = None
    depends: tuple[str, ...] = ()
    probe: Probe | None = None
    #: the path the tool itself opens at, before any `open` of the launch
    open_path: str = "/"


@dataclass(frozen=True)
class Restart:
    """How often a tool that died is started again, and how long to wait in between."""

    times: int = 3
    backoff_s: float = 2.0


@dataclass(frozen=True)
class ToolSpec:
    """A tool version as written by its author (YAML, JSON or the API)."""

    name: str
    version: str
    kind: ToolKind
    components: tuple[Component, ...]
    title: str = ""
    description: str = ""
    icon: str = ""
    #: JSON Schema of the arguments: a task reads them as a JSON object on stdin,
    #: an interactive tool gets each scalar as the environment variable ARG_<NAME>
    arguments: dict[str, Any] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    resource_class: str | None = None
    #: labels a runner must carry
    labels: tuple[str, ...] = ()
    network: bool = False
    #: where the first dataset is mounted, for a task: a single file at this path
    input_path: str | None = None
    #: a task's output folder inside the sandbox
    output_path: str = "/out"
    time_limit_s: float | None = None
    #: interactive: pauses so long after it became ready, unless it is extended
    lifetime_s: float | None = None
    #: interactive: pauses when nothing has happened for so long; 0 for never, None for as the hub is set up
    idle_s: float | None = None
    #: how it is seen to be in use: by its traffic and processor time, or `jupyter`: its kernels are asked too
    activity: Activity = "traffic"
    restart: Restart = field(default_factory=Restart)
    #: path template appended to the tool's address when a file is to be opened, e.g. /lab/tree/{open}
    open_template: str = "{open}"
    #: what a person may do with the result: media types the tool reads
    reads: tuple[str, ...] = ()

    @property
    def front(self) -> Component:
        """The component people open: the last one that has a port, or the last one."""
        with_port = [component for component in self.components if component.port]
        return (with_port or list(self.components))[-1]

    @property
    def executors(self) -> tuple[str, ...]:
        """Executor kinds that this tool could run on."""
        kinds: list[str] = []
        if all(component.environment for component in self.components):
            kinds.append("process")
        if all(component.image for component in self.components):
            kinds.append("docker")
        return tuple(kinds)


@dataclass(frozen=True)
class ToolVersion:
    id: str
    spec: ToolSpec
    created_at: datetime
    created_by: str | None
    tags: tuple[str, ...] = ()
    #: sha256 of the canonical JSON form of `spec`
    digest: str = ""


def start_order(components: tuple[Component, ...]) -> tuple[Component, ...]:
    """Components so that each comes after those it depends on; stop in reverse.

    Raises:
        ValueError: naming the cycle, component by component.
    """
    by_name = {component.name: component for component in components}
    done: dict[str, Component] = {}

    def visit(component: Component, path: tuple[str, ...]) -> None:
        if component.name in path:
            cycle = " → ".join((*path[path.index(component.name) :], component.name))
            raise ValueError(f"components depend on each other: {cycle}")
        if component.name in done:
            return
        for name in component.depends:
            if name in by_name:
                visit(by_name[name], (*path, component.name))
        done[component.name] = component

    for component in components:
        visit(component, ())
    return tuple(done.values())


def faults(spec: ToolSpec) -> Iterator[Fault]:
    """Everything wrong with a well-typed spec, beyond the types of its members."""
    if not _is_name(spec.name):
        yield Fault("name", "use lower-case letters, digits and single hyphens (at most 63)")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", spec.version):
        yield Fault("version", "use 1 to 64 letters, digits and . _ + - (it is part of addresses)")
    for name, most in TEXT_MAX.items():
        if len(getattr(spec, name)) > most:
            yield Fault(name, f"must have at most {most} characters")
    if len(spec.components) > COMPONENTS_MAX:
        yield Fault("components", f"a tool has at most {COMPONENTS_MAX} components")
    if not spec.components:
        yield Fault("components", "a tool needs at least one component")
    yield from _component_faults(spec)
    yield from _resource_faults(spec.resources)
    if spec.components and not spec.executors:
        yield Fault(
            "components",
            "give every component an image (docker), an environment (process), or both",
        )
    if spec.kind == "interactive" and spec.components and not spec.front.port:
        yield Fault("components", "an interactive tool needs a component with a port")
    if spec.kind == "task" and len(spec.components) > 1:
        yield Fault("components", "a task has exactly one component")
    for name in ("input_path", "output_path"):
        path = getattr(spec, name)
        if path is not None and (not path.startswith("/") or ".." in path.split("/")):
            yield Fault(name, "must be an absolute path without ..")
    if spec.time_limit_s is not None and not 0 < spec.time_limit_s <= TIME_LIMIT_MAX_S:
        yield Fault("time_limit_s", f"must be greater than 0 and at most {TIME_LIMIT_MAX_S}")
    if spec.lifetime_s is not None and not 0 < spec.lifetime_s <= TIME_LIMIT_MAX_S:
        yield Fault("lifetime_s", f"must be greater than 0 and at most {TIME_LIMIT_MAX_S}")
    if spec.idle_s is not None and not 0 <= spec.idle_s <= TIME_LIMIT_MAX_S:
        yield Fault("idle_s", f"must be from 0 (never) to {TIME_LIMIT_MAX_S}")
    if not (0 <= spec.restart.times <= 100 and 0 <= spec.restart.backoff_s <= 3600):
        yield Fault("restart", "times is from 0 to 100, backoff_s from 0 to 3600")
    if spec.arguments and spec.arguments.get("type", "object") != "object":
        yield Fault("arguments.type", "the arguments' schema must describe an object")


def _component_faults(spec: ToolSpec) -> Iterator[Fault]:
    names = [component.name for component in spec.components]
    for index, component in enumerate(spec.components):
        where = f"components[{index}]"
        if not _is_name(component.name):
            yield Fault(f"{where}.name", "use lower-case letters, digits and single hyphens")
        if names.count(component.name) > 1:
            yield Fault(f"{where}.name", f"the name {component.name!r} is used twice")
        if component.port is not None and not 1 <= component.port <= 65535:
            yield Fault(f"{where}.port", "must be from 1 to 65535")
        probe = component.probe
        if probe and not (0 < probe.timeout_s <= 86_400 and 0.01 <= probe.interval_s <= 3600):
            yield Fault(f"{where}.probe", "timeout_s is at most 86400, interval_s from 0.01 to 3600")
        if probe and probe.port is not None and not 1 <= probe.port <= 65535:
            yield Fault(f"{where}.probe.port", "must be from 1 to 65535")
        if probe and not (probe.port or component.port):
            yield Fault(f"{where}.probe", "a component without a port cannot be probed")
        if component.environment and not component.command:
            yield Fault(f"{where}.command", "a component with an environment needs a command")
        for dependency in component.depends:
            if dependency not in names:
                yield Fault(f"{where}.depends", f"there is no component {dependency!r}")
    try:
        start_order(spec.components)
    except ValueError as error:
        yield Fault("components", str(error))


def _resource_faults(resources: Resources) -> Iterator[Fault]:
    for name in ("cpus", "memory_gb"):
        if getattr(resources, name) <= 0:
            yield Fault(f"resources.{name}", "must be greater than 0")
    for name in ("gpus", "disk_gb"):
        if getattr(resources, name) < 0:
            yield Fault(f"resources.{name}", "must not be negative")
    for name, most in RESOURCES_MAX.items():
        if not getattr(resources, name) <= most:
            yield Fault(f"resources.{name}", f"must be at most {most}")


def _is_name(text: str) -> bool:
    parts = text.split("-")
    return 0 < len(text) <= 63 and all(
        part and part.isascii() and part.isalnum() and part == part.lower() for part in parts
    )
