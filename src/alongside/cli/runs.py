"""`alongside runs` and the short forms `logs`, `stop`, `start`."""

from __future__ import annotations

import sys
import webbrowser
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from alongside.cli import durations, screen
from alongside.cli.following import follow_progress
from alongside.cli.session import connect
from alongside.client import Client
from alongside.client.answers import ShownRun
from alongside.client.errors import CallFailed
from alongside.client.runs import uses
from alongside.spec.runs import Action, Run, word

app = typer.Typer(
    help="Runs: list, show, stop, start, delete, attach, detach, open, artifacts.", no_args_is_help=True
)

RunId = Annotated[str, typer.Argument(help="The run's id; its first characters are enough.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it was carried out.")]

#: waiting runs of a list whose places in the line are asked for
PLACES_MAX = 10


@app.command("list")
def list_(
    state: Annotated[str | None, typer.Option(help="Only runs in this state.")] = None,
    tool: Annotated[str | None, typer.Option(help="Only runs of this tool.")] = None,
    kind: Annotated[str | None, typer.Option(help="interactive or task.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Everybody's, for administrators.")] = False,
    as_json: screen.AsJson = False,
) -> None:
    """Your runs, newest first."""
    with connect() as client:
        found = list(client.runs.list(state=state, tool=tool, kind=kind, all=all or None))
        waiting = [] if as_json else [run.id for run in found if run.state == "queued"][:PLACES_MAX]
        places = {run_id: _line(client.runs.show(run_id)) for run_id in waiting}
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["run", "tool", "state", "data", "site", "since", "message"],
        (
            [
                run.id,
                run.tool,
                _word(run),
                [d.name for d in run.datasets],
                run.site,
                run.updated_at,
                places.get(run.id) or _note(run),
            ]
            for run in found
        ),
        empty="There are no runs. Launch one: alongside launch IDENTIFIER",
    )


@app.command()
def show(run: RunId, as_json: screen.AsJson = False) -> None:
    """One run, its datasets and how it stands."""
    with connect() as client:
        found = client.runs.show(id_of(client, run))
    if as_json:
        screen.show_json(found)
        return
    screen.show_facts(
        [
            ("run", found.id),
            ("tool", f"{found.tool}@{found.version} ({found.kind})"),
            ("state", f"{_word(found)} ({found.state})"),
            ("line", _line(found)),
            ("reason", found.reason),
            ("message", found.message),
            ("site", found.site),
            ("executor", found.executor),
            ("class", found.resource_class),
            ("resources", _size(found)),
            ("ends", _ends(found)),
            (
                "pauses",
                f"{_clock(found.pauses_at)}: idle; alongside keep {found.id}" if found.pauses_at else None,
            ),
            ("attempt", found.attempt or None),
            ("address", found.url),
            ("created", found.created_at),
            ("ready", found.ready_at),
            ("ended", found.ended_at),
            ("exit code", found.exit_code),
            ("restarts", found.restarts or None),
            *(
                (f"data/{item.name}", f"{item.identifier} ({item.status or item.mode})")
                for item in found.datasets
            ),
        ]
    )


@app.command()
def stop(run: RunId, wait: Wait = True, as_json: screen.AsJson = False) -> None:
    """Stop a run: an interactive one keeps its home and link for the next start."""
    _act(run, "stop", wait, as_json, "Stopped. Start it again: alongside start {run}")


@app.command()
def start(run: RunId, wait: Wait = True, as_json: screen.AsJson = False) -> None:
    """Start a stopped run again: same link, same home, same datasets."""
    with connect() as client:
        id = id_of(client, run)
        client.runs.start(id)
        if wait:
            follow_progress(client, id)
        found = client.runs.show(id)
    if as_json:
        screen.show_json(found)


@app.command()
def cancel(run: RunId, wait: Wait = True, as_json: screen.AsJson = False) -> None:
    """End a run for good, but keep its record."""
    _act(run, "cancel", wait, as_json, "Canceled.")


@app.command()
def extend(
    run: RunId,
    much: Annotated[str, typer.Argument(help="By how much: 45m, 2h, 1d; a bare number is minutes.")],
    as_json: screen.AsJson = False,
) -> None:
    """Let a run live longer, up to the most that its tool, class and your account allow."""
    more_s = durations.seconds(much)
    with connect() as client:
        id = id_of(client, run)
        action = client.runs.settle(client.runs.extend(id, more_s))
        found = client.runs.show(id)
    _answer(action, as_json, f"{action.reason.capitalize() or 'Extended'}: it ends {_clock(found.ends_at)}.")


@app.command()
def keep(run: RunId, as_json: screen.AsJson = False) -> None:
    """Say that a run is in use although nothing happens in it: it is not paused for being idle."""
    with connect() as client:
        action = client.runs.settle(client.runs.keep(id_of(client, run)))
    _answer(action, as_json, "Kept: its idle time begins anew.")


@app.command()
def delete(
    run: RunId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Wait = True,
) -> None:
    """Delete a run for good; your home stays as it is."""
    with connect() as client:
        id = id_of(client, run)
        if not yes and not typer.confirm(f"Delete {id} for good?", err=True):
            raise typer.Exit(1)
        action = client.runs.delete(id)
        if wait and action:
            client.runs.settle(action)
    screen.say("Deleted.")


