"""What was used, by day, and budgets over it. Names stay when what they name is gone: no foreign keys."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table

from alongside.hub.store.schema.base import Id, Name, id_, metadata, when


def _measures() -> tuple[Column[object], ...]:
    return (
        Column("cpu_s", Float, nullable=False, default=0.0),
        Column("gpu_s", Float, nullable=False, default=0.0),
        Column("memory_gb_s", Float, nullable=False, default=0.0),
        Column("wall_s", Float, nullable=False, default=0.0),
        Column("staged_bytes", BigInteger, nullable=False, default=0),
        Column("starts", Integer, nullable=False, default=0),
    )


usage = Table(
    "usage",
    metadata,
    #: as 2026-11-22, in UTC
    Column("day", String(10), primary_key=True),
    Column("account_id", Id, primary_key=True),
    Column("site", Name, primary_key=True),
    Column("tool", Name, primary_key=True),
    *_measures(),
    Index(None, "account_id", "day"),
)

dataset_usage = Table(
    "dataset_usage",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("dataset_id", Id, primary_key=True),
    Column("account_id", Id, primary_key=True),
    Column("site", Name, primary_key=True),
    *_measures(),
    Index(None, "account_id", "day"),
)

budgets = Table(
    "budgets",
    metadata,
    id_(),
    #: `account`, `group` or `everyone`
    Column("scope", String(8), nullable=False),
    Column("subject", Id, nullable=False, default=""),
    Column("measure", String(16), nullable=False),
    Column("amount", Float, nullable=False),
    #: `month` or `total`
    Column("period", String(8), nullable=False),
    Column("warn_at", Float, nullable=False),
    Column("stop", Boolean, nullable=False),
    Column("warned_for", String(8), nullable=False, default=""),
    Column("spent_for", String(8), nullable=False, default=""),
    when("stops_at", nullable=True),
    when("created_at"),
    Index(None, "spent_for"),
)
