"""`alongside status` and `alongside admin banners`: how the hub is, and what it announces."""

from __future__ import annotations

from typing import Annotated

import typer

from alongside.cli import screen
from alongside.cli.session import connect

app = typer.Typer(help="What everybody is shown: maintenance.", no_args_is_help=True)


def status(as_json: screen.AsJson = False) -> None:
    """How the hub is, and what it announces."""
    with connect() as client:
        found, shown = client.status(), client.banners.shown()
    if as_json:
        screen.show_json({**found, "banners": shown})
        return
    for banner in shown:
        screen.out.print(f"[bold]{'Maintenance' if banner.level == 'down' else 'Note'}:[/bold] ", end="")
        screen.out.print(banner.text, markup=False)
    screen.show_facts(
        (
            ("hub", f"{found['hub_url']} ({found['version']})"),
            ("sites", str(found["sites"])),
            ("runners", f"{found['runners']['online']} online, {found['runners']['offline']} offline"),
            ("runs", f"{found['queue']['running']} running, {found['queue']['queued']} waiting"),
            ("dispatcher", "leads" if found["dispatcher"]["alive"] else "does not answer"),
        )
    )


@app.command("list")
def list_(as_json: screen.AsJson = False) -> None:
    """Banners that are shown now or later."""
    with connect() as client:
        found = client.banners.all()
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["id", "level", "site", "from", "until", "no launch from", "text"],
        ([b.id, b.level, b.site, b.starts_at, b.ends_at, b.no_launch_from, b.text] for b in found),
        empty="There are no banners.",
    )


@app.command("add")
def add(
    text: Annotated[str, typer.Argument(help="What everybody reads.")],
    level: Annotated[str, typer.Option(help="info, warning or down.")] = "info",
    site: Annotated[str | None, typer.Option(help="The site that it is about.")] = None,
    starts_at: Annotated[
        str | None, typer.Option("--from", help="When it is first shown; default now (RFC 3339).")
    ] = None,
    ends_at: Annotated[str | None, typer.Option("--until", help="When it is shown no more.")] = None,
    no_launch_from: Annotated[
        str | None, typer.Option(help="From then on nothing new is launched there.")
    ] = None,
    tell: Annotated[
        bool, typer.Option("--tell", help="Also notify those who have something running.")
    ] = False,
) -> None:
    """Show everybody something, and refuse launches from a moment on."""
    with connect() as client:
        made = client.banners.add(
            text,
            level=level,
            site=site,
            starts_at=starts_at,
            ends_at=ends_at,
            no_launch_from=no_launch_from,
            tell=tell,
        )
    screen.say(f"Added {made.id}.")


@app.command("remove")
def remove(id: Annotated[str, typer.Argument(help="Id of a banner.")]) -> None:
    """Take a banner down."""
    with connect() as client:
        client.banners.remove(id)
    screen.say("Removed.")
