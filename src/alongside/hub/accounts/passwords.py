"""Password hashes: argon2id, few at a time, and as slow for unknown names as for known ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from alongside.errors import Fault, Invalid, Unavailable

MIN_LENGTH = 8
MAX_LENGTH = 1024
MEMORY_KIB = 19 * 1024
TIME_COST = 2
AT_ONCE = 2
WAIT_S = 10.0

#: a hash that no password has, of the same cost: checked when there is no account to check
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBmaXhlZCBzYWx0IQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class Passwords:
    """Hashes and checks passwords; safe to use from several threads, of which two work at once."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=1)
        self._slots = threading.BoundedSemaphore(AT_ONCE)

    def hashed(self, password: str, *, field: str = "password") -> str:
        """
        Raises:
            Invalid: it is too short or too long.
        """
        if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
            raise Invalid([Fault(field, f"must have {MIN_LENGTH} to {MAX_LENGTH} characters")])
        with self._slot():
            return self._hasher.hash(password)

    def matches(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one; takes as long when there is nothing to compare with."""
        if len(password) > MAX_LENGTH:
            return False
        with self._slot():
            try:
                return self._hasher.verify(stored or NOBODY, password) and stored is not None
            except (VerificationError, InvalidHashError):
                return False

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=WAIT_S):
            raise Unavailable("Too many people sign in at this moment; try again.")
        try:
            yield
        finally:
            self._slots.release()
