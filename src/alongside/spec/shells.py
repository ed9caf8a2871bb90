"""Words between whoever opens a shell, the edge that lets them in, and the runner that starts programs.

All travel over one WebSocket. The first message is the ticket with the wish; then bytes are bytes of the
program (a first one says of which channel, from the run) and JSON is a `Control`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: at a run's origin, and below a runner's socket
PATH = "/.alongside/shell"
PROTOCOL = "alongside.shell.v1"
#: in a runner's work folder
SOCKET = "shell.sock"
#: who was let in by the edge, for the runner's log
GRANTEE_HEADER = "X-Alongside-Grantee"
MESSAGE_MAX_BYTES = 1 << 18
ARGUMENTS_MAX_BYTES = 1 << 16
#: at once, for each run
CONNECTIONS_MAX = 16

#: the first byte of each binary message that comes from a run
OUTPUT, ERRORS = 1, 2
#: why a WebSocket is closed: whoever opened it may not any more
REVOKED_CODE = 4403

#: listening sockets that are told of one run
PORTS_MAX = 100


@dataclass(frozen=True)
class Port:
    """A port on which a program of a run listens."""

    port: int
    #: `*` is any address
    address: str = ""
    #: empty where it cannot be told
    program: str = ""


@dataclass(frozen=True)
class Wish:
    """What is to be done in the run."""

    #: `program` runs argv, or the person's shell; `ssh` is an ssh server; `port` is joined with a port
    mode: Literal["program", "ssh", "port"] = "program"
    argv: tuple[str, ...] = ()
    #: a terminal of this size; none if either is 0
    cols: int = 0
    rows: int = 0
    term: str = "xterm-256color"
    port: int = 0


def faults(wish: Wish) -> list[tuple[str, str]]:
    """What is wrong with a wish, as (member, why)."""
    found: list[tuple[str, str]] = []
    if sum(len(part) for part in wish.argv) > ARGUMENTS_MAX_BYTES:
        found.append(("argv", f"has more than {ARGUMENTS_MAX_BYTES} bytes"))
    if any("\0" in part for part in (*wish.argv, wish.term)):
        found.append(("argv", "holds a zero byte"))
    if not (0 <= wish.cols <= 2000 and 0 <= wish.rows <= 2000):
        found.append(("cols", "a terminal has at most 2000 columns and rows"))
    if not wish.term.isascii() or not wish.term.isprintable() or len(wish.term) > 64:
        found.append(("term", "is no name of a terminal"))
    if wish.mode == "port" and not 0 < wish.port < 65536:
        found.append(("port", "must be between 1 and 65535"))
    return found
