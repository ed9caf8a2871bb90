"""Slows down guessing: failed sign-ins per name and per address, in this process's memory."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from alongside.errors import RateLimited

WINDOW = timedelta(minutes=5)
FAILURES_PER_NAME = 10
FAILURES_PER_ADDRESS = 50
MAX_KEYS = 10_000


class Limiter:
    """Counts failures in a sliding window. Safe to use from several threads."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, name: str, address: str, now: datetime) -> None:
        """
        Raises:
            RateLimited: too many attempts failed lately; says when to try again.
        """
        with self._lock:
            waits = [
                self._wait(f"name:{name}", FAILURES_PER_NAME, now),
                self._wait(f"address:{address}", FAILURES_PER_ADDRESS, now),
            ]
        if any(waits):
            seconds = int(max(waits)) + 1
            raise RateLimited(
                f"Too many attempts to sign in failed; try again in {seconds} seconds.", retry_after_s=seconds
            )

    def failed(self, name: str, address: str, now: datetime) -> None:
        with self._lock:
            for key in (f"name:{name}", f"address:{address}"):
                self._failures.setdefault(key, deque(maxlen=FAILURES_PER_ADDRESS)).append(now)
                self._failures.move_to_end(key)
            while len(self._failures) > MAX_KEYS:
                self._failures.popitem(last=False)

    def succeeded(self, name: str) -> None:
        with self._lock:
            self._failures.pop(f"name:{name}", None)

    def _wait(self, key: str, allowed: int, now: datetime) -> float:
        failures = self._failures.get(key)
        if failures is None:
            return 0.0
        while failures and failures[0] <= now - WINDOW:
            failures.popleft()
        if len(failures) < allowed:
            return 0.0
        return (failures[len(failures) - allowed] + WINDOW - now).total_seconds()
