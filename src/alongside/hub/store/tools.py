"""Rows of tools and their versions, as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select

from alongside import values
from alongside.hub.store.database import Tx
from alongside.hub.store.schema import runs, tool_versions, tools
from alongside.hub.store.visibility import tag_names, visible
from alongside.spec.accounts import Caller
from alongside.spec.tools import ToolSpec, ToolVersion


def tool_id(tx: Tx, name: str) -> str | None:
    """The id of a tool, whoever may see it."""
    return tx.execute(select(tools.c.id).where(tools.c.name == name)).scalar_one_or_none()


def names(tx: Tx, caller: Caller, *, after: str | None = None, limit: int) -> list[str]:
    """Names of the tools that the caller may see, in order of the alphabet."""
    query = select(tools.c.name).where(visible("tool", tools.c.id, caller))
    if after is not None:
        query = query.where(tools.c.name > after)
    return list(tx.execute(query.order_by(tools.c.name).limit(limit)).scalars())


def versions(tx: Tx, caller: Caller, tool_names: Sequence[str]) -> list[ToolVersion]:
    """Every version of these tools that the caller may see, by name and then newest first."""
    query = (
        select(tool_versions, tools.c.name)
        .join(tools, tools.c.id == tool_versions.c.tool_id)
        .where(tools.c.name.in_(list(tool_names)), visible("tool", tools.c.id, caller))
        # Two versions of one moment have ids in no certain order: the version decides then.
        .order_by(
            tools.c.name,
            tool_versions.c.created_at.desc(),
            tool_versions.c.version.desc(),
        )
    )
    rows = tx.execute(query).all()
    tagged = tag_names(tx, "tool", {row.tool_id for row in rows})
    return [_version(row, tagged.get(row.tool_id, ())) for row in rows]


def version(tx: Tx, caller: Caller, name: str, number: str) -> ToolVersion | None:
    row = tx.execute(
        select(tool_versions, tools.c.name)
        .join(tools, tools.c.id == tool_versions.c.tool_id)
        .where(tools.c.name == name, tool_versions.c.version == number, visible("tool", tools.c.id, caller))
    ).first()
    if row is None:
        return None
    return _version(row, tag_names(tx, "tool", [row.tool_id]).get(row.tool_id, ()))


def first_publisher(tx: Tx, tool: str) -> str | None:
    """The account that published the first version of this tool; None when it is gone."""
    query = (
        select(tool_versions.c.created_by)
        .where(tool_versions.c.tool_id == tool)
        .order_by(tool_versions.c.created_at, tool_versions.c.id)
        .limit(1)
    )
    return tx.execute(query).scalar_one_or_none()


def add_tool(tx: Tx, tool: str, name: str, now: Any) -> None:
    tx.execute(insert(tools).values(id=tool, name=name, created_at=now))


def add_version(tx: Tx, tool: str, published: ToolVersion) -> None:
    tx.execute(
        insert(tool_versions).values(
            id=published.id,
            tool_id=tool,
            version=published.spec.version,
            spec=values.dump(published.spec),
            digest=published.digest,
            created_by=published.created_by,
            created_at=published.created_at,
        )
    )


def runs_of(tx: Tx, version_ids: Sequence[str]) -> int:
    """How many runs, ended ones too, were made from these versions."""
    query = select(func.count()).where(runs.c.tool_version_id.in_(list(version_ids)))
    return tx.execute(query).scalar_one()


def remove_version(tx: Tx, version_id: str) -> None:
    tx.execute(delete(tool_versions).where(tool_versions.c.id == version_id))


def remove_tool(tx: Tx, tool: str) -> None:
    """Remove a tool with all its versions."""
    tx.execute(delete(tools).where(tools.c.id == tool))


def _version(row: Any, tags: tuple[str, ...]) -> ToolVersion:
    return ToolVersion(
        id=row.id,
        spec=values.load(ToolSpec, row.spec),
        created_at=row.created_at,
        created_by=row.created_by,
        tags=tags,
        digest=row.digest,
    )
