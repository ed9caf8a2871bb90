"""Programs beside a tool, inside its run: what a shell, `exec`, ssh and forwarded ports ask executors for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from alongside.spec.shells import ERRORS as ERRORS
from alongside.spec.shells import OUTPUT as OUTPUT

#: the person's shell: bash where there is one
SHELL = ("/bin/sh", "-c", "test -x /bin/bash && exec /bin/bash; exec /bin/sh")
#: what a program that listens nowhere on the port gives for an exit code, and one that is not there
REFUSED, NOT_FOUND, NOT_RUNNABLE = 111, 127, 126


@dataclass(frozen=True)
class Terminal:
    cols: int = 80
    rows: int = 24
    #: what programs find as TERM
    type: str = "xterm-256color"


@dataclass(frozen=True)
class Program:
    """What is to be done inside."""

    #: `program` runs argv, `files` speaks sftp, `port` is joined with a port as seen from inside
    kind: Literal["program", "files", "port"] = "program"
    argv: tuple[str, ...] = SHELL
    terminal: Terminal | None = None
    #: beyond what the tool itself was told
    env: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def told(self) -> dict[str, str]:
        return {**self.env, "SHELL": "/bin/sh"} | ({"TERM": self.terminal.type} if self.terminal else {})


class CannotEnter(Exception):
    """No program can be started in this run now; the message says why."""


class Inside(Protocol):
    """A program that runs inside; whoever has it closes it."""

    async def read(self) -> tuple[int, bytes] | None:
        """The next piece of OUTPUT or ERRORS (with a terminal all is OUTPUT); None when there is no more."""
        ...

    async def write(self, data: bytes) -> None:
        """Give it input; returns once there is room for more. What it does not read any more is lost."""
        ...

    async def end_input(self) -> None: ...

    async def resize(self, cols: int, rows: int) -> None: ...

    async def signal(self, number: int) -> None:
        """Signal the program and those that it started in its group."""
        ...

    async def wait(self) -> int:
        """Its exit code as shells give it: 128 and the signal's number if one killed it."""
        ...

    async def close(self) -> None:
        """Hang up: what still runs is ended, by force after a moment. More than once is no error."""
        ...
