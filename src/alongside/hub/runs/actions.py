"""Steering a run: each act is stored, carried out at once where it can be, and sent to the runner otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alongside.config import Config
from alongside.hub.store.database import Tx
from alongside.spec.accounts import Caller
from alongside.spec.runs import Action, ActionKind


def act(
    tx: Tx,
    caller: Caller,
    run_id: str,
    kind: ActionKind,
    body: dict[str, Any],
    now: datetime,
    *,
    config: Config,
) -> Action:
    """Start, stop, cancel, delete: body {}; extend {seconds}; attach DatasetUse; detach {name}.

    The answer is `complete` when nothing remains to be done (for delete: answer 204 then).

    Raises:
        RunUnknown, StateConflict, Invalid, QuotaExceeded (start), IdentifierUnknown, NameTaken (attach).
    """
    raise NotImplementedError
