"""The hub's own keys: Ed25519 for tickets and signed links, a random one for attempt tokens.

They live in `<data_dir>/keys`, readable by the hub's user alone, and are made on first use.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

SIGNING_KEY = "hub.pem"
MAC_KEY = "attempts.key"
MAC_BYTES = 32


class Keyring:
    """Signs for the hub. Stateless beyond its two keys; safe to use from several threads."""

    def __init__(self, signing_pem: bytes, mac_key: bytes) -> None:
        key = load_pem_private_key(signing_pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the hub's signing key must be an Ed25519 key")
        self._key = key
        self._mac_key = mac_key
        #: PEM of the private key, for libraries that sign tokens themselves
        self.private_pem = signing_pem
        self.public_pem = (
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        )

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature, which sites check with `public_pem`."""
        return self._key.sign(message)

    def mac(self, message: bytes) -> bytes:
        """HMAC-SHA-256, which only hub processes can check."""
        return hmac.digest(self._mac_key, message, hashlib.sha256)

    def webhook_secret(self, webhook_id: str) -> str:
        """What the calls of a webhook are signed with: told once, kept nowhere, always the same."""
        return self.mac(b"webhook:" + webhook_id.encode()).hex()


def opened(folder: Path) -> Keyring:
    """The keys in `folder`, made if this is the first process to ask."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Keyring(
        _read_or_make(folder / SIGNING_KEY, _new_signing_key),
        _read_or_make(folder / MAC_KEY, lambda: secrets.token_bytes(MAC_BYTES)),
    )


def _new_signing_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    # Written aside and linked: of two processes that start together one wins, and nobody reads half a key.
    aside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink()
    return path.read_bytes()
