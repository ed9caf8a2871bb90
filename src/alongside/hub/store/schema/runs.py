"""Runs, their attempts, and what is said to and heard of them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from alongside.hub.store.schema.base import Document, Id, Name, Sequence, id_, metadata, ref, when

runs = Table(
    "runs",
    metadata,
    id_(),
    ref("account_id", "accounts.id", cascade=False),
    ref("tool_version_id", "tool_versions.id", cascade=False),
    Column("tool", Name, nullable=False),
    Column("version", Name, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("title", Text, nullable=False, default=""),
    Column("state", String(16), nullable=False),
    Column("reason_code", String(32)),
    Column("reason", Text, nullable=False, default=""),
    Column("ready", Boolean, nullable=False, default=False),
    Column("request", Document, nullable=False),
    Column("cpus", Float, nullable=False),
    Column("memory_gb", Float, nullable=False),
    Column("gpus", Integer, nullable=False, default=0),
    Column("disk_gb", Float, nullable=False, default=0.0),
    Column("priority", Integer, nullable=False, default=0),
    ref("site_id", "sites.id", nullable=True),
    Column("executor", String(32)),
    #: number of the latest attempt; the fencing token
    Column("attempt", Integer, nullable=False, default=0),
    Column("lost_attempts", Integer, nullable=False, default=0),
    Column("restarts", Integer, nullable=False, default=0),
    Column("progress", Float, nullable=False, default=0.0),
    Column("message", Text, nullable=False, default=""),
    Column("exit_code", Integer),
    Column("open_path", Text, nullable=False, default="/"),
    #: on which its programs listen, as its runner said last
    Column("ports", Document),
    Column("revision", Integer, nullable=False, default=1),
    #: asked to be deleted for good once nothing runs
    Column("deleting", Boolean, nullable=False, default=False),
    when("created_at"),
    when("updated_at"),
    #: a retry is not placed before this
    when("not_before", nullable=True),
    when("queued_at", nullable=True),
    when("started_at", nullable=True),
    when("ready_at", nullable=True),
    when("ended_at", nullable=True),
    when("ends_at", nullable=True),
    #: name of the class that its resources come from
    Column("resource_class", Name),
    #: where the class, or any that holds these resources, is: {sites: [names], labels: […]}; None: anywhere
    Column("confined", Document),
    #: pauses so long after it became ready; None: never
    Column("lifetime_s", Float),
    #: an extension leaves it at most so long
    Column("lifetime_max_s", Float),
    #: pauses when idle for so long, 0: never; None: as the hub is set up
    Column("idle_s", Float),
    #: since when it is idle, and when it pauses for that: both while its owner is warned
    when("idle_since", nullable=True),
    when("pauses_at", nullable=True),
    #: its owner said that it is in use
    when("kept_at", nullable=True),
    Index(None, "account_id", "state"),
    Index(None, "state", "queued_at"),
    Index(None, "tool"),
)

run_datasets = Table(
    "run_datasets",
    metadata,
    ref("run_id", "runs.id", key=True),
    Column("name", Name, primary_key=True),
    ref("dataset_id", "datasets.id", nullable=True),
    Column("identifier", Text, nullable=False),
    Column("title", Text, nullable=False, default=""),
    Column("mode", String(8), nullable=False),
    Column("status", String(16)),
    Column("detail", Text, nullable=False, default=""),
    Column("position", Integer, nullable=False, default=0),
    Index(None, "dataset_id"),
)

leases = Table(
    "leases",
    metadata,
    id_(),
    ref("runner_id", "runners.id"),
    when("granted_at"),
    Index(None, "runner_id"),
)

attempts = Table(
    "attempts",
    metadata,
    ref("run_id", "runs.id", key=True),
    Column("number", Integer, primary_key=True),
    ref("runner_id", "runners.id", nullable=True),
    Column("lease_id", Id),
    Column("site", Name),
    Column("runner", Name),
    Column("executor", String(32)),
    Column("state", String(16), nullable=False),
    Column("reason_code", String(32)),
    Column("reason", Text, nullable=False, default=""),
    Column("exit_code", Integer),
    #: highest report number that has been applied
    Column("last_report", Integer, nullable=False, default=0),
    #: how long the log is in the end, as far as the runner has said so
    Column("log_bytes", BigInteger),
    #: up to when what it held is booked as used
    when("counted_to", nullable=True),
    #: holds slots at its runner
    Column("held", Boolean, nullable=False, default=True),
    when("created_at"),
    when("started_at", nullable=True),
    when("ended_at", nullable=True),
    Index(None, "runner_id", "held"),
)

outbox = Table(
    "outbox",
    metadata,
    ref("runner_id", "runners.id", key=True),
    Column("seq", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("run_id", Id),
    Column("attempt", Integer),
    Column("body", Document, nullable=False),
    when("created_at"),
)

actions = Table(
    "actions",
    metadata,
    id_(),
    ref("run_id", "runs.id"),
    ref("account_id", "accounts.id"),
    Column("kind", String(16), nullable=False),
    Column("body", Document, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason_code", String(32)),
    Column("reason", Text, nullable=False, default=""),
    when("created_at"),
    when("updated_at"),
    when("expires_at"),
    Index(None, "run_id"),
    Index(None, "state"),
)

events = Table(
    "events",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    ref("run_id", "runs.id"),
    Column("attempt", Integer, nullable=False),
    when("at"),
    Column("kind", String(16), nullable=False),
    Column("state", String(16)),
    Column("progress", Float),
    Column("message", Text, nullable=False, default=""),
    Column("reason_code", String(32)),
    Index(None, "run_id", "seq"),
)

artifacts = Table(
    "artifacts",
    metadata,
    id_(),
    ref("run_id", "runs.id"),
    Column("attempt", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("media_type", Name, nullable=False),
    Column("at_hub", Boolean, nullable=False, default=False),
    UniqueConstraint("run_id", "attempt", "path"),
)
