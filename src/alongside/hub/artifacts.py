"""What runs produced: listed at the hub, kept at the site, copied to the hub when small."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alongside.config import Config
from alongside.hub.keyring import Keyring
from alongside.hub.store.database import Tx
from alongside.spec.accounts import Caller
from alongside.spec.runs import Artifact


@dataclass(frozen=True)
class Found:
    """An artifact and where its bytes are: a file of the hub, or a link to the site. One of them is set."""

    artifact: Artifact
    file: Path | None = None
    url: str | None = None


def listing(tx: Tx, caller: Caller, run_id: str, *, attempt: int | None = None) -> list[Artifact]:
    """By path; of the latest attempt that has any unless one is asked for."""
    raise NotImplementedError


def find(
    tx: Tx, caller: Caller, run_id: str, path: str, now: datetime, *, config: Config, keyring: Keyring
) -> Found:
    """Raises RunUnknown, ArtifactUnknown."""
    raise NotImplementedError
