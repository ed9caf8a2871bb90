"""Homes of accounts at sites, and their snapshots."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text, UniqueConstraint

from alongside.hub.store.schema.base import Name, id_, metadata, ref, when

homes = Table(
    "homes",
    metadata,
    id_(),
    ref("account_id", "accounts.id"),
    ref("site_id", "sites.id"),
    #: the one that has it on its disk, as far as anybody knows
    ref("runner_id", "runners.id", nullable=True),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("uid", BigInteger),
    Column("gid", BigInteger),
    Column("size_bytes", BigInteger),
    Column("files", BigInteger),
    #: null: what holds for the account
    Column("quota_bytes", BigInteger),
    #: its owner was told that it is full
    Column("warned", Boolean, nullable=False, default=False),
    when("measured_at", nullable=True),
    #: when it is to be measured; null: when somebody uses it again
    when("measure_at", nullable=True),
    when("created_at"),
    when("updated_at"),
    UniqueConstraint("account_id", "site_id"),
    Index(None, "measure_at"),
    Index(None, "site_id"),
)

home_snapshots = Table(
    "home_snapshots",
    metadata,
    id_(),
    ref("home_id", "homes.id"),
    Column("name", Name, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("size_bytes", BigInteger),
    Column("files", BigInteger),
    Column("shares_blocks", Boolean, nullable=False, default=False),
    when("created_at"),
    Index(None, "home_id", "id"),
)
