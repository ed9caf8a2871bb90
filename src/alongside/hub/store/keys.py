"""New ids and secrets, and the hashes under which secrets are stored."""

from __future__ import annotations

import hashlib
import os
import secrets
from datetime import datetime

from alongside.spec import ids


def new_id(now: datetime) -> str:
    """A lower-case ULID."""
    return ids.ulid(int(now.timestamp() * 1000), os.urandom(ids.ENTROPY_BYTES))


def new_secret(prefix: str = "") -> str:
    """256 bits, URL-safe."""
    return prefix + secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """SHA-256 in hexadecimal: enough for random secrets, which nobody can guess."""
    # Headers may hold bytes that are no text; their hash is that of no secret.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
