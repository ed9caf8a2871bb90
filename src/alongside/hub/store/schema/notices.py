"""Notices: inboxes, what is on its way by mail and webhook, wishes, and banners."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from alongside.hub.store.schema.base import Id, Name, id_, metadata, ref, when

notices = Table(
    "notices",
    metadata,
    id_(),
    ref("account_id", "accounts.id"),
    Column("kind", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False, default=""),
    Column("link", Text, nullable=False, default=""),
    #: no foreign key: a notice outlives its run
    Column("run_id", Id),
    #: notices of one topic are told once while the first is unread; empty: each by itself
    Column("topic", Name, nullable=False, default=""),
    #: how many of its topic this one stands for
    Column("times", Integer, nullable=False, default=1),
    when("created_at"),
    when("read_at", nullable=True),
    Index(None, "account_id", "id"),
    Index(None, "created_at"),
)

notice_settings = Table(
    "notice_settings",
    metadata,
    ref("account_id", "accounts.id", key=True),
    Column("kind", String(16), primary_key=True),
    Column("mail", Boolean, nullable=False),
    Column("webhook", Boolean, nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    id_(),
    ref("account_id", "accounts.id"),
    Column("url", Text, nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    Column("fault", Text, nullable=False, default=""),
    when("created_at"),
    Index(None, "account_id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    id_(),
    ref("notice_id", "notices.id", nullable=True),
    ref("webhook_id", "webhooks.id", nullable=True),
    Column("channel", String(8), nullable=False),
    Column("to_address", Text, nullable=False, default=""),
    Column("subject", Text, nullable=False, default=""),
    #: of a letter that is no notice; emptied once it is sent or given up
    Column("body", Text, nullable=False, default=""),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=0),
    when("due_at"),
    when("created_at"),
    when("ended_at", nullable=True),
    Index(None, "state", "due_at"),
    Index(None, "created_at"),
    Index(None, "notice_id"),
    Index(None, "webhook_id"),
)

banners = Table(
    "banners",
    metadata,
    id_(),
    #: `info`, `warning` or `down`
    Column("level", String(8), nullable=False),
    Column("text", Text, nullable=False),
    #: name of the site that it is about; None: all
    Column("site", Name),
    when("starts_at"),
    when("ends_at", nullable=True),
    #: from then on nothing new is launched there
    when("no_launch_from", nullable=True),
    when("created_at"),
    Index(None, "ends_at"),
)
