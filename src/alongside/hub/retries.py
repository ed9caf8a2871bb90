"""Requests that carry an Idempotency-Key: the first answer is kept a day and given again."""

from __future__ import annotations

from datetime import datetime, timedelta

from alongside.errors import Conflict, IdempotencyMismatch
from alongside.hub.store import retries as store
from alongside.hub.store.database import Tx
from alongside.hub.store.retries import Stored as Stored

KEPT = timedelta(hours=24)
SECRET_STATUS = 0


def earlier(tx: Tx, account_id: str, key: str, route: str, request_hash: str) -> Stored | None:
    """The answer that this very request had before, if it was made before.

    Raises:
        IdempotencyMismatch: the key belongs to another request.
        Conflict: it was carried out, but its answer held a secret, which is shown once.
    """
    stored = store.get(tx, account_id, key)
    if stored is None:
        return None
    if (stored.route, stored.request_hash) != (route, request_hash):
        raise IdempotencyMismatch
    if stored.status == SECRET_STATUS:
        raise Conflict("This request was carried out already; its answer held a secret, which is shown once.")
    return stored


def remember(tx: Tx, account_id: str, key: str, stored: Stored, *, secret: bool, now: datetime) -> None:
    store.forget(tx, now - KEPT)
    if secret:
        stored = Stored(stored.route, stored.request_hash, SECRET_STATUS, {}, b"")
    store.put(tx, account_id, key, stored, now)
