"""The command line: it asks the hub through `alongside.client`, and starts the processes of a machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from alongside import __version__
from alongside.cli import (
    admin,
    banners,
    classroom,
    datasets,
    doctor,
    files,
    homes,
    launch,
    notices,
    runs,
    screen,
    serve,
    settings,
    shares,
    shell,
    sign_in,
    tools,
    up,
    usage,
)
from alongside.cli.session import Session, begin

EPILOG = "Exit codes: " + ", ".join(f"{code} {meaning}" for code, meaning in screen.EXIT_CODES.items()) + "."

app = typer.Typer(
    name="alongside",
    help="Runs notebooks, container tasks and workflows beside the data they need.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(wanted: bool) -> None:
    if wanted:
        screen.out.print(__version__)
        raise typer.Exit


@app.callback()
def before(
    url: Annotated[
        str | None, typer.Option(envvar="ALONGSIDE_URL", help="The hub to ask.", show_default=False)
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="ALONGSIDE_TOKEN", help="API token, instead of the one login kept.", show_default=False
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="ALONGSIDE_DATA_DIR",
            help="Data folder of this machine's installation.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="Configuration file; default alongside.toml in the data folder.", show_default=False
        ),
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.NAME=VALUE", help="A setting, before environment and file."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    begin(Session(url, token, data_dir, config, tuple(set or ())))


app.command("up")(up.up)
app.command("login")(sign_in.login)
app.command("logout")(sign_in.logout)
app.command("me")(sign_in.me)
app.add_typer(datasets.app, name="datasets")
app.add_typer(files.app, name="files")
app.add_typer(homes.app, name="homes")
app.add_typer(tools.app, name="tools")
app.command("launch")(launch.launch)
app.add_typer(runs.app, name="runs")
app.command("shell")(shell.shell)
app.command("exec")(shell.exec_)
app.command("ports")(shell.ports)
app.command("forward")(shell.forward)
app.command("ssh-config")(shell.ssh_config)
app.command("ssh-proxy")(shell.ssh_proxy)
app.command("logs")(runs.logs)
app.command("stop")(runs.stop)
app.command("start")(runs.start)
app.command("keep")(runs.keep)
app.command("extend")(runs.extend)
app.command("share")(shares.share)
app.command("shares")(shares.shares)
app.command("unshare")(shares.unshare)
app.command("redeem")(shares.redeem)
app.command("shared")(shares.shared)
app.add_typer(launch.task_app, name="task")
app.add_typer(notices.app, name="notices")
app.command("usage")(usage.usage)
app.command("class")(classroom.class_)
app.command("status")(banners.status)
app.add_typer(admin.app, name="admin")
app.add_typer(serve.app, name="serve")
app.command("doctor")(doctor.doctor)
app.command("settings")(settings.show)


def main() -> None:
    """The `alongside` command."""
    code = 0

    def run() -> None:
        nonlocal code
        code = app(standalone_mode=False) or 0

    try:
        failed = screen.guarded(run)
    except Exception as error:
        failed = _from_click(error)
    sys.stdout.flush()
    sys.exit(failed or code)


def _from_click(error: Exception) -> int:
    """Usage errors as typer prints them; anything else is a bug and keeps its traceback."""
    show = getattr(error, "show", None)
    if show is not None:
        show()
        return int(getattr(error, "exit_code", 2))
    if type(error).__name__ == "Abort":
        screen.err.print("Aborted.")
        return 1
    raise error
