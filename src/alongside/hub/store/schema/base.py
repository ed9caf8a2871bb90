"""What every table is made of: the metadata, its types and its usual columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    String,
    TypeDecorator,
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


def id_() -> Column[str]:
    return Column("id", Id, primary_key=True)


def ref(
    name: str, target: str, *, nullable: bool = False, key: bool = False, cascade: bool = True
) -> Column[Any]:
    action = "CASCADE" if cascade and not nullable else "SET NULL" if nullable else None
    return Column(name, Id, ForeignKey(target, ondelete=action), nullable=nullable, primary_key=key)


def when(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Instant, nullable=nullable)
