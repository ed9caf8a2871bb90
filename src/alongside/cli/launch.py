"""`alongside launch` and `alongside task run`: from an identifier to a tool or a result."""

from __future__ import annotations

import json
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from alongside.cli import durations, screen
from alongside.cli.following import follow_progress
from alongside.cli.session import connect
from alongside.client import Client
from alongside.client.errors import RunFailed
from alongside.client.runs import uses
from alongside.spec.runs import FINAL, Resources, RunRequest
from alongside.spec.tools import ToolSpec

task_app = typer.Typer(help="Tasks: run one and take its results.", no_args_is_help=True)

Site = Annotated[str | None, typer.Option(help="Only at this site.")]
Executor = Annotated[str | None, typer.Option(help="Only on this executor: process or docker.")]
Cpus = Annotated[float | None, typer.Option(help="Cores, instead of what the tool asks for.")]
Memory = Annotated[float | None, typer.Option("--memory-gb", help="Memory in GB, instead of the tool's.")]
Size = Annotated[str | None, typer.Option("--class", help="A resource class, as small or large.")]
Labels = Annotated[
    list[str] | None, typer.Option("--label", help="Only on runners with it; may be repeated.")
]
Arg = Annotated[list[str] | None, typer.Option("--arg", help="An argument, KEY=VALUE; may be repeated.")]


def launch(
    id: Annotated[list[str], typer.Argument(help="Identifiers in any common form; NAME=ID names one.")],
    tool: Annotated[str, typer.Option(help="NAME or NAME@VERSION.")] = "jupyterlab",
    open: Annotated[str | None, typer.Option(help="A file to open, relative to the run's home.")] = None,
    attach: Annotated[list[str] | None, typer.Option(help="One more dataset; may be repeated.")] = None,
    arg: Arg = None,
    site: Site = None,
    executor: Executor = None,
    cpus: Cpus = None,
    memory: Memory = None,
    size: Size = None,
    label: Labels = None,
    lasting: Annotated[str | None, typer.Option("--for", help="Pause it after so long: 2h, 45m.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Do not return to a run that fits.")] = False,
    browser: Annotated[bool, typer.Option("--browser", help="Open it in a browser when ready.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is ready.")] = True,
    as_json: screen.AsJson = False,
) -> None:
    """Open a tool beside a dataset, and print its link."""
    with connect() as client:
        spec = client.tools.show(tool).spec
        wish = RunRequest(
            tool,
            uses([*id, *(attach or [])]),
            open=open,
            arguments=arguments(arg or [], spec.arguments),
            site=site,
            executor=executor,
            resources=resources(spec, cpus, memory),
            resource_class=size,
            labels=tuple(label or ()),
            lifetime_s=durations.seconds(lasting) if lasting else None,
        )
        match = None if new else client.runs.preview(wish).match
        if match:
            screen.say(f"Returning to {match.id}; --new makes another one.")
            if match.state == "paused" or match.state in FINAL:
                client.runs.start(match.id)
        run = match or client.runs.launch(wish)
        if wait:
            follow_progress(client, run.id)
        link = f"{client.url}/open/{run.id}"
        if as_json:
            screen.show_json({"run": client.runs.show(run.id), "link": link})
        else:
            screen.out.print(link)
        if browser and wait:
            webbrowser.open(client.runs.access(run.id).ticket_url)


@task_app.command("run")
def task_run(
    tool: Annotated[str, typer.Argument(help="NAME or NAME@VERSION of a task.")],
    id: Annotated[list[str], typer.Argument(help="Identifiers of its datasets.")],
    arg: Arg = None,
    into: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path(),
    site: Site = None,
    executor: Executor = None,
    cpus: Cpus = None,
    memory: Memory = None,
    size: Size = None,
    label: Labels = None,
    as_json: screen.AsJson = False,
) -> None:
    """Run a task over datasets, show its log as it comes, and save what it produced."""
    with connect() as client:
        spec = client.tools.show(tool).spec
        if spec.kind != "task":
            raise typer.BadParameter(f"{tool} is interactive: alongside launch {id[0]} --tool {tool}")
        wish = RunRequest(
            tool,
            uses(id),
            arguments=arguments(arg or [], spec.arguments),
            site=site,
            executor=executor,
            resources=resources(spec, cpus, memory),
            resource_class=size,
            labels=tuple(label or ()),
        )
        run = client.runs.launch(wish)
        screen.say(f"Run {run.id}")
        saved = _finish(client, run.id, into)
        if as_json:
            screen.show_json({"run": client.runs.show(run.id), "files": [str(path) for path in saved]})
        else:
            for path in saved:
                screen.out.print(str(path))


def arguments(given: Sequence[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """KEY=VALUE as the tool's schema types them; a value of another type stays text, and the hub
    says what is wrong with it."""
    typed: dict[str, Any] = {}
    for item in given:
        key, equals, text = item.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{item!r}: write it as KEY=VALUE", param_hint="--arg")
        kind = schema.get("properties", {}).get(key, {}).get("type")
        typed[key] = _typed(text, kind)
    return typed


def resources(spec: ToolSpec, cpus: float | None, memory: float | None) -> Resources | None:
    if cpus is None and memory is None:
        return None
    asked = spec.resources
    return Resources(cpus or asked.cpus, memory or asked.memory_gb, asked.gpus, asked.disk_gb)


def _finish(client: Client, run: str, into: Path) -> list[Path]:
    """Stream the log to its end, then download the outputs of a run that succeeded."""
    for piece in client.runs.follow(run):
        sys.stderr.write(piece)
        sys.stderr.flush()
    found = client.runs.wait(run, timeout_s=60)
    if found.state != "complete":
        ended = "was canceled" if found.state == "canceled" else "failed"
        raise RunFailed(f"the run {ended}: {found.reason or found.state}", run)
    return [client.runs.download(run, artifact, into) for artifact in client.runs.artifacts(run)]


def _typed(text: str, kind: Any) -> Any:
    if kind == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
