"""`alongside up`: a whole installation on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from alongside.cli import screen
from alongside.cli.session import current, of_one_machine, remember_data_folder
from alongside.cli.up import demo as demonstration
from alongside.cli.up.demo import Demo
from alongside.cli.up.folder import DataFolder
from alongside.config import Config

if TYPE_CHECKING:
    from alongside.hub.bootstrap import Started

#: in a checkout; the wheel has no demonstration
TOOLS = Path(__file__).resolve().parents[4] / "deploy" / "tools"


def up(
    demo: Annotated[
        Path | None,
        typer.Option(help="Folder of a prepared demonstration (./up makes one).", show_default=False),
    ] = None,
    tools: Annotated[
        Path, typer.Option(help="Folder of tool specifications to publish with the demonstration.")
    ] = TOOLS,
) -> None:
    """Start everything on this machine: hub, dispatcher, edge and runner, with SQLite and a site `local`.

    Ctrl-C stops it all; interactive runs are paused, and the next `up` finds everything as it was.
    """
    # Only now: it needs the whole hub, which no other command has to wait for.
    from alongside.cli.up.installation import Installation

    config = current().config()
    prepared = Demo(demo) if demo else None
    more = prepared.settings(config.runner.data_roots, config.runner.environments) if prepared else {}
    config = current().config(**of_one_machine(config), **more)
    with DataFolder(config.data_dir):
        installation = Installation(config, prepared, tools if prepared else None, _say)
        remember_data_folder(config.data_dir)
        installation.run(lambda standing: _welcome(config, standing, prepared))


def _welcome(config: Config, standing: Started, demo: Demo | None) -> None:
    screen.out.print()
    screen.out.print(f"[bold]Alongside is ready at {config.hub.url}[/bold]")
    for words, text in _ways_in(config, standing, demo):
        screen.out.print(f"  {words:<28}{text}", soft_wrap=True)
    screen.out.print("  Ctrl-C stops everything; the next start finds it as it was.")
    screen.out.file.flush()


def _ways_in(config: Config, standing: Started, demo: Demo | None) -> Iterator[tuple[str, str]]:
    yield f"Sign in (once, as {standing.admin.name}):", standing.sign_in_url
    if demo:
        link = f"{config.hub.url}/launch?id={quote(demonstration.MAIN, safe=':/')}"
        yield "Launch the lidar dataset:", link
    activate = Path(sys.prefix) / "bin" / "activate"
    if activate.exists() and "VIRTUAL_ENV" not in os.environ:
        yield "In another terminal:", f". {activate}; alongside --help"


def _say(text: str) -> None:
    screen.say(f"› {text}")
