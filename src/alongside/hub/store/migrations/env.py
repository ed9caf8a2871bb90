"""Run by Alembic, which `alongside.hub.store.migrate` calls with a connection that holds the write lock."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON

from alongside.hub.store.schema import Instant, metadata


def _render(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """A migration describes the past, so it must not mention types of ours, which change."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.String(27)"
    if kind == "type" and isinstance(item, JSON):
        autogen_context.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most things; Alembic then copies the table.
    render_as_batch=True,
    render_item=_render,
    compare_type=True,
)
context.run_migrations()
