"""Identifiers of our own things: lower-case ULIDs, DNS-safe and ordered by time."""

from __future__ import annotations

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
ENTROPY_BYTES = 10


def ulid(milliseconds: int, entropy: bytes) -> str:
    """A 26-character ULID from Unix time in milliseconds and 10 random bytes."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"entropy must be {ENTROPY_BYTES} bytes, got {len(entropy)}")
    number = (milliseconds << 80) | int.from_bytes(entropy, "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def is_ulid(text: str) -> bool:
    return len(text) == LENGTH and text[0] <= "7" and all(char in _ALPHABET for char in text)
