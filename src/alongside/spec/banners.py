"""Banners: what everybody is shown above every page, and from when on nothing new is launched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Level = Literal["info", "warning", "down"]


@dataclass(frozen=True)
class Banner:
    id: str
    level: Level
    text: str
    #: the site that it is about; None: all
    site: str | None
    starts_at: datetime
    #: None: until it is removed
    ends_at: datetime | None
    #: from then on nothing new is launched there; None: launches go on
    no_launch_from: datetime | None
    created_at: datetime

    def is_over(self, now: datetime) -> bool:
        return self.ends_at is not None and self.ends_at <= now

    def is_shown(self, now: datetime) -> bool:
        return self.starts_at <= now and not self.is_over(now)

    def forbids(self, now: datetime) -> bool:
        """Whether launches are refused."""
        return self.no_launch_from is not None and self.no_launch_from <= now and not self.is_over(now)
