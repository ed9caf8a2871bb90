"""What runs produced: listed at the hub, kept at the site, copied to the hub when small."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from alongside.config import Config
from alongside.errors import ArtifactUnknown, Fault, Invalid, RunUnknown, TooLarge
from alongside.hub import grants
from alongside.hub.keyring import Keyring
from alongside.hub.store import artifacts as store
from alongside.hub.store import runs as runs_store
from alongside.hub.store.database import Tx
from alongside.spec.accounts import Caller
from alongside.spec.runs import Artifact

#: larger ones stay at the site alone
COPY_MAX_BYTES = 1_000_000
PATH_MAX = 1024
#: of one report; each is a row, and a transaction changes at most 500
REPORTED_MAX = 400
#: of one attempt: as many as a runner lists
ARTIFACTS_MAX = 10_000


@dataclass(frozen=True)
class Found:
    """An artifact and where its bytes are: a file of the hub, or a link to the site. One of them is set."""

    artifact: Artifact
    file: Path | None = None
    url: str | None = None


def listing(tx: Tx, caller: Caller, run_id: str, *, attempt: int | None = None) -> list[Artifact]:
    """By path; of the newest attempt that has any unless one is asked for.

    Raises:
        RunUnknown
    """
    _visible(tx, caller, run_id)
    number = store.last_attempt(tx, run_id) if attempt is None else attempt
    return store.of_attempt(tx, run_id, number)


def find(
    tx: Tx, caller: Caller, run_id: str, path: str, now: datetime, *, config: Config, keyring: Keyring
) -> Found:
    """
    Raises:
        RunUnknown
        ArtifactUnknown: the newest attempt with artifacts has none of this path.
    """
    artifact = next((item for item in listing(tx, caller, run_id) if item.path == path), None)
    if artifact is None:
        raise ArtifactUnknown(f"the run has no artifact {path!r}")
    if artifact.at_hub:
        return Found(artifact, file=store.blob(config.data_dir / "blobs", artifact.sha256))
    tree = grants.output_tree(run_id, artifact.attempt)
    return Found(artifact, url=grants.file_link(tx, run_id, tree, path, now, config=config, keyring=keyring))


def note(
    tx: Tx, run_id: str, attempt: int, body: Mapping[str, Any], now: datetime, *, most: int = ARTIFACTS_MAX
) -> str:
    """What a runner found in an attempt's output folder. Paths that are none are left out.

    Answers why some of it is not taken, if so.
    """
    left, omitted = most - store.count(tx, run_id, attempt), 0
    for item in list(body.get("artifacts", ()))[:REPORTED_MAX]:
        path = str(item.get("path", ""))
        if path_fault(path):
            continue
        if not store.has(tx, run_id, attempt, path):
            if left <= 0:
                omitted += 1
                continue
            left -= 1
        store.put(
            tx,
            run_id,
            attempt,
            path,
            now,
            size_bytes=int(item.get("size_bytes", 0)),
            sha256=str(item.get("sha256", ""))[:64],
            media_type=str(item.get("media_type") or media_type_of(path))[:128],
            at_hub=False,
        )
    return f"an attempt has at most {most} artifacts: {omitted} of these are left out" if omitted else ""


def receive(
    tx: Tx,
    run_id: str,
    attempt: int,
    path: str,
    data: bytes,
    now: datetime,
    *,
    config: Config,
    most: int = ARTIFACTS_MAX,
) -> None:
    """Keep the hub's copy of a small artifact. The file is written before the row says that it is there.

    Raises:
        Invalid: the path leads elsewhere.
        TooLarge: it is one of those that stay at the site, or the attempt has too many.
    """
    if fault := path_fault(path):
        raise Invalid([Fault("path", fault)])
    if len(data) >= COPY_MAX_BYTES:
        raise TooLarge(f"the hub keeps copies below {COPY_MAX_BYTES} bytes", limit_bytes=COPY_MAX_BYTES)
    if not store.has(tx, run_id, attempt, path) and store.count(tx, run_id, attempt) >= most:
        raise TooLarge(f"an attempt has at most {most} artifacts", limit=most)
    sha256 = hashlib.sha256(data).hexdigest()
    store.keep(config.data_dir / "blobs", sha256, data)
    store.put(
        tx,
        run_id,
        attempt,
        path,
        now,
        size_bytes=len(data),
        sha256=sha256,
        media_type=media_type_of(path),
        at_hub=True,
    )


def path_fault(path: str) -> str | None:
    """What is wrong with a path relative to an output folder, if anything."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or str(PurePosixPath(path)) != path:
        return "must be a plain relative path"
    if len(path.encode()) > PATH_MAX or not path.isprintable():
        return f"must be printable and at most {PATH_MAX} bytes"
    return None


def media_type_of(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def _visible(tx: Tx, caller: Caller, run_id: str) -> None:
    run = runs_store.standing(tx, run_id, lock=False)
    if run is None or not (caller.is_admin or run.account == caller.account.id) or run.deleting:
        raise RunUnknown(f"no run has the id {run_id}")
