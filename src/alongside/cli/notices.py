"""`alongside notices`: the inbox, and by which ways one hears of what; `alongside admin mail`."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated

import typer

from alongside.cli import screen
from alongside.cli.session import connect
from alongside.client.errors import CallFailed, TimedOut
from alongside.spec.notices import KINDS, Notice

app = typer.Typer(help="What you were told, and by which ways.", no_args_is_help=True)
webhooks = typer.Typer(help="Addresses that are told of your notices.", no_args_is_help=True)
app.add_typer(webhooks, name="webhooks")
mail = typer.Typer(help="Letters.", no_args_is_help=True)

#: a letter that no server took by then is waited for no longer
LETTER_WITHIN_S = 60.0

WebhookId = Annotated[str, typer.Argument(help="Id of a webhook.")]


@app.command("list")
def list_(
    unread: Annotated[bool, typer.Option("--unread", help="Only those you have not read.")] = False,
    most: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 20,
    as_json: screen.AsJson = False,
) -> None:
    """Your inbox, newest first."""
    with connect() as client:
        found = [notice for notice, _ in zip(client.notices.list(unread=unread), range(most), strict=False)]
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["", "when", "kind", "what"],
        (["" if n.read_at else "•", n.created_at, n.kind.replace("_", " "), _words(n)] for n in found),
        empty="There are no notices.",
    )


@app.command()
def read() -> None:
    """Mark all notices as read."""
    with connect() as client:
        client.notices.mark_read()
    screen.say("All notices are read.")


@app.command()
def settings(as_json: screen.AsJson = False) -> None:
    """By which ways you hear of what, beside the inbox."""
    with connect() as client:
        found = client.notices.settings()
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["kind", "mail", "webhook"], ([s.kind, s.mail, s.webhook] for s in found.settings), empty=""
    )
    if not found.mail:
        screen.say("This installation sends no mail (mail.host is not set).")
    elif not found.address:
        screen.say("Your account has no e-mail address that was confirmed.")


@app.command("set")
def set_(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    mail: Annotated[bool | None, typer.Option("--mail/--no-mail", help="By mail.")] = None,
    webhook: Annotated[bool | None, typer.Option("--webhook/--no-webhook", help="By your webhooks.")] = None,
) -> None:
    """Choose the ways for one kind of notice; what is left out stays as it is."""
    with connect() as client:
        present = next((item for item in client.notices.settings().settings if item.kind == kind), None)
        if present is None:
            raise CallFailed(f"there are no notices of the kind {kind!r}", hint=f"kinds: {', '.join(KINDS)}")
        wanted = replace(
            present,
            mail=present.mail if mail is None else mail,
            webhook=present.webhook if webhook is None else webhook,
        )
        client.notices.set(wanted)
    ways = [name for name, on in (("mail", wanted.mail), ("webhook", wanted.webhook)) if on]
    screen.say(f"{kind}: {' and '.join(['inbox', *ways])}.")


@webhooks.command("list")
def webhooks_list(as_json: screen.AsJson = False) -> None:
    """Your webhooks, and what the last call of each came to."""
    with connect() as client:
        found = client.notices.webhooks()
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["id", "address", "active", "last fault"],
        ([hook.id, hook.url, hook.active, hook.fault] for hook in found),
        empty="You have no webhook.",
    )


@webhooks.command("add")
def webhooks_add(url: Annotated[str, typer.Argument(help="http(s) address.")]) -> None:
    """Add a webhook; its secret, which signs each call, is printed this once."""
    with connect() as client:
        made = client.notices.add_webhook(url)
    screen.say(f"Added {made.webhook.id}. Its secret:")
    screen.out.print(made.secret)


@webhooks.command("test")
def webhooks_test(id: WebhookId) -> None:
    """Have a notice sent by this webhook."""
    with connect() as client:
        client.notices.try_webhook(id)
    screen.say("It is on its way; `alongside notices webhooks list` says what came of it.")


@webhooks.command("remove")
def webhooks_remove(id: WebhookId) -> None:
    """Remove a webhook."""
    with connect() as client:
        client.notices.remove_webhook(id)
    screen.say("Removed.")


def _words(notice: Notice) -> str:
    more = f" (and {notice.count - 1} more)" if notice.count > 1 else ""
    return f"{notice.title}{more}"


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
