"""Places: sites and the runners at them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, String, Table, Text, UniqueConstraint, false, text

from alongside.hub.store.schema.base import Document, Name, id_, metadata, ref, when

sites = Table(
    "sites",
    metadata,
    id_(),
    Column("name", Name, nullable=False, unique=True),
    Column("title", Text, nullable=False, default=""),
    Column("description", Text, nullable=False, default=""),
    Column("edge_url", Text, nullable=False),
    Column("enabled", Boolean, nullable=False, default=True),
    #: takes nothing new, because of maintenance
    Column("quiet", Boolean, nullable=False, default=False, server_default=false()),
    when("created_at"),
)

registration_tokens = Table(
    "registration_tokens",
    metadata,
    id_(),
    ref("site_id", "sites.id"),
    Column("name", Name, nullable=False, default=""),
    Column("secret_hash", String(64), nullable=False, unique=True),
    when("created_at"),
    when("expires_at"),
)

runners = Table(
    "runners",
    metadata,
    id_(),
    ref("site_id", "sites.id"),
    Column("name", Name, nullable=False),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("epoch", Integer, nullable=False, default=0),
    Column("version", Integer, nullable=False, default=1),
    Column("labels", Document, nullable=False),
    #: labels that an administrator put on it, beside its own
    Column("added_labels", Document, nullable=False, server_default=text("'[]'")),
    Column("executors", Document, nullable=False),
    Column("capacity", Document, nullable=False),
    Column("online", Boolean, nullable=False, default=False),
    #: asked for by an administrator
    Column("draining", Boolean, nullable=False, default=False),
    Column("outbox_seq", Integer, nullable=False, default=0),
    when("created_at"),
    when("last_seen_at", nullable=True),
    UniqueConstraint("site_id", "name"),
)

resource_classes = Table(
    "resource_classes",
    metadata,
    id_(),
    ref("site_id", "sites.id"),
    Column("name", Name, nullable=False),
    Column("title", Text, nullable=False, default=""),
    Column("description", Text, nullable=False, default=""),
    Column("cpus", Float, nullable=False),
    Column("memory_gb", Float, nullable=False),
    Column("gpus", Integer, nullable=False, default=0),
    Column("disk_gb", Float, nullable=False, default=0.0),
    #: None: no limit of its own
    Column("lifetime_s", Float),
    #: labels of the runners that it is served by
    Column("labels", Document, nullable=False),
    #: names of the groups, and of the account classes, that may use it; both empty: everyone
    Column("groups", Document, nullable=False),
    Column("account_classes", Document, nullable=False),
    Column("position", Integer, nullable=False, default=0),
    when("created_at"),
    UniqueConstraint("site_id", "name"),
)
