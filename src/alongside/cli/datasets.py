"""`alongside datasets`: what data there is, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from alongside.cli import screen
from alongside.cli.session import connect
from alongside.spec.datasets import Dataset

app = typer.Typer(help="Datasets: list, search, show, register, resolve.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="An identifier in any common form, or the dataset's id.")]


@app.command("list")
def list_(
    site: Annotated[str | None, typer.Option(help="Only what this site holds.")] = None,
    as_json: screen.AsJson = False,
) -> None:
    """All datasets you may use."""
    _show_many(None, site, as_json)


@app.command()
def search(
    words: Annotated[str, typer.Argument(help="Words of a title, description, creator or identifier.")],
    site: Annotated[str | None, typer.Option(help="Only what this site holds.")] = None,
    as_json: screen.AsJson = False,
) -> None:
    """Datasets that match some words or an identifier."""
    _show_many(words, site, as_json)


@app.command()
def show(id: Id, as_json: screen.AsJson = False) -> None:
    """One dataset with its metadata and locations."""
    with connect() as client:
        found = client.datasets.show(id)
    _show_one(found, as_json)


@app.command()
def resolve(id: Id, as_json: screen.AsJson = False) -> None:
    """Which dataset an identifier means, and which sites hold it."""
    with connect() as client:
        found = client.datasets.resolve(id)
    if as_json:
        screen.show_json({"dataset": found.dataset, "sites": list(found.sites)})
        return
    screen.say(found.dataset["title"] or found.dataset["id"])
    screen.show_table(
        ["site", "in place", "online", "runners"],
        ([site.site, site.path_known, site.online, site.runners] for site in found.sites),
        empty="No site holds it; it can only be fetched.",
    )


@app.command()
def register(
    locations: Annotated[list[str], typer.Argument(help="Where the bytes are: SITE:/path, or a URL.")],
    title: Annotated[str | None, typer.Option(help="Its name for people.")] = None,
    id: Annotated[list[str] | None, typer.Option(help="An identifier; may be given more than once.")] = None,
    description: Annotated[str, typer.Option(help="What it is.")] = "",
    creator: Annotated[
        list[str] | None, typer.Option(help="Who made it; may be given more than once.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only people granted this access tag see it.")] = None,
    may_leave: Annotated[bool, typer.Option("--may-leave", help="Other sites may copy it.")] = False,
    metadata: Annotated[Path | None, typer.Option(help="A JSON file with further metadata.")] = None,
    as_json: screen.AsJson = False,
) -> None:
    """Make a dataset known; its files stay where they are. Without --id it gets a local identifier."""
    places = [location(text) for text in locations]
    with connect() as client:
        made = client.datasets.register(
            places,
            title=title or default_title(locations[0]),
            identifiers=id or [],
            description=description,
            creators=creator or [],
            tags=tag or [],
            may_leave=may_leave,
            metadata=_metadata(metadata),
        )
    _show_one(made, as_json)


@app.command()
def delete(id: Id) -> None:
    """Forget a dataset; its files stay where they are."""
    with connect() as client:
        client.datasets.delete(id)
    screen.say("Deleted.")


def location(text: str) -> dict[str, Any]:
    """`local:/data/x` → a path at a site; anything with `://` → a URL."""
    if "://" in text:
        return {"url": text}
    site, colon, path = text.partition(":")
    if not colon or not path.startswith("/"):
        raise typer.BadParameter(f"{text!r}: write SITE:/absolute/path, such as local:/data/x, or a URL")
    return {"site": site, "path": path}


def default_title(text: str) -> str:
    return text.rstrip("/").rsplit("/", 1)[-1] or text


def _metadata(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{path}: {error}") from None
    if not isinstance(content, dict):
        raise typer.BadParameter(f"{path}: expected a JSON object")
    return content


def _show_many(query: str | None, site: str | None, as_json: bool) -> None:
    with connect() as client:
        found = list(client.datasets.list(query, site=site))
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["identifier", "title", "size", "held by"],
        ([_identifier(item), item.title, screen.size(item.size_bytes), _sites(item)] for item in found),
        empty="No dataset found. Register one: alongside datasets register SITE:/path --title …",
    )


def _show_one(found: Dataset, as_json: bool) -> None:
    if as_json:
        screen.show_json(found)
        return
    screen.show_facts(
        [
            ("title", found.title),
            ("id", found.id),
            ("identifiers", [identifier.display for identifier in found.identifiers]),
            ("description", found.description),
            ("creators", found.creators),
            ("size", screen.size(found.size_bytes) if found.size_bytes else None),
            *(("location", place.url or f"{place.site}:{place.path}") for place in found.locations),
            ("tags", found.tags),
            ("may leave", found.may_leave),
            *((name, json.dumps(value)) for name, value in found.metadata.items()),
        ]
    )


def _identifier(found: Dataset) -> str:
    return found.identifiers[0].value if found.identifiers else found.id


def _sites(found: Dataset) -> list[str]:
    return sorted({place.site or "(by URL)" for place in found.locations})
