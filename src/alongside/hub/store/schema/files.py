"""Drives: folders that people mount by WebDAV. Their passwords are known to sites alone, as hashes."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from alongside.hub.store.schema.base import Document, id_, metadata, ref, when

drives = Table(
    "drives",
    metadata,
    id_(),
    ref("account_id", "accounts.id"),
    #: which told the site's edge
    ref("runner_id", "runners.id"),
    Column("name", Text, nullable=False),
    #: `spec.files.Folder`
    Column("folder", Document, nullable=False),
    when("created_at"),
    when("expires_at"),
    Index(None, "account_id"),
)
