"""Letters that the hub has on their way, as their readers would get them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import select

from alongside.hub.store import schema
from alongside.hub.store.database import Database


@dataclass(frozen=True)
class Letter:
    to: str
    subject: str
    body: str

    @property
    def token(self) -> str:
        """The secret of the link in it."""
        found = re.search(r"#(?:token|invitation)=(\S+)", self.body)
        assert found, self.body
        return found[1]


def letters(database: Database, to: str) -> list[Letter]:
    """Oldest first."""
    table = schema.deliveries
    with database.read() as tx:
        rows = tx.execute(
            select(table)
            .where(table.c.channel == "mail", table.c.to_address == to)
            .order_by(table.c.created_at, table.c.id)
        )
        return [Letter(row.to_address, row.subject, row.body) for row in rows]
