"""`alongside files`: homes, group folders, outputs and datasets at sites."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn

from alongside.cli import screen
from alongside.cli.session import connect
from alongside.client.answers import Saving
from alongside.client.files import Place

app = typer.Typer(
    help="Files at sites: ls, get, put, cat, mkdir, mv, rm, restore, save, drives.\n\n"
    "A path is in your home unless it begins with another folder: home@SITE:notes/a.txt, "
    "group/NAME:plan.md, run/RUN:result.csv, dataset/ID:",
    no_args_is_help=True,
)

There = Annotated[str, typer.Argument(help="A path there, such as notes/a.txt or run/RUN:result.csv.")]
Site = Annotated[str | None, typer.Option(help="The site, where there are several.")]


@app.command()
def ls(path: There = "", site: Site = None, as_json: screen.AsJson = False) -> None:
    """What is in a folder."""
    place, inside = where(path, site)
    with connect() as client:
        found = list(client.files.open(place, write=False).list(inside))
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["name", "size", "changed"],
        (
            [
                item.name + {"folder": "/", "link": f" → {item.target}"}.get(item.kind, ""),
                screen.size(item.size_bytes) if item.kind == "file" else "",
                item.modified_at,
            ]
            for item in found
        ),
        empty="Nothing is here.",
    )


@app.command()
def cat(path: There, site: Site = None) -> None:
    """Write a file to standard output."""
    place, inside = where(path, site)
    with connect() as client:
        for piece in client.files.open(place, write=False).read(inside):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


@app.command()
def get(
    path: There,
    target: Annotated[Path, typer.Argument(help="File or folder here.")] = Path(),
    site: Site = None,
) -> None:
    """Download a file."""
    place, inside = where(path, site)
    if target.is_dir():
        target /= PurePosixPath(inside).name
    with connect() as client:
        client.files.open(place, write=False).get(inside, target)
    screen.say(f"Saved {target}.")


@app.command()
def put(
    source: Annotated[Path, typer.Argument(help="A file here.", exists=True, dir_okay=False)],
    path: Annotated[str, typer.Argument(help="A path there; ending in / it is a folder.")] = "/",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    site: Site = None,
) -> None:
    """Upload a file; the same command again goes on where a broken upload stopped."""
    place, inside = where(path.rstrip("/") + "/" + source.name if path.endswith(("/", ":")) else path, site)
    size = source.stat().st_size
    columns = (TextColumn("{task.description}"), BarColumn())
    with (
        connect() as client,
        Progress(*columns, console=screen.err, transient=True, disable=not screen.err.is_terminal) as bar,
    ):
        shown = bar.add_task(source.name.replace("[", r"\["), total=size or 1)
        client.files.open(place).put(
            source, inside, overwrite=overwrite, told=lambda done: bar.update(shown, completed=done)
        )
    screen.say(f"Uploaded {inside}.")


@app.command()
def mkdir(path: There, site: Site = None) -> None:
    """Make a folder."""
    place, inside = where(path, site)
    with connect() as client:
        client.files.open(place).make_folder(inside)


@app.command()
def mv(
    path: There,
    to: Annotated[str, typer.Argument(help="Its new path in the same folder.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    site: Site = None,
) -> None:
    """Move or rename."""
    place, inside = where(path, site)
    with connect() as client:
        client.files.open(place).move(inside, where(to, site)[1], overwrite=overwrite)


@app.command()
def rm(
    paths: Annotated[list[str], typer.Argument(help="Paths in one folder.")],
    site: Site = None,
) -> None:
    """Delete; it is kept for a week and can be restored."""
    found = [where(path, site) for path in paths]
    if len({place for place, _ in found}) > 1:
        raise typer.BadParameter("all paths must lie in the same home or group folder")
    with connect() as client:
        trash = client.files.open(found[0][0]).delete(*(inside for _, inside in found))
    screen.say(f"Deleted. To bring it back: alongside files restore {trash}")


@app.command()
def restore(
    trash: Annotated[str, typer.Argument(help="What `rm` said.")],
    place: Annotated[str, typer.Option("--in", help="The folder it was in.")] = "home:",
    site: Site = None,
) -> None:
    """Bring back what `rm` deleted."""
    with connect() as client:
        back = client.files.open(where(place, site)[0]).restore(trash)
    screen.say(f"Back again: {', '.join(back)}.")


@app.command()
def save(
    path: There,
    title: Annotated[str, typer.Option(help="Its name for people.")] = "",
    description: Annotated[str, typer.Option(help="What it is.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="Only people granted this access tag see it.")] = None,
    id: Annotated[str | None, typer.Option(help="An identifier it has; otherwise one is minted.")] = None,
    may_leave: Annotated[bool, typer.Option("--may-leave", help="Other sites may copy it.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is saved.")] = True,
    site: Site = None,
    as_json: screen.AsJson = False,
) -> None:
    """Save a file or folder as a dataset of its site; what it came from is kept with it."""
    place, inside = where(path, site)
    with connect() as client:
        found = client.files.save(
            place,
            inside.strip("/"),
            title=title,
            description=description,
            tags=tag or [],
            identifier=id,
            may_leave=may_leave,
        )
        if wait:
            with Progress(
                TextColumn("{task.description}"), BarColumn(), console=screen.err, transient=True
            ) as bar:
                shown = bar.add_task("Saving", total=100)

                def told(now: Saving) -> None:
                    bar.update(shown, completed=now.progress, description=now.message or "Waiting")

                found = client.files.wait_saved(found.id, told=told)
    if as_json:
        screen.show_json(found)
        return
    screen.say(f"{'Saved' if wait else 'Saving'} {found.title} as {', '.join(found.identifiers)}")


drives = typer.Typer(help="WebDAV addresses: list, open, close.", no_args_is_help=True)
app.add_typer(drives, name="drives")


@drives.command("list")
def list_drives(as_json: screen.AsJson = False) -> None:
    """Your WebDAV addresses."""
    with connect() as client:
        found = client.files.drives()
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["drive", "name", "site", "address", "until"],
        ([item.id, item.name, item.site, item.url, item.expires_at] for item in found),
        empty="You have no drives. Open one: alongside files drives open",
    )


@drives.command("open")
def open_drive(
    path: Annotated[
        str, typer.Argument(help="Which folder: home:, group/NAME:, run/RUN: or dataset/ID:")
    ] = "home:",
    name: Annotated[str, typer.Option(help="What you call it.")] = "Drive",
    days: Annotated[int, typer.Option(help="Until it ends by itself.")] = 30,
    read_only: Annotated[bool, typer.Option("--read-only", help="It changes nothing.")] = False,
    site: Site = None,
    as_json: screen.AsJson = False,
) -> None:
    """A WebDAV address for your desktop or rclone; the password is shown this once."""
    place, inside = where(path, site)
    if inside:
        raise typer.BadParameter(
            "a drive is a whole folder: write home:, group/NAME:, run/RUN: or dataset/ID:"
        )
    with connect() as client:
        made = client.files.open_drive(place, name=name, days=days, write=not read_only)
    if as_json:
        screen.show_json(made)
        return
    screen.show_facts(
        [
            ("address", made.url),
            ("user", made.user),
            ("password", made.password),
            ("until", made.expires_at),
            (
                "rclone",
                f"rclone config create alongside webdav url={made.url} user={made.user} vendor=other "
                "pass=$(rclone obscure PASSWORD)",
            ),
        ]
    )


@drives.command("close")
def close_drive(id: Annotated[str, typer.Argument(help="The drive's id.")]) -> None:
    """Take a WebDAV address back."""
    with connect() as client:
        client.files.close_drive(id)
    screen.say("Closed.")


def where(text: str, site: str | None) -> tuple[Place, str]:
    """`home@lab:a/b`, `group/x:a`, `run/ID:a`, `dataset/ID:a`, or a path in the home."""
    head, colon, path = text.partition(":")
    if not colon:
        return Place("home", site), text.strip("/")
    kind, at, named_site = head.partition("@")
    kind, _, name = kind.partition("/")
    path, site = path.strip("/"), named_site if at else site
    match kind:
        case "home" if not name:
            return Place("home", site), path
        case "group" if name:
            return Place("group", site, group=name), path
        case "run" if name:
            return Place("outputs", run=name), path
        case "dataset" if name:
            return Place("dataset", site, dataset=name), path
        case _:
            raise typer.BadParameter(
                f"{text!r}: begin with home:, home@SITE:, group/NAME:, run/RUN: or dataset/ID:"
            )
