"""Datasets, their identifiers and where their bytes are."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from alongside.hub.store.schema.base import Document, id_, metadata, ref, when

datasets = Table(
    "datasets",
    metadata,
    id_(),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False, default=""),
    Column("creators", Document, nullable=False),
    Column("metadata", Document, nullable=False),
    Column("may_leave", Boolean, nullable=False, default=False),
    #: lower-case text that search looks through
    Column("search_text", Text, nullable=False, default=""),
    ref("created_by", "accounts.id", nullable=True),
    Column("revision", Integer, nullable=False, default=1),
    when("created_at"),
    when("updated_at"),
)

identifiers = Table(
    "identifiers",
    metadata,
    Column("value", String(1024), primary_key=True),
    Column("scheme", String(32), nullable=False),
    Column("display", Text, nullable=False),
    Column("position", Integer, nullable=False, default=0),
    ref("dataset_id", "datasets.id"),
    Index(None, "dataset_id"),
)

locations = Table(
    "locations",
    metadata,
    id_(),
    ref("dataset_id", "datasets.id"),
    ref("site_id", "sites.id", nullable=True),
    Column("kind", String(8), nullable=False),
    Column("path", Text),
    Column("url", Text),
    Column("size_bytes", BigInteger),
    Column("sha256", String(64)),
    Column("position", Integer, nullable=False, default=0),
    Index(None, "dataset_id"),
)

lookups = Table(
    "lookups",
    metadata,
    Column("value", String(1024), primary_key=True),
    #: `queued`, `complete` or `system_error`
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("answer", Document),
    when("created_at"),
    when("updated_at"),
)
