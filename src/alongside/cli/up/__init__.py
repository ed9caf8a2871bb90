"""`alongside up`: a whole installation on this machine, until Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from alongside.cli import screen
from alongside.cli.session import current
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
    config = current().config(**_joined(config), **more)
    with DataFolder(config.data_dir):
        installation = Installation(config, prepared, tools if prepared else None, _say)
        installation.run(lambda standing: _welcome(config, standing, prepared))


def _joined(config: Config) -> dict[str, Any]:
    """Settings that follow from others on one machine, unless they were given themselves."""
    fresh = Config()
    follow: dict[str, Any] = {}
    origin = f"http://{config.edge.host}:{config.edge.port}"
    if config.hub.url == fresh.hub.url:
        follow["hub.url"] = origin
    if config.runner.hub_url == fresh.runner.hub_url:
        follow["runner.hub_url"] = follow.get("hub.url", config.hub.url)
    if config.edge.url == fresh.edge.url:
        follow["edge.url"] = f"http://{{run}}.localhost:{config.edge.port}"
    if config.edge.hub_upstream == fresh.edge.hub_upstream:
        follow["edge.hub_upstream"] = f"{config.hub.host}:{config.hub.port}"
    if config.edge.live_upstream == fresh.edge.live_upstream:
        follow["edge.live_upstream"] = f"{config.dispatcher.host}:{config.dispatcher.port}"
    return follow


def _welcome(config: Config, standing: Started, demo: Demo | None) -> None:
    screen.out.print()
    screen.out.print(f"[bold]Alongside is ready at {config.hub.url}[/bold]")
    screen.out.print(f"  Sign in (once, as {standing.admin.name}):  {standing.sign_in_url}", soft_wrap=True)
    if demo:
        link = f"{config.hub.url}/launch?id={quote(demonstration.MAIN, safe=':/')}"
        screen.out.print(f"  Launch the lidar dataset:     {link}", soft_wrap=True)
    screen.out.print("  Ctrl-C stops everything; the next start finds it as it was.")
    screen.out.file.flush()


def _say(text: str) -> None:
    screen.say(f"› {text}")
