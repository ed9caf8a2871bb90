"""`alongside share`, `shares`, `unshare` and `redeem`: others in a run of yours, and you in theirs."""

from __future__ import annotations

from typing import Annotated

import typer

from alongside.cli import durations, screen
from alongside.cli.runs import RunId, id_of
from alongside.cli.session import connect
from alongside.client.errors import CallFailed
from alongside.spec.sharing import RunShare, ShareKind

Lasts = Annotated[
    str | None, typer.Option("--for", help="End it by itself: 45m, 2h, 1d; a bare number is minutes.")
]


def share(
    run: RunId,
    person: Annotated[str | None, typer.Option("--with", help="Name of a person.")] = None,
    group: Annotated[str | None, typer.Option(help="Name of a group that you are in.")] = None,
    code: Annotated[bool, typer.Option("--code", help="Make a code for whoever has it.")] = False,
    lasts: Lasts = None,
    as_json: screen.AsJson = False,
) -> None:
    """Let others open a run: a person, a group, or whoever has a code. They can open it and no more."""
    named: list[tuple[ShareKind, str | None]] = []
    if person:
        named.append(("person", person))
    if group:
        named.append(("group", group))
    if code:
        named.append(("code", None))
    if len(named) != 1:
        raise CallFailed("say with whom: one of --with NAME, --group NAME and --code")
    lasts_s = None if lasts is None else durations.seconds(lasts)
    kind, name = named[0]
    with connect() as client:
        made = client.shares.add(id_of(client, run), kind, name, lasts_s=lasts_s)
    if as_json:
        screen.show_json(made)
    elif made.code:
        screen.out.print(made.code)
        screen.say(f"Whoever has it opens {made.link}, or runs: alongside redeem {made.code}")
    else:
        screen.say(f"Shared with {made.share.name}.")


def shares(run: RunId, as_json: screen.AsJson = False) -> None:
    """With whom a run is shared, and who is in."""
    with connect() as client:
        id = id_of(client, run)
        found, people = list(client.shares.of(id)), client.shares.present(id)
    if as_json:
        screen.show_json({"shares": found, "present": people})
        return
    screen.show_table(
        ["share", "kind", "with", "ends", "people"],
        ([item.id, item.kind, item.name, item.expires_at, _members(item)] for item in found),
        empty="It is not shared. Share it: alongside share RUN --with NAME",
    )
    here = [item.name for item in people if item.left_at is None]
    if here:
        screen.say(f"In now: {', '.join(here)}")


def unshare(
    run: RunId,
    share: Annotated[str, typer.Argument(help="Id of the share, or the person's or group's name.")],
    person: Annotated[
        str | None, typer.Option("--only", help="Shut this person out alone, and let the others stay.")
    ] = None,
) -> None:
    """End a share: whoever is in by it is out at once."""
    with connect() as client:
        id = id_of(client, run)
        found = next((item for item in client.shares.of(id) if share in (item.id, item.name)), None)
        if found is None:
            raise CallFailed(f"the run is not shared with {share!r}", hint=f"alongside shares {id}")
        if person is None:
            client.shares.revoke(id, found.id)
        else:
            client.shares.shut_out(id, found.id, person)
    screen.say("Revoked.")


def redeem(
    code: Annotated[str, typer.Argument(help="The code that somebody gave you.")],
    as_json: screen.AsJson = False,
) -> None:
    """Come into a run by a code."""
    with connect() as client:
        found = client.shares.redeem(code)
    if as_json:
        screen.show_json(found)
    else:
        screen.say(f"{found.owner} shares {found.title} with you. Open it: alongside runs open {found.id}")


def shared(as_json: screen.AsJson = False) -> None:
    """Runs of others that are shared with you."""
    with connect() as client:
        found = list(client.shares.with_me())
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["run", "tool", "title", "of", "state", "ends"],
        ([item.id, item.tool, item.title, item.owner, item.word, item.expires_at] for item in found),
        empty="Nothing is shared with you.",
    )


def _members(found: RunShare) -> list[str]:
    return [f"{one.name} (shut out)" if one.removed_at else one.name for one in found.members]
