"""`alongside usage`, `alongside class`, `alongside status`, and the upkeep of budgets and banners."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import typer

from alongside.cli import screen
from alongside.cli.session import connect
from alongside.client import Client
from alongside.client.errors import CallFailed, TimedOut
from alongside.spec.classroom import ClassPage

budgets = typer.Typer(help="Budgets: how much may be used.", no_args_is_help=True)
banners = typer.Typer(help="What everybody is shown: maintenance.", no_args_is_help=True)
mail = typer.Typer(help="Letters.", no_args_is_help=True)

#: a letter that no server took by then is waited for no longer
LETTER_WITHIN_S = 60.0


def usage(
    by: Annotated[str, typer.Option(help="account, group, tool, dataset, site or day.")] = "tool",
    since: Annotated[str | None, typer.Option(help="First day (UTC), as 2026-11-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day (UTC).")] = None,
    account: Annotated[str | None, typer.Option(help="Id of an account.")] = None,
    group: Annotated[str | None, typer.Option(help="Id or name of a group that you manage.")] = None,
    site: Annotated[str | None, typer.Option(help="Only at this site.")] = None,
    tool: Annotated[str | None, typer.Option(help="Only of this tool.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    as_json: screen.AsJson = False,
) -> None:
    """What was used: by you, or by those whom you look after."""
    with connect() as client:
        if group is not None:
            group = _group(client, group)
        wish = {
            "since": since,
            "until": until,
            "account": account,
            "group": group,
            "site": site,
            "tool": tool,
        }
        if csv:
            sys.stdout.write(client.usage.csv(by, **wish))
            return
        found = client.usage.table(by, **wish)
    if as_json:
        screen.show_json(found)
        return
    screen.say(f"{found.since} to {found.until}, in UTC")
    screen.show_table(
        [by, "starts", "hours", "CPU hours", "GPU hours", "GB hours", "staged", "stored"],
        (
            [
                row.name,
                row.starts,
                f"{row.hours:.2f}",
                f"{row.cpu_hours:.2f}",
                f"{row.gpu_hours:.2f}",
                f"{row.memory_gb_hours:.2f}",
                screen.size(row.staged_bytes),
                screen.size(row.stored_bytes),
            ]
            for row in found.rows
        ),
        empty="Nothing was used.",
    )


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


@budgets.command("list")
def budgets_list(as_json: screen.AsJson = False) -> None:
    """Budgets, and how much of each is used."""
    with connect() as client:
        found = client.usage.budgets()
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["id", "whose", "used", "of", "what", "each", "stops", "runs out"],
        (
            [
                item.budget.id,
                item.budget.subject_name or item.budget.scope,
                f"{item.used:.2f}",
                f"{item.budget.amount:g}",
                item.budget.measure.replace("_", " "),
                item.budget.period,
                item.budget.stop,
                item.runs_out_at,
            ]
            for item in found
        ),
        empty="There are no budgets.",
    )


@budgets.command("add")
def budgets_add(
    amount: Annotated[float, typer.Argument(help="How many hours.")],
    measure: Annotated[str, typer.Option(help="cpu_hours, gpu_hours or memory_gb_hours.")] = "cpu_hours",
    account: Annotated[str | None, typer.Option(help="Name or id of the account that it is for.")] = None,
    group: Annotated[str | None, typer.Option(help="Name or id of the group whose members share it.")] = None,
    period: Annotated[str, typer.Option(help="month, or total.")] = "month",
    warn_at: Annotated[float, typer.Option(help="Share at which to warn.")] = 0.8,
    stop: Annotated[bool, typer.Option("--stop/--no-stop", help="Stop launches and runs at its end.")] = True,
) -> None:
    """Add a budget: of an account, of a group, or without either of everyone."""
    if account and group:
        raise CallFailed("name an account or a group, not both")
    with connect() as client:
        scope, subject = "everyone", ""
        if account:
            scope, subject = "account", client.admin.account(account).id
        elif group:
            scope, subject = "group", client.admin.group(group).id
        made = client.usage.add_budget(
            scope, measure, amount, subject=subject, period=period, warn_at=warn_at, stop=stop
        )
    screen.say(f"Added {made.id}.")


@budgets.command("edit")
def budgets_edit(
    id: Annotated[str, typer.Argument(help="Id of a budget.")],
    amount: Annotated[float | None, typer.Option(help="How many hours.")] = None,
    warn_at: Annotated[float | None, typer.Option(help="Share at which to warn.")] = None,
    stop: Annotated[bool | None, typer.Option("--stop/--no-stop", help="Whether it stops anything.")] = None,
) -> None:
    """Change a budget."""
    with connect() as client:
        changed = client.usage.edit_budget(id, amount=amount, warn_at=warn_at, stop=stop)
    screen.say(f"{changed.amount:g} {changed.measure.replace('_', ' ')} each {changed.period}.")


@budgets.command("remove")
def budgets_remove(id: Annotated[str, typer.Argument(help="Id of a budget.")]) -> None:
    """Remove a budget."""
    with connect() as client:
        client.usage.remove_budget(id)
    screen.say("Removed.")


@banners.command("list")
def banners_list(as_json: screen.AsJson = False) -> None:
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


@banners.command("add")
def banners_add(
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


@banners.command("remove")
def banners_remove(id: Annotated[str, typer.Argument(help="Id of a banner.")]) -> None:
    """Take a banner down."""
    with connect() as client:
        client.banners.remove(id)
    screen.say("Removed.")


@mail.command("test")
def mail_test(to: Annotated[str, typer.Argument(help="Where to.")]) -> None:
    """Send a letter, and say whether the mail server took it."""
    until = time.monotonic() + LETTER_WITHIN_S
    with connect() as client:
        sent = client.notices.test_mail(to)
        while sent["state"] == "queued" and not sent["attempts"]:
            if time.monotonic() > until:
                raise TimedOut("nobody sent it within a minute", hint="does the dispatcher run?")
            time.sleep(0.3)
            sent = client.notices.delivery(sent["id"])
    if sent["state"] != "complete":
        raise CallFailed(f"it was not sent: {sent['reason']}", hint="see the settings mail.*")
    screen.say(f"The mail server took a letter to {to}.")


def _group(client: Client, name: str) -> str:
    return next((group.id for group in client.classes.list() if name in (group.id, group.name)), name)
