"""What commands print: tables for people, JSON for programs, and errors that say what to do."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from alongside import values
from alongside.client.errors import (
    CallFailed,
    PullFailed,
    Refused,
    RunFailed,
    SavingFailed,
    TimedOut,
    Unreachable,
)
from alongside.errors import Invalid, Problem

#: columns where there is no terminal, such as in a pipe: lines are not folded for nobody's screen
UNFOLDED = 1000


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else UNFOLDED
    return Console(stderr=stderr, soft_wrap=True, highlight=False, width=width)


out = _console(stderr=False)
err = _console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

#: how `alongside` ends, besides 0; `alongside --help` and the reference list them
EXIT_CODES: dict[int, str] = {
    0: "done",
    1: "refused or failed; the message says why",
    2: "the command line is wrong",
    3: "not signed in, or not allowed",
    4: "there is no such thing",
    5: "the hub does not answer",
    6: "what was waited for failed or took too long",
    130: "interrupted",
}


def exit_code(error: BaseException) -> int:
    match error:
        case Refused(status=401 | 403) if error.code != "quota_exceeded":
            return 3
        case Refused(status=404):
            return 4
        case Unreachable():
            return 5
        case RunFailed() | SavingFailed() | PullFailed() | TimedOut():
            return 6
        case _:
            return 1


def show_json(value: Any) -> None:
    """One value, or a list of them, as the API writes it."""
    sys.stdout.write(json.dumps(_plain(value), indent=2, ensure_ascii=False) + "\n")


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """A table; `empty` is the sentence in place of one without rows."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        # the first names the row: whoever copies it needs it in one piece
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    count = 0
    for row in rows:
        table.add_row(*[_cell(cell) for cell in row])
        count += 1
    if count:
        out.print(table)
    else:
        err.print(empty)


def show_facts(facts: Iterable[tuple[str, Any]]) -> None:
    """One thing's members, one a line; empty ones are left out."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts:
        if value not in (None, "", (), [], {}):
            table.add_row(name, _cell(value))
    out.print(table)


def show_error(error: CallFailed | Problem) -> None:
    faults = error.faults if isinstance(error, (Refused, Invalid)) else ()
    listed = len(faults) > 1 or (faults and str(faults[0]) not in error.detail)
    told = f"{len(faults)} faults" if len(faults) > 1 else error.detail
    err.print(f"[red]Error:[/red] {_escaped(told)}")
    if listed:
        for fault in faults:
            err.print(f"  • {_escaped(str(fault))}")
    hint = getattr(error, "hint", "")
    if hint:
        err.print(f"[dim]→ {_escaped(hint)}[/dim]")


def say(text: str) -> None:
    """A line about what goes on; on stderr, so that stdout is only the answer."""
    err.print(text)


def guarded(work: Callable[[], Any]) -> int:
    """Run `work`, tell what went wrong, and return the exit code."""
    try:
        work()
    except (CallFailed, Problem) as error:
        show_error(error)
        return exit_code(error)
    except KeyboardInterrupt:
        err.print("Interrupted.")
        return 130
    except BrokenPipeError:
        # whoever read our output has enough of it
        sys.stderr.close()
        return 0
    return 0


def ago(moment: datetime | None) -> str:
    """`3 min ago`, or `in 2 h`."""
    if moment is None:
        return "–"
    seconds = (datetime.now(UTC) - moment).total_seconds()
    size = span(abs(seconds))
    return f"{size} ago" if seconds >= 0 else f"in {size}"


def span(seconds: float) -> str:
    for limit, unit, divisor in ((90, "s", 1), (5400, "min", 60), (129_600, "h", 3600)):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def size(count: int | None) -> str:
    if count is None:
        return "–"
    number = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return str(count)


def _cell(value: Any) -> str:
    match value:
        case None | "":
            return "–"
        case datetime():
            return ago(value)
        case bool():
            return "yes" if value else "no"
        case tuple() | list():
            return _escaped(", ".join(str(item) for item in value)) or "–"
        case _:
            return _escaped(str(value))


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return values.dump(value)
