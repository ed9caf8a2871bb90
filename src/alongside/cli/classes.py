"""`alongside admin classes` and `account-classes`: sizes of machine, and limits that people share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from alongside.cli import durations, screen
from alongside.cli.session import connect
from alongside.spec.accounts import Limits
from alongside.spec.sites import ResourceClass

app = typer.Typer(help="Resource classes: the sizes of machine that a site offers.", no_args_is_help=True)
accounts = typer.Typer(help="Account classes: limits that accounts share.", no_args_is_help=True)

SiteName = Annotated[str, typer.Option("--site", help="The site.")]
ClassName = Annotated[str, typer.Argument(help="Its name; the same at several sites is one choice.")]
Title = Annotated[str | None, typer.Option(help="Name for people.")]
Gpus = Annotated[int | None, typer.Option(help="GPUs.")]
Longest = Annotated[
    str | None, typer.Option("--lifetime", help="How long a run may last, as 8h; none takes it away.")
]


@app.command("list")
def classes_list(site: SiteName = "local", as_json: screen.AsJson = False) -> None:
    """The classes of a site."""
    with connect() as client:
        found = list(client.admin.resource_classes(site))
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["name", "title", "cpus", "memory", "gpus", "lifetime", "labels", "for"],
        (
            [
                item.name,
                item.title,
                f"{item.resources.cpus:g}",
                f"{item.resources.memory_gb:g} GB",
                item.resources.gpus,
                screen.span(item.lifetime_s) if item.lifetime_s else None,
                list(item.labels),
                _who(item),
            ]
            for item in found
        ),
        empty=f"{site} has no classes: a launch gets what it asks for.",
    )


@app.command("add")
def classes_add(
    name: ClassName,
    cpus: Annotated[float, typer.Option(help="Cores.")],
    memory: Annotated[float, typer.Option("--memory-gb", help="Memory in GB.")],
    site: SiteName = "local",
    gpus: Gpus = None,
    disk: Annotated[float | None, typer.Option("--disk-gb", help="Disk in GB.")] = None,
    lifetime: Longest = None,
    title: Title = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="A label of its runners; may be repeated.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="Only for this group; may be repeated.")] = None,
    account_class: Annotated[
        list[str] | None, typer.Option(help="Only for this account class; may be repeated.")
    ] = None,
    position: Annotated[int | None, typer.Option(help="Low ones come first in lists.")] = None,
    as_json: screen.AsJson = False,
) -> None:
    """Offer a size of machine at a site."""
    members = {
        "gpus": gpus,
        "disk_gb": disk,
        "lifetime_s": _lifetime(lifetime),
        "title": title,
        "description": description,
        "labels": label,
        "groups": group,
        "account_classes": account_class,
        "position": position,
    }
    with connect() as client:
        made = client.admin.add_resource_class(site, name, cpus=cpus, memory_gb=memory, **members)
    if as_json:
        screen.show_json(made)
    else:
        screen.say(f"{site} offers {name}: {cpus:g} cores, {memory:g} GB, for {_who(made)}.")


@app.command("delete")
def classes_delete(name: ClassName, site: SiteName = "local") -> None:
    """Offer a class no longer; runs that have it keep it."""
    with connect() as client:
        client.admin.delete_resource_class(site, name)
    screen.say(f"{site} no longer offers {name}.")


@accounts.command("list")
def accounts_list(as_json: screen.AsJson = False) -> None:
    """All account classes with their limits."""
    with connect() as client:
        found = list(client.admin.account_classes())
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["name", "title", "accounts", "limits"],
        ([item.name, item.title, item.accounts, _told(item.limits)] for item in found),
        empty="There are no account classes: the limits of the installation hold for everyone.",
    )


@accounts.command("set")
def accounts_set(
    name: Annotated[str, typer.Argument(help="Name of the class.")],
    title: Title = None,
    running: Annotated[int | None, typer.Option(help="Runs at once.")] = None,
    cpus: Annotated[float | None, typer.Option(help="Cores at once.")] = None,
    memory: Annotated[float | None, typer.Option("--memory-gb", help="Memory at once, in GB.")] = None,
    gpus: Gpus = None,
    lifetime: Longest = None,
    home: Annotated[float | None, typer.Option("--home-gb", help="Size of a home, in GB.")] = None,
    as_json: screen.AsJson = False,
) -> None:
    """Make an account class or change it; a limit that is left out is the installation's."""
    limits = Limits(running, cpus, memory, gpus, _lifetime(lifetime), home)
    with connect() as client:
        changed = client.admin.put_account_class(name, title or "", limits)
    if as_json:
        screen.show_json(changed)
    else:
        screen.say(f"{name}: {_told(limits)}.")


@accounts.command("delete")
def accounts_delete(name: Annotated[str, typer.Argument(help="Name of the class.")]) -> None:
    """Delete a class that no account is in."""
    with connect() as client:
        client.admin.delete_account_class(name)
    screen.say(f"Deleted {name}.")


def _lifetime(text: str | None) -> float | None:
    return None if text in {None, "none"} else durations.seconds(text or "")


def _who(item: ResourceClass) -> str:
    return ", ".join((*item.groups, *item.account_classes)) or "everyone"


def _told(limits: Limits) -> str:
    told: list[tuple[str, Any]] = [
        ("runs", limits.running),
        ("cores", limits.cpus),
        ("GB of memory", limits.memory_gb),
        ("GPUs", limits.gpus),
        ("GB of home", limits.home_gb),
    ]
    parts = [f"{count:g} {what}" for what, count in told if count is not None]
    if limits.lifetime_s is not None:
        parts.append(f"runs of {screen.span(limits.lifetime_s)}")
    return ", ".join(parts) or "the limits of the installation"
