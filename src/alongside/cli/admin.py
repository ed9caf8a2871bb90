"""`alongside admin`: people, tags, sites, runners, and the upkeep of an installation."""

from __future__ import annotations

from typing import Annotated

import typer

from alongside.cli import banners, classes, images, notices, screen, upkeep, usage
from alongside.cli.session import connect
from alongside.client import Client

app = typer.Typer(help="People, tags, sites, runners and upkeep.", no_args_is_help=True)
accounts = typer.Typer(help="Accounts.", no_args_is_help=True)
groups = typer.Typer(help="Groups of accounts.", no_args_is_help=True)
tags = typer.Typer(help="Access tags: who sees what carries them.", no_args_is_help=True)
sites = typer.Typer(help="Sites, their registration tokens and images.", no_args_is_help=True)
runners = typer.Typer(help="Runners.", no_args_is_help=True)
for name, part in {
    "accounts": accounts,
    "groups": groups,
    "tags": tags,
    "sites": sites,
    "runners": runners,
    "classes": classes.app,
    "account-classes": classes.accounts,
}.items():
    app.add_typer(part, name=name)
app.add_typer(usage.budgets, name="budgets")
app.add_typer(banners.app, name="banners")
app.add_typer(notices.mail, name="mail")
sites.command("images")(images.images)
sites.command("pull")(images.pull)
app.command("migrate")(upkeep.migrate)
app.command("backup")(upkeep.backup)
app.command("restore")(upkeep.restore)

AccountName = Annotated[str, typer.Argument(help="Name or id of an account.")]
GroupName = Annotated[str, typer.Argument(help="Name or id of a group.")]
TagName = Annotated[str, typer.Argument(help="Name or id of an access tag.")]
RunnerName = Annotated[str, typer.Argument(help="Name or id of a runner.")]


@accounts.command("list")
def accounts_list(as_json: screen.AsJson = False) -> None:
    """All accounts."""
    with connect() as client:
        found = list(client.admin.accounts())
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["name", "role", "display name", "email", "active", "created"],
        ([a.name, a.role, a.display_name, a.email, a.active, a.created_at] for a in found),
        empty="There are no accounts.",
    )


@accounts.command("add")
def accounts_add(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[str, typer.Option(help="admin, user or guest.")] = "user",
    display_name: Annotated[str | None, typer.Option(help="Name for people.")] = None,
    email: Annotated[str | None, typer.Option(help="Address.")] = None,
    link: Annotated[bool, typer.Option("--link/--no-link", help="Print a one-time sign-in link.")] = True,
    as_json: screen.AsJson = False,
) -> None:
    """Add an account, and print a link with which its owner signs in first."""
    with connect() as client:
        made = client.admin.add_account(name, role, display_name=display_name, email=email)
        address = client.admin.sign_in_link(made.id) if link else None
    if as_json:
        screen.show_json({"account": made, "link": address})
        return
    screen.say(f"Added {made.name} ({made.role}).")
    if address:
        screen.out.print(address.url)


@accounts.command("limits")
def accounts_limits(
    name: AccountName,
    running: Annotated[int | None, typer.Option(help="Runs at once.")] = None,
    cpus: Annotated[float | None, typer.Option(help="Cores at once.")] = None,
    memory: Annotated[float | None, typer.Option("--memory-gb", help="Memory at once, in GB.")] = None,
    as_json: screen.AsJson = False,
) -> None:
    """Set what an account may hold at a time; a limit that is left out is the installation's."""
    limits = {"running": running, "cpus": cpus, "memory_gb": memory}
    with connect() as client:
        changed = client.admin.change_account(name, {"limits": limits})
    if as_json:
        screen.show_json(changed)
        return
    told = ", ".join(f"{kind} {limit:g}" for kind, limit in limits.items() if limit is not None)
    screen.say(f"{changed.name}: {told or 'the limits of the installation'}.")


@accounts.command("class")
def accounts_class(
    name: AccountName,
    account_class: Annotated[str, typer.Argument(metavar="CLASS", help="Name of an account class.")],
) -> None:
    """Put an account into a class, whose limits it has from now on unless it has its own."""
    with connect() as client:
        changed = client.admin.change_account(name, {"account_class": account_class})
    screen.say(f"{changed.name} is in the class {changed.account_class}.")


@accounts.command("link")
def accounts_link(name: AccountName, as_json: screen.AsJson = False) -> None:
    """Print a one-time sign-in link for an account."""
    with connect() as client:
        link = client.admin.sign_in_link(name)
    if as_json:
        screen.show_json(link)
    else:
        screen.out.print(link.url)


@accounts.command("waiting")
def accounts_waiting(as_json: screen.AsJson = False) -> None:
    """Those who ask for an account."""
    with connect() as client:
        found = list(client.admin.waiting())
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["name", "display name", "email", "confirmed", "asked"],
        ([a.name, a.display_name, a.email, a.email_verified, a.created_at] for a in found),
        empty="Nobody waits.",
    )


