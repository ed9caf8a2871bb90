"""Who may come into a run that is not theirs, and who is in one."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table

from alongside.hub.store.schema.base import Id, id_, metadata, ref, when

shares = Table(
    "shares",
    metadata,
    id_(),
    ref("run_id", "runs.id"),
    #: `person`, `group` or `code`
    Column("kind", String(8), nullable=False),
    #: whoever it is given to; both are null for a code
    Column("account_id", Id, ForeignKey("accounts.id", ondelete="CASCADE")),
    Column("group_id", Id, ForeignKey("groups.id", ondelete="CASCADE")),
    Column("code_hash", String(64), unique=True),
    ref("created_by", "accounts.id", nullable=True),
    when("created_at"),
    when("expires_at", nullable=True),
    Index(None, "run_id"),
    Index(None, "account_id"),
    Index(None, "group_id"),
    Index(None, "expires_at"),
)

share_members = Table(
    "share_members",
    metadata,
    ref("share_id", "shares.id", key=True),
    ref("account_id", "accounts.id", key=True),
    #: when this person redeemed the code
    when("joined_at", nullable=True),
    #: shut out alone, while the share goes on
    when("removed_at", nullable=True),
    Index(None, "account_id"),
)

presence = Table(
    "presence",
    metadata,
    ref("run_id", "runs.id", key=True),
    ref("account_id", "accounts.id", key=True),
    when("came_at"),
    #: null while this person is in
    when("left_at", nullable=True),
)
