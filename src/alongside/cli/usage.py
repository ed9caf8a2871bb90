"""`alongside usage`, and budgets over it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from alongside.cli import screen
from alongside.cli.session import connect
from alongside.client import Client
from alongside.client.errors import CallFailed

budgets = typer.Typer(help="Budgets: how much may be used.", no_args_is_help=True)


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


def _group(client: Client, name: str) -> str:
    return next((group.id for group in client.classes.list() if name in (group.id, group.name)), name)