@accounts.command("approve")
def accounts_approve(name: AccountName) -> None:
    """Admit somebody who asks for an account."""
    with connect() as client:
        client.admin.approve(name)
    screen.say(f"Approved {name}.")


@accounts.command("refuse")
def accounts_refuse(name: AccountName) -> None:
    """Say no to somebody who asks for an account."""
    with connect() as client:
        client.admin.refuse(name)
    screen.say(f"Refused {name}.")


@accounts.command("invite")
def accounts_invite(
    email: Annotated[str | None, typer.Option(help="Only this address; it is mailed there.")] = None,
    uses: Annotated[int, typer.Option(help="How many people may use it.")] = 1,
    days: Annotated[int | None, typer.Option(help="Days until it ends.")] = None,
    group: Annotated[str | None, typer.Option(help="Group that they join.")] = None,
) -> None:
    """Print a link that lets somebody register."""
    with connect() as client:
        screen.out.print(client.admin.invite(email=email, uses=uses, days=days, group=group))


@accounts.command("audit")
def accounts_audit(
    limit: Annotated[int, typer.Option(help="How many entries.", min=1, max=500)] = 50,
    as_json: screen.AsJson = False,
) -> None:
    """What was done to accounts, newest first."""
    with connect() as client:
        found = client.admin.audit(limit)
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["at", "who", "did", "to", "detail"],
        ([entry.at, entry.actor, entry.action, entry.thing, entry.detail] for entry in found),
        empty="Nothing was done yet.",
    )


@accounts.command("disable")
def accounts_disable(name: AccountName) -> None:
    """Let an account sign in no more; what it owns stays."""
    with connect() as client:
        client.admin.change_account(name, {"active": False})
    screen.say(f"Disabled {name}.")


@accounts.command("enable")
def accounts_enable(name: AccountName) -> None:
    """Let a disabled account sign in again."""
    with connect() as client:
        client.admin.change_account(name, {"active": True})
    screen.say(f"Enabled {name}.")


@groups.command("list")
def groups_list(as_json: screen.AsJson = False) -> None:
    """All groups and their members."""
    with connect() as client:
        found = list(client.admin.groups())
        names = {} if as_json else {account.id: account.name for account in client.admin.accounts()}
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["name", "members", "managers"],
        (
            [group.name, *([names.get(id, id) for id in ids] for ids in (group.members, group.managers))]
            for group in found
        ),
        empty="There are no groups. Add one: alongside admin groups add NAME",
    )


@groups.command("add")
def groups_add(name: Annotated[str, typer.Argument(help="Its name.")]) -> None:
    """Add a group."""
    with connect() as client:
        client.admin.add_group(name)
    screen.say(f"Added {name}.")


@groups.command("delete")
def groups_delete(name: GroupName) -> None:
    """Delete a group; its members stay."""
    with connect() as client:
        client.admin.delete_group(name)
    screen.say(f"Deleted {name}.")


@groups.command("join")
def groups_join(
    name: GroupName,
    account: AccountName,
    manager: Annotated[
        bool | None, typer.Option("--manager/--no-manager", help="Who sees and steers what the group does.")
    ] = None,
) -> None:
    """Put an account into a group, or make a member its manager."""
    with connect() as client:
        client.admin.add_member(name, account, manager=manager)
    screen.say(f"{account} manages {name}." if manager else f"{account} is in {name}.")


@groups.command("leave")
def groups_leave(name: GroupName, account: AccountName) -> None:
    """Take an account out of a group."""
    with connect() as client:
        client.admin.remove_member(name, account)
    screen.say(f"{account} is not in {name}.")


@tags.command("list")
def tags_list(as_json: screen.AsJson = False) -> None:
    """All access tags."""
    with connect() as client:
        found = list(client.admin.tags())
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["name", "description", "accounts", "groups", "things"],
        ([tag.name, tag.description, len(tag.accounts), len(tag.groups), len(tag.things)] for tag in found),
        empty="There are no access tags: everybody sees everything.",
    )


