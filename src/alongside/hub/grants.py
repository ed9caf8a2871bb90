"""Capabilities: tickets to a run's origin, tokens of attempts, signed links to a site's files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alongside.config import Config
from alongside.hub.keyring import Keyring
from alongside.hub.store.database import Tx
from alongside.spec.accounts import Caller


@dataclass(frozen=True)
class Access:
    """How to get into a ready run: POST /runs/{id}/access, and where GET /open/{run} redirects to."""

    url: str
    ticket_url: str
    expires_at: datetime


def access(
    tx: Tx, caller: Caller, run_id: str, path: str | None, now: datetime, *, config: Config, keyring: Keyring
) -> Access:
    """A one-time ticket for the run's origin; `path` None opens what the launch asked for.

    Raises RunUnknown; StateConflict when the run is not ready.
    """
    raise NotImplementedError
