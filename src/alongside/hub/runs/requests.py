"""Asking for a run: everything that can be wrong is said at once, and the quota is checked in the same breath."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alongside.config import Config
from alongside.hub.store.database import Tx
from alongside.spec.accounts import Caller
from alongside.spec.runs import Run, RunRequest
from alongside.spec.tools import Resources


@dataclass(frozen=True)
class PreviewedDataset:
    identifier: str
    title: str
    size_bytes: int | None
    #: id of the dataset
    dataset: str


@dataclass(frozen=True)
class Place:
    site: str
    runner: str
    ok: bool
    reason: str


@dataclass(frozen=True)
class Quota:
    used: float
    #: None means no limit
    limit: float | None


@dataclass(frozen=True)
class Preview:
    """What a launch would do, for the page that asks for consent."""

    tool: str
    version: str
    datasets: tuple[PreviewedDataset, ...]
    places: tuple[Place, ...]
    #: a run of the caller that would serve instead
    match: Run | None
    #: running, cpus, memory_gb
    quota: dict[str, Quota]
    resources: Resources
    arguments_schema: dict[str, Any]


def request(tx: Tx, caller: Caller, wish: RunRequest, now: datetime, *, config: Config) -> Run:
    """Queue a run.

    Raises:
        Invalid: naming every fault; ToolUnknown, ToolVersionUnknown, IdentifierUnknown, SiteUnknown;
        QuotaExceeded: saying which limit and how much of it is used; Unplaceable: no site can ever serve it.
    """
    raise NotImplementedError


def preview(tx: Tx, caller: Caller, wish: RunRequest, now: datetime, *, config: Config) -> Preview:
    """What `request` would do; nothing is written. Raises as `request` does, except for quota and places."""
    raise NotImplementedError
