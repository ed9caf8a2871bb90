"""`alongside tools`: what can be run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml

from alongside.cli import screen
from alongside.cli.session import connect
from alongside.spec.tools import ToolVersion

app = typer.Typer(help="Tools: list, show, publish, validate.", no_args_is_help=True)

Spec = Annotated[Path, typer.Argument(help="A specification, YAML or JSON; - reads stdin.")]
Name = Annotated[str, typer.Argument(help="NAME for the latest version, NAME@VERSION for another.")]


@app.command("list")
def list_(as_json: screen.AsJson = False) -> None:
    """All tools you may use, and whether they can run now."""
    with connect() as client:
        found = list(client.tools.list())
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["name", "version", "kind", "title", "runs at"],
        (
            [
                card.name,
                card.latest.spec.version,
                card.kind,
                card.title,
                ", ".join(card.runnable.sites) if card.runnable.ok else f"nowhere: {card.runnable.reason}",
            ]
            for card in found
        ),
        empty="There is no tool yet. Publish one: alongside tools publish FILE",
    )


@app.command()
def show(name: Name, as_json: screen.AsJson = False) -> None:
    """One version of a tool."""
    with connect() as client:
        found = client.tools.show(name)
    if as_json:
        screen.show_json(found)
        return
    _show(found)


@app.command()
def publish(file: Spec, as_json: screen.AsJson = False) -> None:
    """Publish a tool version; a published version never changes."""
    with connect() as client:
        made = client.tools.publish(_text(file))
    if as_json:
        screen.show_json(made)
        return
    screen.say(f"Published {made.spec.name}@{made.spec.version}.")


@app.command()
def validate(file: Spec, as_json: screen.AsJson = False) -> None:
    """Name every fault of a specification, without publishing it."""
    with connect() as client:
        faults = client.tools.validate(_text(file))
    if as_json:
        screen.show_json({"ok": not faults, "faults": list(faults)})
    else:
        screen.show_table(["field", "fault"], ([f.field, f.reason] for f in faults), empty="No faults.")
    if faults:
        raise typer.Exit(1)


@app.command()
def delete(name: Name) -> None:
    """Withdraw a tool, or with NAME@VERSION one version of it."""
    with connect() as client:
        client.tools.delete(name)
    screen.say(f"Deleted {name}.")


def _show(found: ToolVersion) -> None:
    spec = found.spec
    screen.show_facts(
        [
            ("tool", f"{spec.name}@{spec.version}"),
            ("title", spec.title),
            ("kind", spec.kind),
            ("description", spec.description),
            ("runs on", spec.executors),
            ("components", [component.name for component in spec.components]),
            ("needs", f"{spec.resources.cpus:g} cpus, {spec.resources.memory_gb:g} GB memory"),
            ("labels", spec.labels),
            ("time limit", screen.span(spec.time_limit_s) if spec.time_limit_s else None),
            ("published", f"{screen.ago(found.created_at)}"),
            ("digest", found.digest),
        ]
    )
    properties = spec.arguments.get("properties", {})
    if properties:
        screen.show_table(
            ["argument", "type", "default", "about"],
            (
                [name, about.get("type", "any"), about.get("default"), about.get("description", "")]
                for name, about in properties.items()
            ),
            empty="",
        )


def _text(file: Path) -> str:
    """As the hub reads it: YAML, of which JSON is a part."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
        yaml.safe_load(text)
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise typer.BadParameter(f"{file} is not YAML: {error}") from None
    return text
