"""Looking at runs: what a caller may see of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alongside.config import Config
from alongside.hub.store.database import Tx
from alongside.hub.store.logs import Piece
from alongside.spec.accounts import Caller
from alongside.spec.placement import Refusal
from alongside.spec.runs import Action, Attempt, Event, Run, RunRequest, State
from alongside.spec.tools import ToolKind


@dataclass(frozen=True)
class Explanation:
    """Why a run waits: one refusal per runner, its place in the line and the rule of the line."""

    refusals: tuple[Refusal, ...]
    #: 1 is next; None when the run does not wait
    position: int | None
    rule: str


def get(tx: Tx, caller: Caller, run_id: str) -> Run:
    """Raises RunUnknown, also for other people's runs unless the caller is an administrator."""
    raise NotImplementedError


def listing(
    tx: Tx,
    caller: Caller,
    *,
    states: Sequence[State] = (),
    tool: str | None = None,
    kind: ToolKind | None = None,
    account: str | None = None,
    everyone: bool = False,
    after: str | None = None,
    limit: int = 100,
) -> list[Run]:
    """Newest first; `after` is the id of the last run seen. `account` (name or id) and `everyone` are
    for administrators: Forbidden for others."""
    raise NotImplementedError


def find_match(tx: Tx, caller: Caller, wish: RunRequest) -> Run | None:
    """The caller's own interactive run of the same tool with the same datasets, the readiest one."""
    raise NotImplementedError


def events(tx: Tx, caller: Caller, run_id: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
    raise NotImplementedError


def attempts(tx: Tx, caller: Caller, run_id: str) -> list[Attempt]:
    """Oldest first."""
    raise NotImplementedError


def action(tx: Tx, caller: Caller, action_id: str) -> Action:
    raise NotImplementedError


def actions(
    tx: Tx, caller: Caller, *, run_id: str | None = None, after: str | None = None, limit: int = 100
) -> list[Action]:
    """Newest first."""
    raise NotImplementedError


def explain(tx: Tx, caller: Caller, run_id: str, *, config: Config) -> Explanation:
    raise NotImplementedError


def log(
    tx: Tx,
    caller: Caller,
    run_id: str,
    folder: Path,
    *,
    attempt: int | None = None,
    offset: int = 0,
    limit: int = 1_000_000,
) -> Piece:
    """Part of an attempt's log (the latest one's by default); `folder` is `config.data_dir / "logs"`.

    An attempt that has not written anything has an empty log. Raises LogUnknown for no such attempt.
    """
    raise NotImplementedError
