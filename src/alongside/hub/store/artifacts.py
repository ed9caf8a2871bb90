"""Rows of artifacts, and the hub's own copies of small ones under the hash of their contents."""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from pathlib import Path

from sqlalchemy import Row, delete, func, insert, select

from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.hub.store.schema import artifacts
from alongside.spec.runs import Artifact


def put(
    tx: Tx,
    run: str,
    attempt: int,
    path: str,
    now: datetime,
    *,
    size_bytes: int,
    sha256: str,
    media_type: str,
    at_hub: bool,
) -> None:
    """Note an artifact; a copy that arrived before stays known while the contents are the same."""
    where = (artifacts.c.run_id == run) & (artifacts.c.attempt == attempt) & (artifacts.c.path == path)
    before = tx.execute(select(artifacts.c.sha256, artifacts.c.at_hub).where(where)).one_or_none()
    if before is not None:
        at_hub = at_hub or (before.at_hub and before.sha256 == sha256)
        tx.execute(delete(artifacts).where(where))
    tx.execute(
        insert(artifacts).values(
            id=new_id(now),
            run_id=run,
            attempt=attempt,
            path=path,
            size_bytes=size_bytes,
            sha256=sha256,
            media_type=media_type,
            at_hub=at_hub,
        )
    )


def has(tx: Tx, run: str, attempt: int, path: str) -> bool:
    where = (artifacts.c.run_id == run) & (artifacts.c.attempt == attempt) & (artifacts.c.path == path)
    return tx.execute(select(artifacts.c.id).where(where)).first() is not None


def count(tx: Tx, run: str, attempt: int) -> int:
    query = select(func.count()).where(artifacts.c.run_id == run, artifacts.c.attempt == attempt)
    return tx.execute(query).scalar_one()


def of_attempt(tx: Tx, run: str, attempt: int) -> list[Artifact]:
    rows = tx.execute(
        select(artifacts)
        .where(artifacts.c.run_id == run, artifacts.c.attempt == attempt)
        .order_by(artifacts.c.path)
    )
    return [_artifact(row) for row in rows]


def last_attempt(tx: Tx, run: str) -> int:
    """The newest attempt that left something behind; 0 if none did."""
    return tx.execute(select(func.max(artifacts.c.attempt)).where(artifacts.c.run_id == run)).scalar() or 0


def is_referred_to(tx: Tx, sha256: str) -> bool:
    query = select(artifacts.c.id).where(artifacts.c.sha256 == sha256, artifacts.c.at_hub).limit(1)
    return tx.execute(query).first() is not None


def hashes_at_hub(tx: Tx, run: str) -> list[str]:
    query = select(artifacts.c.sha256).where(artifacts.c.run_id == run, artifacts.c.at_hub)
    return list(tx.execute(query).scalars())


def blob(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256


def keep(folder: Path, sha256: str, data: bytes) -> None:
    """Write a copy; half a copy is never visible."""
    path = blob(folder, sha256)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f"{sha256}.{secrets.token_hex(4)}")
    try:
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _artifact(row: Row[tuple[object, ...]]) -> Artifact:
    return Artifact(
        id=row.id,
        run=row.run_id,
        attempt=row.attempt,
        path=row.path,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        media_type=row.media_type,
        at_hub=row.at_hub,
    )
