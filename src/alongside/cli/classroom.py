"""`alongside class`: a group's members, how far each is with a tool, and acts for all of them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from alongside.cli import screen
from alongside.cli.session import connect
from alongside.client import Client
from alongside.spec.classroom import ClassPage


def class_(
    group: Annotated[str | None, typer.Argument(help="Name or id of a group that you manage.")] = None,
    tool: Annotated[str | None, typer.Option(help="Of the newest runs of this tool.")] = None,
    stop: Annotated[bool, typer.Option("--stop", help="Stop everybody's run.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Start again what failed.")] = False,
    extend: Annotated[float | None, typer.Option(metavar="SECONDS", help="Extend everybody's run.")] = None,
    message: Annotated[str | None, typer.Option(metavar="TEXT", help="Send everybody a notice.")] = None,
    as_json: screen.AsJson = False,
) -> None:
    """Who of a group has launched, is ready or is stuck, and acts on all; without a group: your groups."""
    with connect() as client:
        if group is None:
            groups = client.classes.list()
            if as_json:
                screen.show_json(groups)
            else:
                screen.show_table(
                    ["group", "members"], ([g.name, g.members] for g in groups), empty="You manage no group."
                )
            return
        _act(client, group, tool, stop=stop, retry=retry, extend=extend, message=message)
        found = client.classes.show(group, tool)
    if as_json:
        screen.show_json(found)
    else:
        _show_class(found)


def _act(
    client: Client,
    group: str,
    tool: str | None,
    *,
    stop: bool,
    retry: bool,
    extend: float | None,
    message: str | None,
) -> None:
    acts: list[tuple[str, dict[str, Any]]] = []
    if message is not None:
        acts.append(("message", {"title": message}))
    if extend is not None:
        acts.append(("extend", {"seconds": extend}))
    if retry:
        acts.append(("retry", {}))
    if stop:
        acts.append(("stop", {}))
    for kind, more in acts:
        outcome = client.classes.act(group, kind, tool=tool, **more)
        screen.say(f"{kind}: done for {outcome.done} of {len(outcome.outcomes)}")
        for item in outcome.outcomes:
            if not item.ok:
                screen.say(f"  {item.name}: {item.reason}")


def _show_class(found: ClassPage) -> None:
    counts = ", ".join(f"{count} {name}" for name, count in sorted(found.counts.items()))
    screen.say(f"{found.name}: {counts or 'nobody'}")
    screen.show_table(
        ["name", "stands", "since", "tool", "site", "why"],
        ([m.name, m.standing, m.since, m.tool, m.site, m.reason] for m in found.members),
        empty="The group has no members.",
    )
