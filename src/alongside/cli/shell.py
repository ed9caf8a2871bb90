"""`alongside shell`, `exec`, `forward`, `ports` and ssh: programs in a run, from here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from alongside.cli import screen
from alongside.cli.runs import RunId, id_of
from alongside.cli.session import connect, current
from alongside.client import Client
from alongside.spec.runs import Run
from alongside.spec.shells import Wish

SUFFIX = ".alongside"
#: the tunnel is signed in on both sides, so keys of hosts that come and go would only be in the way
SSH_OPTIONS = """\
    User alongside
    ProxyCommand {command} ssh-proxy %h
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    GlobalKnownHostsFile /dev/null
    PreferredAuthentications none
    LogLevel ERROR
    ServerAliveInterval 30
"""


def shell(run: RunId) -> None:
    """A shell in a run, in its home, as its user."""
    raise typer.Exit(_carry_out(run, (), terminal=True))


def exec_(
    run: RunId,
    command: Annotated[list[str], typer.Argument(help="The program and its arguments, after --.")],
    tty: Annotated[bool, typer.Option("--tty", "-t", help="Give it a terminal.")] = False,
) -> None:
    """Run a program in a run: its input, output, errors and exit code are ours."""
    raise typer.Exit(_carry_out(run, tuple(command), terminal=tty))


def forward(
    run: RunId,
    port: Annotated[str, typer.Argument(metavar="[LOCAL:]PORT", help="A port of the run, as from inside.")],
) -> None:
    """Reach a port of a run at this machine, until Ctrl-C."""
    from alongside.cli import terminals

    local, _, remote = port.rpartition(":")
    try:
        there, here = int(remote), int(local or remote)
    except ValueError:
        there = here = 0
    if not (0 < there < 65536 and 0 <= here < 65536):
        raise typer.BadParameter("write it as 8888 or 9000:8888")
    with connect() as client:
        id = id_of(client, run)
        client.runs.shell(id)
        listening = socket.create_server(("127.0.0.1", here), backlog=64)
        screen.say(f"http://127.0.0.1:{listening.getsockname()[1]} is port {there} of {id}. Ctrl-C ends it.")
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(terminals.forward(listening, lambda: client.runs.shell(id), there))


def ports(run: RunId, as_json: screen.AsJson = False) -> None:
    """The ports on which programs in a run listen."""
    with connect() as client:
        found = client.runs.ports(id_of(client, run))
    if as_json:
        screen.show_json(found)
        return
    screen.show_table(
        ["port", "address", "program"],
        ([item.port, item.address, item.program] for item in found.items),
        empty="Nothing listens on a port.",
    )


def ssh_config(
    install: Annotated[
        bool, typer.Option("--install", help="Write it where ssh and VS Code find it.")
    ] = False,
) -> None:
    """What ssh, scp, sftp and VS Code need to reach your runs as RUN.alongside."""
    with connect() as client:
        text = _ssh_config(client)
    if not install:
        sys.stdout.write(text)
        return
    folder = Path.home() / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    ours, theirs = folder / "alongside.conf", folder / "config"
    ours.write_text(text)
    ours.chmod(0o600)
    line = "Include alongside.conf"
    before = theirs.read_text() if theirs.exists() else ""
    if line not in before.splitlines():
        # before any Host line, or it would belong to that host alone
        theirs.write_text(f"{line}\n\n{before}")
        theirs.chmod(0o600)
    screen.say(f"Written to {ours}. Try: ssh RUN{SUFFIX}")


def ssh_proxy(host: Annotated[str, typer.Argument(help="RUN.alongside, as ssh passes it.")]) -> None:
    """Carry an ssh connection into a run; ssh calls this by itself."""
    from alongside.cli import terminals

    with connect() as client:
        access = client.runs.shell(id_of(client, host.removesuffix(SUFFIX)))
    raise typer.Exit(terminals.run(access, Wish(mode="ssh")))


def _carry_out(run: str, command: tuple[str, ...], *, terminal: bool) -> int:
    from alongside.cli import terminals

    cols, rows = terminals.size() if terminal else (0, 0)
    wish = Wish(argv=command, cols=cols, rows=rows, term=os.environ.get("TERM") or "xterm-256color")
    with connect() as client:
        access = client.runs.shell(id_of(client, run))
    return terminals.run(access, wish)


def _ssh_config(client: Client) -> str:
    """One entry for whatever has a shell now, by name, for programs that list hosts; one for the rest."""
    session = current()
    command = [shutil.which("alongside") or f"{sys.executable} -m alongside.cli"]
    command = [shlex.quote(part) for part in command] if len(command[0].split()) == 1 else command
    command += ["--url", shlex.quote(client.url)]
    if session.data_dir:
        command += ["--data-dir", shlex.quote(str(session.data_dir.absolute()))]
    options = SSH_OPTIONS.format(command=" ".join(command).replace("%", "%%"))
    parts = [f"# Made by `alongside ssh-config` for {client.url}\n"]
    for run in _running(client):
        parts.append(f"# {run.tool}\nHost {run.id}{SUFFIX}\n{options}")
    parts.append(f"Host *{SUFFIX}\n{options}")
    return "\n".join(parts)


def _running(client: Client) -> list[Run]:
    return [run for run in client.runs.list() if run.state == "running"]
