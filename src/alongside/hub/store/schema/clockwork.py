"""What hub and dispatcher tell each other, who leads, and answers kept for repeated requests."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from alongside.hub.store.schema.base import Document, Sequence, metadata, ref, when

changes = Table(
    "changes",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    #: what the dispatcher must hear about: `run`, `action`, `dataset`, `tool`, `runner`, `lookup`, `revoke`
    Column("kind", String(16), nullable=False),
    Column("key", Text, nullable=False),
)

leader = Table(
    "leader",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("holder", Text, nullable=False),
    when("at"),
)

idempotency = Table(
    "idempotency",
    metadata,
    ref("account_id", "accounts.id", key=True),
    Column("key", String(255), primary_key=True),
    Column("route", Text, nullable=False),
    Column("request_hash", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Document, nullable=False),
    Column("body", LargeBinary, nullable=False),
    when("created_at"),
    Index(None, "created_at"),
)
