"""People: accounts, groups, access tags, and what proves who somebody is."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, false

from alongside.hub.store.schema.base import Document, Id, Name, Sequence, id_, metadata, ref, when

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
    #: whose limits hold unless the account has its own; a class that nobody wrote down limits nothing
    Column("account_class", Name, nullable=False, default="standard", server_default="standard"),
    Column("email_verified", Boolean, nullable=False, default=False, server_default=false()),
    #: `admitted`, `waiting` or `refused`
    Column("standing", String(16), nullable=False, default="admitted", server_default="admitted"),
    #: an anonymous account of one browser
    Column("guest", Boolean, nullable=False, default=False, server_default=false()),
    when("expires_at", nullable=True),
    when("deleted_at", nullable=True),
    Index(None, "standing"),
    Index(None, "email"),
    Index(None, "expires_at"),
)

account_classes = Table(
    "account_classes",
    metadata,
    Column("name", Name, primary_key=True),
    Column("title", Text, nullable=False, default=""),
    #: as in `accounts.limits`
    Column("limits", Document, nullable=False),
)

groups = Table(
    "groups", metadata, id_(), Column("name", Name, nullable=False, unique=True), when("created_at")
)

group_members = Table(
    "group_members",
    metadata,
    ref("group_id", "groups.id", key=True),
    ref("account_id", "accounts.id", key=True),
    Column("manager", Boolean, nullable=False, default=False, server_default=false()),
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
    #: the account as which this administrator looks (SQLite adds no foreign key to a table that is there)
    Column("acting", Id),
    when("acting_until", nullable=True),
    Index(None, "account_id"),
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

invitations = Table(
    "invitations",
    metadata,
    id_(),
    Column("secret_hash", String(64), nullable=False, unique=True),
    #: None: whoever holds the link
    Column("email", Text),
    Column("account_class", Name, nullable=False, default="standard"),
    ref("group_id", "groups.id", nullable=True),
    Column("note", Text, nullable=False, default=""),
    Column("uses_left", Integer, nullable=False),
    ref("created_by", "accounts.id", nullable=True),
    when("created_at"),
    when("expires_at"),
)

address_links = Table(
    "address_links",
    metadata,
    id_(),
    Column("secret_hash", String(64), nullable=False, unique=True),
    #: `sign_in`, `verify` or `reset`
    Column("purpose", String(16), nullable=False),
    Column("email", Text, nullable=False),
    #: None: nobody has this address so far
    ref("account_id", "accounts.id", nullable=True),
    when("created_at"),
    when("expires_at"),
    when("used_at", nullable=True),
)

outside_identities = Table(
    "outside_identities",
    metadata,
    Column("issuer", Name, primary_key=True),
    Column("subject", String(255), primary_key=True),
    ref("account_id", "accounts.id"),
    when("created_at"),
    Index(None, "account_id"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    when("at"),
    #: names as they were then: the record outlives the accounts
    Column("actor", Name, nullable=False),
    Column("action", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("thing", Name, nullable=False),
    Column("detail", Text, nullable=False, default=""),
)

throttle = Table(
    "throttle",
    metadata,
    Column("key", Name, primary_key=True),
    Column("count", Integer, nullable=False),
    when("since"),
    Index(None, "since"),
)
