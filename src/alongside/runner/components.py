"""What a tool's components are told: commands with their placeholders filled, environment, addresses."""

from __future__ import annotations

import re
from urllib.parse import quote

from alongside.runner import keeping
from alongside.spec.tools import Component
from alongside.spec.wire import Assignment

TASK_DATA = "/data"
_PLACEHOLDER = re.compile(r"\{(port|socket|home|data|open|run)\}")


def home_path(assignment: Assignment) -> str:
    """Where a tool has its home, inside: /home/<name>, whatever characters the hub sent."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", assignment.owner.name).strip(".-")
    return f"/home/{name or assignment.owner.account}"


def data_path(assignment: Assignment) -> str:
    return f"{home_path(assignment)}/data" if assignment.tool.kind == "interactive" else TASK_DATA


def mount_path(assignment: Assignment, name: str) -> str:
    """Where a dataset appears, inside; a task's first one may have a path of its own."""
    tool = assignment.tool
    first = assignment.datasets[0].name if assignment.datasets else None
    if tool.kind == "task" and tool.input_path and name == first:
        return tool.input_path
    return f"{data_path(assignment)}/{name}"


def opened(assignment: Assignment) -> str:
    """The file to open, relative to the home; a path that starts with a dataset's name is below data/."""
    path = (assignment.open or "").strip("/")
    if not path or ".." in path.split("/"):
        return ""
    if path.split("/")[0] in {mount.name for mount in assignment.datasets}:
        return f"data/{path}"
    return path


def open_path(assignment: Assignment) -> str:
    """Path and query at the tool's address where a person should arrive."""
    start = assignment.tool.front.open_path or "/"
    path = opened(assignment)
    if not path:
        return start
    asked = assignment.tool.open_template.replace("{open}", quote(path))
    return asked if asked.startswith("/") else f"{start.rstrip('/')}/{asked}"


def uses_socket(component: Component) -> bool:
    return any("{socket}" in part for part in (*component.command, *component.env.values()))


def command(assignment: Assignment, component: Component, *, port: str, socket: str) -> list[str]:
    """The component's command; an argument that is only {open} is left out when there is nothing to open."""
    values = _values(assignment, port, socket)
    return [
        _filled(part, values) for part in component.command if not (part == "{open}" and not values["open"])
    ]


def environment(assignment: Assignment, component: Component, *, port: str, socket: str) -> dict[str, str]:
    """Variables that a component has on every executor, its author's own ones last."""
    tool = assignment.tool
    home = home_path(assignment) if tool.kind == "interactive" else "/tmp"
    told = {
        "HOME": home,
        "USER": home_path(assignment).rpartition("/")[2],
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
        "ALONGSIDE_RUN": assignment.run,
        "ALONGSIDE_DATA": data_path(assignment),
    }
    if tool.kind == "task":
        told["ALONGSIDE_OUTPUT"] = tool.output_path
    else:
        told.update(_settings(assignment))
        told.update(keeping.everywhere(home))
    values = _values(assignment, port, socket)
    return told | {name: _filled(value, values) for name, value in component.env.items()}


def _settings(assignment: Assignment) -> dict[str, str]:
    """An interactive tool's scalar arguments as ARG_<NAME>."""
    found = {}
    for name, value in assignment.arguments.items():
        if isinstance(value, bool):
            value = "true" if value else "false"
        if isinstance(value, (str, int, float)):
            found["ARG_" + re.sub(r"\W", "_", name).upper()] = str(value)
    return found


def _values(assignment: Assignment, port: str, socket: str) -> dict[str, str]:
    return {
        "port": port,
        "socket": socket,
        "home": home_path(assignment) if assignment.tool.kind == "interactive" else "/tmp",
        "data": data_path(assignment),
        "open": opened(assignment),
        "run": assignment.run,
    }


def _filled(text: str, values: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)
