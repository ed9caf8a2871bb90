"""`alongside serve`: one process each, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Annotated, Any

import typer

from alongside import logs
from alongside.cli.session import current
from alongside.config import Config

LIFELINE = "ALONGSIDE_LIFELINE"
"""Environment variable with the number of a pipe whose other end `alongside up` holds."""

app = typer.Typer(help="One process of an installation: hub, dispatcher, runner, edge.", no_args_is_help=True)

Registration = Annotated[
    str | None,
    typer.Option(
        "--registration-token",
        help="The site's token, needed once. Better in ALONGSIDE_RUNNER_REGISTRATION_TOKEN: flags can be "
        "seen by others on this machine.",
        show_default=False,
    ),
]


@app.command()
def hub() -> None:
    """The doors that answer: REST API and web app."""
    from alongside.hub import serve as process

    _run(process.main, "hub")


@app.command()
def dispatcher() -> None:
    """The doors that wait, and the clock: runners, event streams, placement, leases."""
    from alongside.hub import dispatcher as process

    _run(process.main, "dispatcher")


@app.command()
def runner(registration_token: Registration = None) -> None:
    """A site's worker: stages data and drives executors. Only dials out."""
    from alongside.runner import worker as process

    _run(process.main, "runner", **{"runner.registration_token": registration_token})


@app.command()
def edge() -> None:
    """A site's front: the proxy to interactive runs, tickets and files."""
    from alongside.edge import server as process

    _run(process.main, "edge")


def _run(main: Callable[[Config], Any], name: str, **flags: Any) -> None:
    config = current().config(**flags)
    # Unconfigured, structlog writes the values of local variables below each mistake: tokens are among them.
    logs.configure(config.log, name)
    _end_with_parent()
    main(config)


def _end_with_parent() -> None:
    """Under `alongside up`: end politely when it is gone, also when it was killed."""
    number = os.environ.pop(LIFELINE, None)
    if number is None:
        return
    descriptor = int(number)
    os.set_inheritable(descriptor, False)

    def wait() -> None:
        os.read(descriptor, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
