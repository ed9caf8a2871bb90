"""Images that a site is to have before the first launch asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alongside.spec.runs import State


@dataclass(frozen=True)
class ImagePull:
    """One image at one runner, and how far it is with fetching it."""

    id: str
    site: str
    #: name of the runner
    runner: str
    image: str
    #: `queued` until the runner has heard of it; `complete` once the image is there
    state: State
    #: 0 to 100, of the bytes of those layers that are known so far
    progress: float
    message: str
    created_at: datetime
    updated_at: datetime
    reason_code: str | None = None
    reason: str = ""