@tags.command("add")
def tags_add(
    name: Annotated[str, typer.Argument(help="Its name.")],
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Add an access tag."""
    with connect() as client:
        client.admin.add_tag(name, description)
    screen.say(f"Added {name}.")


@tags.command("delete")
def tags_delete(name: TagName) -> None:
    """Delete an access tag that is on nothing any more."""
    with connect() as client:
        client.admin.delete_tag(name)
    screen.say(f"Deleted {name}.")


Account = Annotated[str | None, typer.Option(help="To this account.")]
Group = Annotated[str | None, typer.Option(help="To this group.")]


@tags.command("grant")
def tags_grant(name: TagName, account: Account = None, group: Group = None) -> None:
    """Let an account or a group see what carries the tag."""
    _one_of(account, group)
    with connect() as client:
        client.admin.grant_tag(name, account=account, group=group)
    screen.say(f"Granted {name} to {account or group}.")


@tags.command("withdraw")
def tags_withdraw(name: TagName, account: Account = None, group: Group = None) -> None:
    """Take a tag away from an account or a group."""
    _one_of(account, group)
    with connect() as client:
        client.admin.withdraw_tag(name, account=account, group=group)
    screen.say(f"Withdrew {name} from {account or group}.")


Kind = Annotated[str, typer.Argument(help="dataset, tool or site.")]
Thing = Annotated[str, typer.Argument(help="A dataset's id or identifier; a tool's or site's name.")]


@tags.command("put")
def tags_put(name: TagName, kind: Kind, thing: Thing) -> None:
    """Put a tag on a thing: from now on only those granted one of its tags see it."""
    with connect() as client:
        client.admin.put_tag(name, kind, _thing(client, kind, thing))
    screen.say(f"{kind} {thing} carries {name}.")


@tags.command("take")
def tags_take(name: TagName, kind: Kind, thing: Thing) -> None:
    """Take a tag off a thing."""
    with connect() as client:
        client.admin.take_tag(name, kind, _thing(client, kind, thing))
    screen.say(f"{kind} {thing} no longer carries {name}.")


def _thing(client: Client, kind: str, given: str) -> str:
    return client.datasets.show(given).id if kind == "dataset" else given


@sites.command("list")
def sites_list(as_json: screen.AsJson = False) -> None:
    """All sites and what runs there."""
    with connect() as client:
        found = list(client.admin.sites())
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["name", "title", "runners", "runs", "address of a run"],
        (
            [
                site.name,
                site.title,
                [f"{runner.name} ({runner.state})" for runner in site.runners],
                sum(len(runner.runs) for runner in site.runners),
                site.edge_url,
            ]
            for site in found
        ),
        empty="There are no sites. Add one: alongside admin sites add NAME",
    )


@sites.command("add")
def sites_add(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and hyphens.")],
    title: Annotated[str | None, typer.Option(help="Name for people.")] = None,
    description: Annotated[str | None, typer.Option(help="What is there.")] = None,
    edge_url: Annotated[
        str | None, typer.Option(help="Origin of a run there: https://{run}.tools.example.org")
    ] = None,
    as_json: screen.AsJson = False,
) -> None:
    """Add a site."""
    with connect() as client:
        made = client.admin.add_site(name, title=title, description=description, edge_url=edge_url)
    if as_json:
        screen.show_json(made)
    else:
        screen.say(f"Added {name}. Its runners join with: alongside admin sites token {name}")


@sites.command("token")
def sites_token(
    name: Annotated[str, typer.Argument(help="The site.")],
    days: Annotated[int | None, typer.Option(help="Days until it ends.")] = None,
    as_json: screen.AsJson = False,
) -> None:
    """Print a token with which runners join a site; it is shown once."""
    with connect() as client:
        made = client.admin.registration_token(name, days=days)
    if as_json:
        screen.show_json(made)
        return
    screen.out.print(made.secret)
    screen.say("On the runner's machine: ALONGSIDE_RUNNER_REGISTRATION_TOKEN=… alongside serve runner")


@runners.command("list")
def runners_list(as_json: screen.AsJson = False) -> None:
    """All runners: what they can do and what they hold."""
    with connect() as client:
        found = list(client.admin.runners())
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["name", "site", "state", "executors", "cpus", "memory", "runs", "seen"],
        (
            [
                runner.name,
                runner.site,
                runner.state,
                [e.kind if e.available else f"{e.kind} (no: {e.reason})" for e in runner.executors],
                f"{runner.used.cpus:g} of {runner.capacity.cpus:g}",
                f"{runner.used.memory_gb:g} of {runner.capacity.memory_gb:g} GB",
                len(runner.runs),
                runner.last_seen_at,
            ]
            for runner in found
        ),
        empty="No runner has joined. On its machine: alongside serve runner",
    )


@runners.command("drain")
def runners_drain(
    name: RunnerName,
    off: Annotated[bool, typer.Option("--off", help="Give it work again.")] = False,
) -> None:
    """Give a runner no new work; what it holds goes on."""
    with connect() as client:
        client.admin.drain(name, not off)
    screen.say(f"{name} {'takes work again' if off else 'is draining'}.")


@runners.command("label")
def runners_label(
    name: RunnerName,
    label: Annotated[list[str] | None, typer.Argument(help="Labels; none takes all added ones away.")] = None,
) -> None:
    """Set the labels that a runner carries beside its own; tools, launches and classes may require them."""
    with connect() as client:
        changed = client.admin.label(name, label or [])
    screen.say(f"{name}: {', '.join(changed.labels) or 'no labels'}.")


@runners.command("delete")
def runners_delete(name: RunnerName) -> None:
    """Forget a runner that is gone."""
    with connect() as client:
        client.admin.delete_runner(name)
    screen.say(f"Deleted {name}.")


def _one_of(account: str | None, group: str | None) -> None:
    if bool(account) == bool(group):
        raise typer.BadParameter("name either --account or --group")
