"""People: accounts, groups, access tags, and what proves who somebody is."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, String, Table, Text

from alongside.hub.store.schema.base import Document, Id, Name, id_, metadata, ref, when

accounts = Table(
    "accounts",
    metadata,
    id_(),
    Column("name", Name, nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("display_name", Text, nullable=False, default=""),
    Column("email", Text),
    Column("password_hash", Text),
    Column("active", Boolean, nullable=False, default=True),
    Column("limits", Document, nullable=False),
    when("created_at"),
)

groups = Table(
    "groups", metadata, id_(), Column("name", Name, nullable=False, unique=True), when("created_at")
)

group_members = Table(
    "group_members",
    metadata,
    ref("group_id", "groups.id", key=True),
    ref("account_id", "accounts.id", key=True),
    Index(None, "account_id"),
)

tags = Table(
    "tags",
    metadata,
    id_(),
    Column("name", Name, nullable=False, unique=True),
    Column("description", Text, nullable=False, default=""),
    when("created_at"),
)

tag_accounts = Table(
    "tag_accounts", metadata, ref("tag_id", "tags.id", key=True), ref("account_id", "accounts.id", key=True)
)

tag_groups = Table(
    "tag_groups", metadata, ref("tag_id", "tags.id", key=True), ref("group_id", "groups.id", key=True)
)

tag_things = Table(
    "tag_things",
    metadata,
    ref("tag_id", "tags.id", key=True),
    #: `dataset`, `tool` or `site`
    Column("kind", String(16), primary_key=True),
    Column("thing_id", Id, primary_key=True),
    Index(None, "kind", "thing_id"),
)

sessions = Table(
    "sessions",
    metadata,
    id_(),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("csrf", String(64), nullable=False),
    ref("account_id", "accounts.id"),
    when("created_at"),
    when("expires_at"),
)

tokens = Table(
    "tokens",
    metadata,
    id_(),
    ref("account_id", "accounts.id"),
    Column("name", Name, nullable=False),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("scopes", Document, nullable=False),
    when("created_at"),
    when("expires_at"),
    when("last_used_at", nullable=True),
)

signin_links = Table(
    "signin_links",
    metadata,
    id_(),
    Column("secret_hash", String(64), nullable=False, unique=True),
    ref("account_id", "accounts.id"),
    when("expires_at"),
    when("used_at", nullable=True),
)
