"""Writes the reference pages that follow from the code; `--check` only says which are out of date.

settings.md, command-line.md, errors.md, permissions.md, endpoints.md and openapi.json below docs/reference.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from alongside import config, errors, logs
from alongside.cli import app, screen
from alongside.client.errors import HINTS
from alongside.hub.app import create_app
from alongside.hub.doors import status_of
from alongside.hub.store import migrate
from alongside.hub.store.database import Database

REFERENCE = Path(__file__).resolve().parent / "reference"
NOTE = "<!-- Written by docs/generate.py; `make docs` renews it. -->\n\n"


def main() -> None:
    stale = []
    for name, text in pages().items():
        path = REFERENCE / name
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv[1:]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if stale and "--check" in sys.argv[1:]:
        raise SystemExit(f"out of date in docs/reference: {', '.join(stale)}; run `make docs`")


def pages() -> dict[str, str]:
    document = openapi()
    return {
        "settings.md": NOTE + settings_page(),
        "command-line.md": NOTE + command_line_page(),
        "errors.md": NOTE + errors_page(),
        "permissions.md": NOTE + permissions_page(),
        "endpoints.md": NOTE + endpoints_page(document),
        "openapi.json": json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n",
    }


def openapi() -> dict[str, Any]:
    """The document as the hub serves it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = config.read(environ={}, flags={"data_dir": folder, "log.level": "error"})
        database = Database(settings.database_url)
        migrate.upgrade(database)
        database.close()
        logs.configure(settings.log, "docs")
        return create_app(settings).test_client().get("/api/v1/openapi.json").get_json()


def settings_page() -> str:
    parts = [
        "# Settings\n",
        "A setting is taken from the first place that has it:\n",
        "1. a flag: `alongside --set hub.port=9000 …` (and `--data-dir`),",
        "2. an environment variable: `ALONGSIDE_HUB_PORT=9000`,",
        "3. the file `alongside.toml` in the data folder, or the one named by `--config`:\n",
        "   ```toml\n   [hub]\n   port = 9000\n   ```\n",
        "4. the default.\n",
        "A list is written with commas in a flag or variable, and as a list in the file. "
        "`alongside settings` prints what is in force.\n",
    ]
    section = None
    for name, default, about in config.settings():
        before, _, _ = name.partition(".")
        if before != section:
            section = before
            title = "Where everything is" if name == "data_dir" else f"`[{section}]`"
            parts.append(f"\n## {title}\n")
            parts.append("| setting | environment | default | what it is for |")
            parts.append("|---|---|---|---|")
        parts.append(
            f"| `{name}` | `{config.environment_name(name)}` | {_default(default)} | {_cell(about)} |"
        )
    return "\n".join(parts) + "\n"


def command_line_page() -> str:
    root = typer.main.get_command(app)
    parts = [
        "# Command line\n",
        "Generated from the commands' own help.\n",
        "## Exit codes\n",
        "| code | meaning |",
        "|---|---|",
    ]
    parts += [f"| {code} | {meaning} |" for code, meaning in screen.EXIT_CODES.items()]
    parts.append("\n## Before any command\n")
    parts += _options(root)
    for path, command in commands(root, "alongside"):
        parts.append(f"\n## `{path}`\n")
        parts.append(f"{(command.help or '').strip()}\n")
        usage = " ".join(_argument(param) for param in command.params if param.param_type_name == "argument")
        parts.append(f"```\n{path} {usage}".rstrip() + "\n```\n")
        parts += _options(command)
    return "\n".join(parts) + "\n"


def commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def errors_page() -> str:
    parts = [
        "# Errors\n",
        "Every refusal of the API is a problem document (RFC 9457, `application/problem+json`). Programs "
        "look at `code`, which never changes its meaning; people read `detail`. A malformed request names "
        'all its `faults` at once: `[{"field": "components[1].image", "reason": "…"}]`.\n',
        "| code | status | meaning | what to do |",
        "|---|---|---|---|",
    ]
    for kind in sorted(problems(errors.Problem), key=errors.code_of):
        code = errors.code_of(kind)
        meaning = (kind.__doc__ or "").strip().splitlines()[0]
        parts.append(f"| `{code}` | {status_of(kind)} | {_cell(meaning)} | {_cell(HINTS.get(code, ''))} |")
    return "\n".join(parts) + "\n"


def permissions_page() -> str:
    """As `tests/api/permissions.toml` has it, which a test holds against the hub."""
    path = REFERENCE.parents[1] / "tests" / "support" / "permissions.py"
    spec = importlib.util.spec_from_file_location("permissions", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["permissions"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.page()


def problems(kind: type[errors.Problem]) -> Iterator[type[errors.Problem]]:
    yield kind
    for below in kind.__subclasses__():
        yield from problems(below)


def endpoints_page(document: dict[str, Any]) -> str:
    parts = [
        "# Endpoints\n",
        "The complete description, with every body and answer, is the OpenAPI 3.1 document that the hub "
        "serves at `/api/v1/openapi.json` (in this repository: [openapi.json](openapi.json)); `/api/v1/docs` "
        "is a page to try it. Lists answer `{items, next}` and take `limit` and `cursor`; edits need "
        "`If-Match`; every POST accepts `Idempotency-Key`.\n",
    ]
    groups: dict[str, list[str]] = {}
    for path, methods in sorted(document["paths"].items()):
        words = [word for word in path.split("/") if word and word not in ("api", "live", "v1")]
        group = ("live: " if path.startswith("/live/") else "") + (words[0] if words else path)
        for method, operation in methods.items():
            if method in ("get", "put", "post", "patch", "delete", "head"):
                summary = _cell(operation.get("summary") or "")
                groups.setdefault(group, []).append(f"| `{method.upper()}` | `{path}` | {summary} |")
    for group, rows in groups.items():
        parts += [f"\n## {group}\n", "| method | path | what it does |", "|---|---|---|", *rows]
    return "\n".join(parts) + "\n"


def _options(command: Any) -> list[str]:
    options = [param for param in command.params if param.param_type_name == "option"]
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    rows = [(f"`{_argument(param)}`", param) for param in arguments]
    rows += [
        (", ".join(f"`{name}`" for name in [*param.opts, *param.secondary_opts]), param) for param in options
    ]
    if not rows:
        return []
    lines = ["| argument or option | what it is for |", "|---|---|"]
    return lines + [f"| {names} | {_cell(getattr(param, 'help', None) or '')} |" for names, param in rows]


def _argument(param: Any) -> str:
    name = (param.metavar or param.name or "").upper().replace("_", "-")
    name = name.strip("[]").removesuffix("...")
    if param.nargs != 1:
        name += "…"
    return name if param.required else f"[{name}]"


def _default(value: Any) -> str:
    if isinstance(value, tuple):
        value = ", ".join(value)
    return f"`{value}`" if value not in ("", None) else "(empty)"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    main()
