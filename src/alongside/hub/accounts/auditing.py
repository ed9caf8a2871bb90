"""The audit record: what administrators did to people, and what people did for good."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from alongside.hub.store import audit as store
from alongside.hub.store.database import Tx
from alongside.spec.admission import AuditEntry

Act = Literal[
    "create",
    "edit",
    "delete",
    "approve",
    "refuse",
    "deactivate",
    "activate",
    "set_password",
    "sign_in_link",
    "invite",
    "revoke_invitation",
    "look",
    "look_ended",
    "reset_password",
    "leave",
    "expire",
    "shell",
]
DETAIL_MAX = 500


def note(
    tx: Tx, now: datetime, actor: str, action: Act, thing: str, detail: str = "", *, kind: str = "account"
) -> None:
    """`actor` and `thing` by name: the record outlives both."""
    store.add(tx, now, actor, action, kind, thing, detail[:DETAIL_MAX])


def entries(tx: Tx, before: int | None, limit: int, *, thing: str | None = None) -> list[AuditEntry]:
    """Newest first."""
    return store.page(tx, before, limit, thing=thing)
