"""`alongside homes`: how large they are, their snapshots, making and mending them."""

from __future__ import annotations

from typing import Annotated

import typer

from alongside.cli import screen
from alongside.cli.session import connect
from alongside.client import Client
from alongside.client.errors import Refused
from alongside.spec.homes import Home

app = typer.Typer(help="Homes at sites: sizes, snapshots, repair.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(help="A site where you have a home, or a home's id.")]
SnapshotId = Annotated[str, typer.Argument(help="Id of a snapshot, or its name.")]


@app.command("list")
def list_(
    site: Annotated[str | None, typer.Option(help="Only at this site.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Everybody's; for administrators.")] = False,
    as_json: screen.AsJson = False,
) -> None:
    """Your homes with their sizes."""
    with connect() as client:
        found = list(client.homes.list(site=site, everyone=everyone))
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["site", "of", "size", "quota", "files", "state", "id"],
        (
            [
                home.site,
                home.account_name,
                _size(home.size_bytes, "not measured"),
                _size(home.quota_bytes, "none"),
                home.files if home.files is not None else "",
                f"{home.state}: {home.reason}" if home.reason else home.busy or home.state,
                home.id,
            ]
            for home in found
        ),
        empty="No homes yet: one is made when you first launch a tool at a site.",
    )


@app.command()
def make(site: Annotated[str, typer.Argument(help="Name of the site.")]) -> None:
    """Have a home at a site before anything is launched there."""
    with connect() as client:
        _waited(client, client.homes.make(site))


@app.command()
def measure(home: Which) -> None:
    """Have the site look how large a home is now."""
    with connect() as client:
        _waited(client, client.homes.measure(_find(client, home).id))


@app.command()
def repair(home: Which) -> None:
    """Make what is missing in a home, and give its owner what is theirs."""
    with connect() as client:
        _waited(client, client.homes.repair(_find(client, home).id))


@app.command()
def quota(
    home: Which,
    gb: Annotated[
        float | None, typer.Argument(help="0: no limit; left out: what holds for the account.")
    ] = None,
) -> None:
    """Give one home a quota of its own; for administrators."""
    with connect() as client:
        found = client.homes.set_quota(_find(client, home).id, gb)
    screen.say(f"quota: {_size(found.quota_bytes, 'none')}")


@app.command()
def snapshots(home: Which, as_json: screen.AsJson = False) -> None:
    """The snapshots of a home, newest first."""
    with connect() as client:
        found = list(client.homes.snapshots(_find(client, home).id))
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["name", "taken", "size", "files", "state", "id"],
        (
            [
                item.name,
                f"{item.created_at:%Y-%m-%d %H:%M}",
                _size(item.size_bytes, ""),
                item.files if item.files is not None else "",
                f"{item.state}: {item.reason}" if item.reason else item.state,
                item.id,
            ]
            for item in found
        ),
        empty="No snapshots.",
    )


@app.command()
def snapshot(
    home: Which, name: Annotated[str, typer.Option(help="What to call it; otherwise the time.")] = ""
) -> None:
    """Keep a home as it is now."""
    with connect() as client:
        made = client.homes.snapshot(_find(client, home).id, name)
        _waited(client, client.homes.show(made.home))
        taken = next(item for item in client.homes.snapshots(made.home) if item.id == made.id)
    if taken.state == "failed":
        raise Refused(409, {"detail": taken.reason, "code": "conflict"})
    screen.say(made.id)


@app.command()
def restore(
    home: Which,
    snapshot: SnapshotId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Make a home what it was. What it is now becomes a snapshot first."""
    with connect() as client:
        found = _find(client, home)
        which = _snapshot(client, found.id, snapshot)
        if not yes:
            typer.confirm(f"Make the home at {found.site} what it was in this snapshot?", abort=True)
        _waited(client, client.homes.restore(found.id, which))


@app.command()
def forget(home: Which, snapshot: SnapshotId) -> None:
    """Delete a snapshot."""
    with connect() as client:
        found = _find(client, home)
        client.homes.forget_snapshot(found.id, _snapshot(client, found.id, snapshot))


def _find(client: Client, text: str) -> Home:
    mine = [home for home in client.homes.list() if text in (home.site, home.id)]
    return mine[0] if mine else client.homes.show(text)


def _snapshot(client: Client, home: str, text: str) -> str:
    found = [item.id for item in client.homes.snapshots(home) if text in (item.id, item.name)]
    return found[0] if found else text


def _waited(client: Client, home: Home) -> None:
    """Follow what is done with a home to its end.

    Raises:
        Refused: it failed.
    """
    said = ""

    def told(now: Home) -> None:
        nonlocal said
        words = f"{now.busy}: {now.message}" if now.message else now.busy
        if words != said:
            screen.say(words)
        said = words

    home = client.homes.until_idle(home.id, told)
    if home.state == "failed":
        raise Refused(409, {"detail": home.reason, "code": "conflict"})
    screen.say(f"{home.site}: {home.state}, {_size(home.size_bytes, 'not measured')}")


def _size(size: int | None, otherwise: str) -> str:
    return otherwise if size is None else screen.size(size)
