"""What is due when, on the monotonic clock: setting the wall clock makes nothing early and nothing late."""

from __future__ import annotations

from datetime import datetime
from heapq import heapify, heappop, heappush

Key = tuple[str, str]
"""What kind of thing is due, and which one."""


class Deadlines:
    """A heap of deadlines. Of each key only the latest setting counts."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, Key]] = []
        self._due: dict[Key, float] = {}
        self._moments: dict[Key, datetime] = {}

    def at(self, key: Key, moment: datetime | None, now: datetime, monotonic: float) -> None:
        """Due at a moment of the wall clock, as it is now; None takes the deadline away.

        Saying the same moment again does not move the deadline, even if the wall clock was set meanwhile.
        """
        if moment is None:
            self.drop(key)
        elif self._moments.get(key) != moment:
            self.set(key, monotonic + (moment - now).total_seconds())
            self._moments[key] = moment

    def set(self, key: Key, due: float) -> None:
        self._moments.pop(key, None)
        self._due[key] = due
        heappush(self._heap, (due, key))
        if len(self._heap) > 2 * len(self._due) + 64:
            self._heap = [(due, key) for key, due in self._due.items()]
            heapify(self._heap)

    def drop(self, key: Key) -> None:
        self._due.pop(key, None)
        self._moments.pop(key, None)

    def take(self, monotonic: float, limit: int) -> list[Key]:
        """Keys that are due, the longest overdue first; they are forgotten."""
        taken: list[Key] = []
        while self._heap and self._heap[0][0] <= monotonic and len(taken) < limit:
            due, key = heappop(self._heap)
            if self._due.get(key) == due:
                self.drop(key)
                taken.append(key)
        return taken

    def is_due(self, monotonic: float) -> bool:
        return bool(self._heap) and self._heap[0][0] <= monotonic

    def __contains__(self, key: Key) -> bool:
        return key in self._due
