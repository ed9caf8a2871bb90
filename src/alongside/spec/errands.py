"""Errands: what a site is asked to do that is not about one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alongside.spec.runs import State

#: news of errands that one sync carries; what is beyond comes with the next
NEWS_MAX = 50


@dataclass(frozen=True)
class AskedErrand:
    """An errand as the hub knows it."""

    id: str
    runner: str
    #: for whom; None: for the site
    account: str | None
    kind: str
    #: what it is about: a home's id, an image's name
    subject: str
    #: `queued`, `running`, or one it ended in
    state: State
    created_at: datetime
    updated_at: datetime
    #: when it is given up unless something is heard of it
    expires_at: datetime
    body: dict[str, Any] = field(default_factory=dict)
    #: 0 to 100
    progress: float = 0.0
    message: str = ""
    reason_code: str | None = None
    reason: str = ""
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.state in ("queued", "running")