@app.command()
def attach(
    run: RunId,
    dataset: Annotated[str, typer.Argument(help="An identifier; NAME=IDENTIFIER names it in data/.")],
    copy: Annotated[bool, typer.Option("--copy", help="A writable copy instead of a mount.")] = False,
    wait: Wait = True,
    as_json: screen.AsJson = False,
) -> None:
    """Add a dataset to a run, also while it runs."""
    use = uses([dataset])[0]
    if copy:
        use = type(use)(use.id, name=use.name, mode="copy")
    with connect() as client:
        action = client.runs.attach(id_of(client, run), use)
        if wait:
            action = client.runs.settle(action)
    _answer(action, as_json, f"Attached. {action.reason}".rstrip())


@app.command()
def detach(
    run: RunId,
    name: Annotated[str, typer.Argument(help="The dataset's name in data/.")],
    wait: Wait = True,
    as_json: screen.AsJson = False,
) -> None:
    """Take a dataset away from a run."""
    with connect() as client:
        action = client.runs.detach(id_of(client, run), name)
        if wait:
            action = client.runs.settle(action)
    _answer(action, as_json, "Detached.")


@app.command("open")
def open_(
    run: RunId,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
    as_json: screen.AsJson = False,
) -> None:
    """Open a ready run in the browser, or print a link that signs a browser in there once."""
    with connect() as client:
        access = client.runs.access(id_of(client, run))
    if as_json:
        screen.show_json(access)
        return
    screen.out.print(access.ticket_url)
    if browser:
        webbrowser.open(access.ticket_url)


@app.command()
def explain(run: RunId, as_json: screen.AsJson = False) -> None:
    """Why a run waits: what each runner said, and its place in the queue."""
    with connect() as client:
        found = client.runs.explain(id_of(client, run))
        names = (
            {} if as_json else {item.id: item.name for site in client.admin.sites() for item in site.runners}
        )
    if as_json:
        screen.show_json(found)
        return
    if found.position:
        screen.say(f"It is {found.line}. {found.rule}".rstrip())
    screen.show_table(
        ["site", "runner", "reason"],
        (
            [item.get("site"), names.get(item.get("runner", ""), item.get("runner")), item.get("reason")]
            for item in found.refusals
        ),
        empty="Nothing refuses it.",
    )


@app.command()
def events(run: RunId, as_json: screen.AsJson = False) -> None:
    """The history of a run."""
    with connect() as client:
        found = list(client.runs.events(id_of(client, run)))
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["when", "attempt", "what", "state", "message"],
        ([item.at, item.attempt, item.kind, item.state, item.message] for item in found),
        empty="Nothing has happened yet.",
    )


@app.command()
def artifacts(
    run: RunId,
    into: Annotated[Path | None, typer.Option("--download", help="Save them below this folder.")] = None,
    as_json: screen.AsJson = False,
) -> None:
    """What a run produced; with --download, the files themselves."""
    with connect() as client:
        id = id_of(client, run)
        found = list(client.runs.artifacts(id))
        if into:
            for artifact in found:
                screen.say(f"{client.runs.download(id, artifact, into)}")
    if as_json:
        screen.show_json(found)
    elif not into:
        screen.show_table(
            ["path", "size", "type", "sha256"],
            ([item.path, screen.size(item.size_bytes), item.media_type, item.sha256] for item in found),
            empty="The run has produced nothing yet.",
        )


def logs(
    run: RunId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    attempt: Annotated[int | None, typer.Option(help="Of this attempt instead of the latest.")] = None,
) -> None:
    """What a run has written."""
    with connect() as client:
        id = id_of(client, run)
        if not follow:
            sys.stdout.write(client.runs.log(id, attempt=attempt))
            return
        for piece in client.runs.follow(id):
            sys.stdout.write(piece)
            sys.stdout.flush()


def _act(run: str, verb: str, wait: bool, as_json: bool, done: str) -> None:
    with connect() as client:
        id = id_of(client, run)
        action = getattr(client.runs, verb)(id)
        if wait:
            action = client.runs.settle(action)
    _answer(action, as_json, done.format(run=id) if wait else "Asked for.")


def _answer(action: Action, as_json: bool, text: str) -> None:
    if as_json:
        screen.show_json(action)
    else:
        screen.say(text)


def id_of(client: Client, given: str) -> str:
    """The full id, from its first or last characters if only one of your runs has them."""
    if len(given) >= 26:
        return given
    fits = [run.id for run in client.runs.list() if run.id.startswith(given) or run.id.endswith(given)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise CallFailed(f"{len(fits)} runs begin or end with {given!r}", hint="give more of the id")
    return given


def _word(run: Run) -> str:
    return word(run.state, ready=run.ready, kind=run.kind)


def _size(run: Run) -> str:
    size = run.resources
    gpus = f", {size.gpus} GPUs" if size.gpus else ""
    return f"{size.cpus:g} cores, {size.memory_gb:g} GB{gpus}"


def _ends(run: Run) -> str | None:
    """When it pauses by itself, known from the start."""
    if run.ends_at is not None:
        return _clock(run.ends_at)
    if run.lifetime_s is not None and run.kind == "interactive" and run.ended_at is None:
        return f"{screen.span(run.lifetime_s)} after it is ready"
    return None


def _clock(moment: datetime | None) -> str:
    """`at 18:00 (in 7 h)`, by this machine's clock."""
    if moment is None:
        return "never"
    local = moment.astimezone()
    day = "" if local.date() == datetime.now().astimezone().date() else f" on {local:%d %b}"
    return f"at {local:%H:%M}{day} ({screen.ago(moment)})"


def _line(run: ShownRun) -> str | None:
    return run.queue.words if run.queue else None


def _note(run: Run) -> Any:
    return run.reason or run.message
