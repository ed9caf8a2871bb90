"""Errands: what a site is asked to do that is not about one run."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, String, Table, Text

from alongside.hub.store.schema.base import Document, Name, id_, metadata, ref, when

errands = Table(
    "errands",
    metadata,
    id_(),
    ref("runner_id", "runners.id"),
    #: for whom; None: for the site
    ref("account_id", "accounts.id", nullable=True),
    #: which of the runner's errand modules does it: `home`, `image`, `seal`, …
    Column("kind", String(16), nullable=False),
    #: what it is about, for those who look for it: a home's id, an image's name
    Column("subject", Name, nullable=False, default=""),
    Column("body", Document, nullable=False),
    Column("state", String(16), nullable=False),
    #: 0 to 100
    Column("progress", Float, nullable=False, default=0.0),
    Column("message", Text, nullable=False, default=""),
    Column("reason_code", String(32)),
    Column("reason", Text, nullable=False, default=""),
    Column("answer", Document, nullable=False),
    #: number of the newest news that was taken: older ones change nothing
    Column("news", BigInteger, nullable=False, default=0),
    when("created_at"),
    when("updated_at"),
    when("expires_at"),
    Index(None, "kind", "subject"),
    Index(None, "state"),
)
