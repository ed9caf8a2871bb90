"""`alongside admin sites pull` and `images`: have images at a site before the first launch."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from alongside.cli import screen
from alongside.cli.session import connect
from alongside.client.errors import PullFailed
from alongside.spec.images import ImagePull

SiteName = Annotated[str, typer.Argument(help="The site.")]


def images(site: SiteName, as_json: screen.AsJson = False) -> None:
    """Images that a site was asked to have in the last days, and how far each is."""
    with connect() as client:
        found = list(client.admin.images(site))
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["image", "runner", "state", "since"],
        ([item.image, item.runner, _words(item), item.updated_at] for item in found),
        empty=f"{site} was not asked for images lately: alongside admin sites pull {site} IMAGE",
    )


def pull(
    site: SiteName,
    image: Annotated[str | None, typer.Argument(help="The image, as in a tool: registry/name:tag.")] = None,
    tool: Annotated[str | None, typer.Option(help="All images of this tool instead.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until the images are there.")] = False,
    as_json: screen.AsJson = False,
) -> None:
    """Have an image fetched by every runner of a site that has a Docker Engine."""
    if (image is None) == (tool is None):
        raise typer.BadParameter("name an image or --tool NAME")
    with connect() as client:
        found = client.admin.pull(site, image=image, tool=tool)
        if wait:
            with _Bars() as bars:
                found = client.admin.pulled(site, found, bars.show)
    if as_json:
        screen.show_json(found)
    else:
        for item in found:
            screen.say(f"{item.runner}: {item.image}: {_words(item)}")
    failed = [item for item in found if item.reason]
    if failed:
        first = failed[0]
        raise PullFailed(
            f"{len(failed)} of {len(found)} could not be pulled; at {first.runner}: {first.reason}"
        )


class _Bars:
    """A bar for each image at each runner, on a terminal; elsewhere nothing until the end."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        self._bars = Progress(
            *columns, console=screen.err, transient=True, disable=not screen.err.is_terminal
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Bars:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, pull: ImagePull) -> None:
        if pull.id not in self._tasks:
            told = f"{pull.runner}: {pull.image}".replace("[", r"\[")
            self._tasks[pull.id] = self._bars.add_task(told, total=100)
        self._bars.update(self._tasks[pull.id], completed=pull.progress)


def _words(pull: ImagePull) -> str:
    match pull.state:
        case "queued":
            return "waits for its runner"
        case "running":
            return f"{pull.progress:.0f} %"
        case "complete":
            return "there"
        case _:
            return pull.reason or pull.state
