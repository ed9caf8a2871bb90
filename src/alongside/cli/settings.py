"""`alongside settings`: every setting, its value here and where it came from."""

from __future__ import annotations

from operator import attrgetter
from typing import Annotated, Any

import typer

from alongside.cli import screen
from alongside.cli.session import current
from alongside.config import environment_name, settings


def show(
    changed: Annotated[
        bool, typer.Option("--changed", help="Only those that differ from the default.")
    ] = False,
    as_json: screen.AsJson = False,
) -> None:
    """Every setting of this machine's installation: value, default and environment variable."""
    config = current().config()
    rows = [
        (name, _plain(attrgetter(name)(config)), _plain(default), about)
        for name, default, about in settings()
    ]
    if changed:
        rows = [row for row in rows if row[1] != row[2]]
    if as_json:
        screen.show_json(
            [
                {
                    "name": name,
                    "value": "***" if _is_secret(name) and value else value,
                    "default": default,
                    "environment": environment_name(name),
                    "about": about,
                }
                for name, value, default, about in rows
            ]
        )
        return
    screen.show_table(
        ["setting", "value", "default", "about"],
        (
            [name, "***" if _is_secret(name) and value else str(value), str(default), about]
            for name, value, default, about in rows
        ),
        empty="Every setting has its default.",
    )


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return ",".join(value)
    return value if isinstance(value, (int, float, bool)) else str(value)


def _is_secret(name: str) -> bool:
    return "token" in name.rsplit(".", 1)[-1].split("_")
