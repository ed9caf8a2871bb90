"""The tables. Plural names, unprefixed columns; the only place that describes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC as a fixed-width RFC 3339 string: sorts as text, the same on every database."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


Document = JSON().with_variant(JSONB(), "postgresql")
#: SQLite gives an autoincrementing key only to INTEGER
Sequence = BigInteger().with_variant(Integer(), "sqlite")
Id = String(26)
Name = String(128)


def _id() -> Column[str]:
    return Column("id", Id, primary_key=True)


def _ref(
    name: str, target: str, *, nullable: bool = False, key: bool = False, cascade: bool = True
) -> Column[Any]:
    action = "CASCADE" if cascade and not nullable else "SET NULL" if nullable else None
    return Column(name, Id, ForeignKey(target, ondelete=action), nullable=nullable, primary_key=key)


def _when(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Instant, nullable=nullable)


# People

accounts = Table(
    "accounts",
    metadata,
    _id(),
    Column("name", Name, nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("display_name", Text, nullable=False, default=""),
    Column("email", Text),
    Column("password_hash", Text),
    Column("active", Boolean, nullable=False, default=True),
    Column("limits", Document, nullable=False),
    _when("created_at"),
)

groups = Table(
    "groups", metadata, _id(), Column("name", Name, nullable=False, unique=True), _when("created_at")
)

group_members = Table(
    "group_members",
    metadata,
    _ref("group_id", "groups.id", key=True),
    _ref("account_id", "accounts.id", key=True),
    Index(None, "account_id"),
)

tags = Table(
    "tags",
    metadata,
    _id(),
    Column("name", Name, nullable=False, unique=True),
    Column("description", Text, nullable=False, default=""),
    _when("created_at"),
)

tag_accounts = Table(
    "tag_accounts", metadata, _ref("tag_id", "tags.id", key=True), _ref("account_id", "accounts.id", key=True)
)

tag_groups = Table(
    "tag_groups", metadata, _ref("tag_id", "tags.id", key=True), _ref("group_id", "groups.id", key=True)
)

tag_things = Table(
    "tag_things",
    metadata,
    _ref("tag_id", "tags.id", key=True),
    #: `dataset`, `tool` or `site`
    Column("kind", String(16), primary_key=True),
    Column("thing_id", Id, primary_key=True),
    Index(None, "kind", "thing_id"),
)

sessions = Table(
    "sessions",
    metadata,
    _id(),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("csrf", String(64), nullable=False),
    _ref("account_id", "accounts.id"),
    _when("created_at"),
    _when("expires_at"),
)

tokens = Table(
    "tokens",
    metadata,
    _id(),
    _ref("account_id", "accounts.id"),
    Column("name", Name, nullable=False),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("scopes", Document, nullable=False),
    _when("created_at"),
    _when("expires_at"),
    _when("last_used_at", nullable=True),
)

signin_links = Table(
    "signin_links",
    metadata,
    _id(),
    Column("secret_hash", String(64), nullable=False, unique=True),
    _ref("account_id", "accounts.id"),
    _when("expires_at"),
    _when("used_at", nullable=True),
)

# Places

sites = Table(
    "sites",
    metadata,
    _id(),
    Column("name", Name, nullable=False, unique=True),
    Column("title", Text, nullable=False, default=""),
    Column("description", Text, nullable=False, default=""),
    Column("edge_url", Text, nullable=False),
    Column("enabled", Boolean, nullable=False, default=True),
    _when("created_at"),
)

registration_tokens = Table(
    "registration_tokens",
    metadata,
    _id(),
    _ref("site_id", "sites.id"),
    Column("name", Name, nullable=False, default=""),
    Column("secret_hash", String(64), nullable=False, unique=True),
    _when("created_at"),
    _when("expires_at"),
)

runners = Table(
    "runners",
    metadata,
    _id(),
    _ref("site_id", "sites.id"),
    Column("name", Name, nullable=False),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("epoch", Integer, nullable=False, default=0),
    Column("version", Integer, nullable=False, default=1),
    Column("labels", Document, nullable=False),
    Column("executors", Document, nullable=False),
    Column("capacity", Document, nullable=False),
    Column("online", Boolean, nullable=False, default=False),
    #: asked for by an administrator
    Column("draining", Boolean, nullable=False, default=False),
    Column("outbox_seq", Integer, nullable=False, default=0),
    _when("created_at"),
    _when("last_seen_at", nullable=True),
    UniqueConstraint("site_id", "name"),
)

# Data

datasets = Table(
    "datasets",
    metadata,
    _id(),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False, default=""),
    Column("creators", Document, nullable=False),
    Column("metadata", Document, nullable=False),
    Column("may_leave", Boolean, nullable=False, default=False),
    #: lower-case text that search looks through
    Column("search_text", Text, nullable=False, default=""),
    _ref("created_by", "accounts.id", nullable=True),
    Column("revision", Integer, nullable=False, default=1),
    _when("created_at"),
    _when("updated_at"),
)

identifiers = Table(
    "identifiers",
    metadata,
    Column("value", String(1024), primary_key=True),
    Column("scheme", String(32), nullable=False),
    Column("display", Text, nullable=False),
    Column("position", Integer, nullable=False, default=0),
    _ref("dataset_id", "datasets.id"),
    Index(None, "dataset_id"),
)

locations = Table(
    "locations",
    metadata,
    _id(),
    _ref("dataset_id", "datasets.id"),
    _ref("site_id", "sites.id", nullable=True),
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
    _when("created_at"),
    _when("updated_at"),
)

# Tools

tools = Table(
    "tools", metadata, _id(), Column("name", Name, nullable=False, unique=True), _when("created_at")
)

tool_versions = Table(
    "tool_versions",
    metadata,
    _id(),
    _ref("tool_id", "tools.id"),
    Column("version", Name, nullable=False),
    Column("spec", Document, nullable=False),
    Column("digest", String(64), nullable=False),
    _ref("created_by", "accounts.id", nullable=True),
    _when("created_at"),
    UniqueConstraint("tool_id", "version"),
)

# Runs

runs = Table(
    "runs",
    metadata,
    _id(),
    _ref("account_id", "accounts.id", cascade=False),
    _ref("tool_version_id", "tool_versions.id", cascade=False),
    Column("tool", Name, nullable=False),
    Column("version", Name, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("title", Text, nullable=False, default=""),
    Column("state", String(16), nullable=False),
    Column("reason_code", String(32)),
    Column("reason", Text, nullable=False, default=""),
    Column("ready", Boolean, nullable=False, default=False),
    Column("request", Document, nullable=False),
    Column("cpus", Float, nullable=False),
    Column("memory_gb", Float, nullable=False),
    Column("gpus", Integer, nullable=False, default=0),
    Column("disk_gb", Float, nullable=False, default=0.0),
    Column("priority", Integer, nullable=False, default=0),
    _ref("site_id", "sites.id", nullable=True),
    Column("executor", String(32)),
    #: number of the latest attempt; the fencing token
    Column("attempt", Integer, nullable=False, default=0),
    Column("lost_attempts", Integer, nullable=False, default=0),
    Column("restarts", Integer, nullable=False, default=0),
    Column("progress", Float, nullable=False, default=0.0),
    Column("message", Text, nullable=False, default=""),
    Column("exit_code", Integer),
    Column("open_path", Text, nullable=False, default="/"),
    Column("revision", Integer, nullable=False, default=1),
    #: asked to be deleted for good once nothing runs
    Column("deleting", Boolean, nullable=False, default=False),
    _when("created_at"),
    _when("updated_at"),
    #: a retry is not placed before this
    _when("not_before", nullable=True),
    _when("queued_at", nullable=True),
    _when("started_at", nullable=True),
    _when("ready_at", nullable=True),
    _when("ended_at", nullable=True),
    _when("ends_at", nullable=True),
    Index(None, "account_id", "state"),
    Index(None, "state", "queued_at"),
    Index(None, "tool"),
)

run_datasets = Table(
    "run_datasets",
    metadata,
    _ref("run_id", "runs.id", key=True),
    Column("name", Name, primary_key=True),
    _ref("dataset_id", "datasets.id", nullable=True),
    Column("identifier", Text, nullable=False),
    Column("title", Text, nullable=False, default=""),
    Column("mode", String(8), nullable=False),
    Column("status", String(16)),
    Column("detail", Text, nullable=False, default=""),
    Column("position", Integer, nullable=False, default=0),
    Index(None, "dataset_id"),
)

leases = Table(
    "leases",
    metadata,
    _id(),
    _ref("runner_id", "runners.id"),
    _when("granted_at"),
    Index(None, "runner_id"),
)

attempts = Table(
    "attempts",
    metadata,
    _ref("run_id", "runs.id", key=True),
    Column("number", Integer, primary_key=True),
    _ref("runner_id", "runners.id", nullable=True),
    Column("lease_id", Id),
    Column("site", Name),
    Column("runner", Name),
    Column("executor", String(32)),
    Column("state", String(16), nullable=False),
    Column("reason_code", String(32)),
    Column("reason", Text, nullable=False, default=""),
    Column("exit_code", Integer),
    #: highest report number that has been applied
    Column("last_report", Integer, nullable=False, default=0),
    #: how long the log is in the end, as far as the runner has said so
    Column("log_bytes", BigInteger),
    #: holds slots at its runner
    Column("held", Boolean, nullable=False, default=True),
    _when("created_at"),
    _when("started_at", nullable=True),
    _when("ended_at", nullable=True),
    Index(None, "runner_id", "held"),
)

outbox = Table(
    "outbox",
    metadata,
    _ref("runner_id", "runners.id", key=True),
    Column("seq", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("run_id", Id),
    Column("attempt", Integer),
    Column("body", Document, nullable=False),
    _when("created_at"),
)

actions = Table(
    "actions",
    metadata,
    _id(),
    _ref("run_id", "runs.id"),
    _ref("account_id", "accounts.id"),
    Column("kind", String(16), nullable=False),
    Column("body", Document, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason_code", String(32)),
    Column("reason", Text, nullable=False, default=""),
    _when("created_at"),
    _when("updated_at"),
    _when("expires_at"),
    Index(None, "run_id"),
    Index(None, "state"),
)

events = Table(
    "events",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    _ref("run_id", "runs.id"),
    Column("attempt", Integer, nullable=False),
    _when("at"),
    Column("kind", String(16), nullable=False),
    Column("state", String(16)),
    Column("progress", Float),
    Column("message", Text, nullable=False, default=""),
    Column("reason_code", String(32)),
    Index(None, "run_id", "seq"),
)

artifacts = Table(
    "artifacts",
    metadata,
    _id(),
    _ref("run_id", "runs.id"),
    Column("attempt", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("media_type", Name, nullable=False),
    Column("at_hub", Boolean, nullable=False, default=False),
    UniqueConstraint("run_id", "attempt", "path"),
)

# The clockwork

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
    _when("at"),
)

idempotency = Table(
    "idempotency",
    metadata,
    _ref("account_id", "accounts.id", key=True),
    Column("key", String(255), primary_key=True),
    Column("route", Text, nullable=False),
    Column("request_hash", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Document, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _when("created_at"),
    Index(None, "created_at"),
)
