"""Believing runners: each report changes a run at most once, and only while its attempt is the latest."""

from __future__ import annotations

from datetime import datetime

from alongside.config import Config
from alongside.hub.store.database import Tx
from alongside.spec.wire import Report, ReportAnswer


def apply(tx: Tx, runner_id: str, report: Report, now: datetime, *, config: Config) -> ReportAnswer | None:
    """Take one report; None when an earlier one of the same attempt is still missing."""
    raise NotImplementedError
