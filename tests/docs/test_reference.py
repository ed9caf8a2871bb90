"""Everything that a person can set, call or meet is documented."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer.main
import yaml

from alongside import config, errors
from alongside.cli import app, screen
from alongside.client.errors import HINTS
from alongside.spec.tools import Component, Probe, Resources, Restart, ToolSpec

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


def text(name: str) -> str:
    return (REFERENCE / name).read_text()


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_code_says_now(generate: ModuleType) -> None:
    stale = [name for name, page in generate.pages().items() if text(name) != page]
    assert not stale, "run `make docs`"


@pytest.mark.parametrize("name", [name for name, _, _ in config.settings()])
def test_every_setting_is_documented_with_its_variable_and_purpose(name: str) -> None:
    row = next(line for line in text("settings.md").splitlines() if line.startswith(f"| `{name}` |"))
    about = next(about for found, _, about in config.settings() if found == name)
    assert config.environment_name(name) in row
    assert about.split("|")[0].split("<")[0].strip() in row


def commands(group: Any, words: tuple[str, ...] = ("alongside",)) -> list[tuple[str, Any]]:
    found = []
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found += commands(command, (*words, name))
        else:
            found.append((" ".join((*words, name)), command))
    return found


COMMANDS = commands(typer.main.get_command(app))


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[path for path, _ in COMMANDS])
def test_every_command_and_flag_is_documented(path: str, command: Any) -> None:
    page = text("command-line.md")
    section = page.split(f"\n## `{path}`\n")[1].split("\n## ")[0]
    assert command.help, f"{path} has no help"
    for param in command.params:
        if param.param_type_name == "option":
            assert param.help, f"{path} {param.opts[0]} has no help"
            for flag in (*param.opts, *param.secondary_opts):
                assert f"`{flag}`" in section, flag


def test_every_exit_code_is_documented() -> None:
    for code, meaning in screen.EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in text("command-line.md")


def kinds(kind: type[errors.Problem]) -> list[type[errors.Problem]]:
    return [kind, *(found for below in kind.__subclasses__() for found in kinds(below))]


@pytest.mark.parametrize("code", sorted({errors.code_of(kind) for kind in kinds(errors.Problem)}))
def test_every_error_code_is_documented(code: str) -> None:
    assert re.search(rf"^\| `{code}` \| \d{{3}} \| \S", text("errors.md"), re.MULTILINE)


def test_every_hint_is_about_an_error_that_exists() -> None:
    assert set(HINTS) <= {errors.code_of(kind) for kind in kinds(errors.Problem)}


def test_every_endpoint_is_documented_with_what_it_does() -> None:
    document = json.loads(text("openapi.json"))
    page = text("endpoints.md")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method == "parameters":
                continue
            assert f"| `{method.upper()}` | `{path}` |" in page
            assert operation.get("summary"), f"{method} {path} has no summary"


@pytest.mark.parametrize("kind", [ToolSpec, Component, Probe, Resources, Restart])
def test_every_member_of_a_tool_specification_is_documented(kind: type[Any]) -> None:
    page = text("tool-specification.md")
    missing = [name for name in kind.__dataclass_fields__ if f"| `{name}` |" not in page]
    assert not missing


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page() -> None:
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    records = {page for page in pages if page.startswith("decisions/0")}
    assert set(leaves(navigation)) == pages - records


def test_every_decision_is_in_the_list_of_decisions() -> None:
    listed = (ROOT / "docs" / "decisions" / "index.md").read_text()
    records = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [name for name in records if f"({name})" not in listed] == []
    assert len({name[:4] for name in records}) == len(records), "a number is used twice"


def leaves(node: Any) -> list[str]:
    if isinstance(node, str):
        return [node]
    return [leaf for item in (node.values() if isinstance(node, dict) else node) for leaf in leaves(item)]
