"""`login`, `logout` and `me`."""

from __future__ import annotations

import platform
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import typer

from alongside.cli import screen
from alongside.cli.session import DEFAULT_URL, Kept, connect, current
from alongside.client import Client
from alongside.client.errors import CallFailed


def login(
    url: Annotated[
        str | None, typer.Argument(help="The hub's address, or a one-time sign-in link.", show_default=False)
    ] = None,
    name: Annotated[str | None, typer.Option(help="Account name; asked for if left out.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from stdin.")
    ] = False,
    days: Annotated[int | None, typer.Option(help="Days until the token that is kept ends.")] = None,
    scopes: Annotated[str, typer.Option(help="What the token may: read, run, publish, admin.")] = "",
) -> None:
    """Sign in at a hub and keep a token for the following commands."""
    parts = urlsplit(url or current().url or Kept.read().default or DEFAULT_URL)
    address = f"{parts.scheme}://{parts.netloc}"
    link = parse_qs(parts.fragment).get("token")
    with Client(address) as client:
        if link:
            me = client.sign_in_by_link(link[0])
        else:
            account: str = name or typer.prompt("Account")
            me = client.sign_in(account, _password(password_stdin))
        wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()] or list(me.scopes)
        fresh = client.new_token(f"command line on {platform.node()}", wanted, days)
        client.sign_out()
    Kept.read().keep(address, fresh.secret, fresh.token.id)
    screen.say(f"Signed in at {address} as {me.account.name} ({', '.join(fresh.token.scopes)}).")


def logout(
    url: Annotated[str | None, typer.Argument(help="The hub's address.", show_default=False)] = None,
) -> None:
    """Revoke the kept token and forget it."""
    kept = Kept.read()
    address = (url or current().url or kept.default or DEFAULT_URL).rstrip("/")
    token, id = kept.token(address), kept.token_id(address)
    if not token:
        screen.say(f"You are not signed in at {address}.")
        return
    kept.forget(address)
    try:
        with Client(address, token) as client:
            if id:
                client.revoke_token(id)
    except CallFailed as error:
        screen.say(f"Forgotten here, but not revoked at the hub: {error.detail}")
        return
    screen.say(f"Signed out at {address}.")


def me(as_json: screen.AsJson = False) -> None:
    """Who you are here, what you may and how much of your quota is in use."""
    with connect() as client:
        answer = client.me()
    if as_json:
        screen.show_json(answer)
        return
    quota = {
        name: f"{used.used:g} of {'unlimited' if used.limit is None else f'{used.limit:g}'}"
        for name, used in answer.quota.items()
    }
    screen.show_facts(
        [
            ("account", answer.account.name),
            ("role", answer.account.role),
            ("scopes", answer.scopes),
            ("tags", answer.tags),
            *((f"{name.replace('_', ' ')} in use", text) for name, text in quota.items()),
        ]
    )


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return typer.get_text_stream("stdin").readline().rstrip("\n")
    return typer.prompt("Password", hide_input=True)
