"""Tools and their versions."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, UniqueConstraint

from alongside.hub.store.schema.base import Document, Name, id_, metadata, ref, when

tools = Table("tools", metadata, id_(), Column("name", Name, nullable=False, unique=True), when("created_at"))

tool_versions = Table(
    "tool_versions",
    metadata,
    id_(),
    ref("tool_id", "tools.id"),
    Column("version", Name, nullable=False),
    Column("spec", Document, nullable=False),
    Column("digest", String(64), nullable=False),
    ref("created_by", "accounts.id", nullable=True),
    when("created_at"),
    UniqueConstraint("tool_id", "version"),
)
