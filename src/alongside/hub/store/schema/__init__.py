"""The tables. Plural names, unprefixed columns; the only place that describes them."""

from __future__ import annotations

from alongside.hub.store.schema.base import Document, Instant, metadata
from alongside.hub.store.schema.clockwork import changes, idempotency, leader
from alongside.hub.store.schema.data import datasets, identifiers, locations, lookups
from alongside.hub.store.schema.errands import errands
from alongside.hub.store.schema.files import drives
from alongside.hub.store.schema.homes import home_snapshots, homes
from alongside.hub.store.schema.notices import banners, deliveries, notice_settings, notices, webhooks
from alongside.hub.store.schema.people import (
    account_classes,
    accounts,
    address_links,
    audit,
    group_members,
    groups,
    invitations,
    outside_identities,
    sessions,
    signin_links,
    tag_accounts,
    tag_groups,
    tag_things,
    tags,
    throttle,
    tokens,
)
from alongside.hub.store.schema.places import registration_tokens, resource_classes, runners, sites
from alongside.hub.store.schema.runs import (
    actions,
    artifacts,
    attempts,
    events,
    leases,
    outbox,
    run_datasets,
    runs,
)
from alongside.hub.store.schema.sharing import presence, share_members, shares
from alongside.hub.store.schema.tools import tool_versions, tools
from alongside.hub.store.schema.usage import budgets, dataset_usage, usage

__all__ = [
    "Document",
    "Instant",
    "account_classes",
    "accounts",
    "actions",
    "address_links",
    "artifacts",
    "attempts",
    "audit",
    "banners",
    "budgets",
    "changes",
    "dataset_usage",
    "datasets",
    "deliveries",
    "drives",
    "errands",
    "events",
    "group_members",
    "groups",
    "home_snapshots",
    "homes",
    "idempotency",
    "identifiers",
    "invitations",
    "leader",
    "leases",
    "locations",
    "lookups",
    "metadata",
    "notice_settings",
    "notices",
    "outbox",
    "outside_identities",
    "presence",
    "registration_tokens",
    "resource_classes",
    "run_datasets",
    "runners",
    "runs",
    "sessions",
    "share_members",
    "shares",
    "signin_links",
    "sites",
    "tag_accounts",
    "tag_groups",
    "tag_things",
    "tags",
    "throttle",
    "tokens",
    "tool_versions",
    "tools",
    "usage",
    "webhooks",
]
