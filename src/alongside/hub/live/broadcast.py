"""Who listens to what: hints from the dispatcher's turns, fanned out to open connections."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

#: hints that a connection may lag behind before it is closed; browsers connect again and read afresh
LAG_MAX = 1000


@dataclass(frozen=True)
class Hint:
    """Something changed: enough to know whom it concerns and what to read again."""

    kind: str
    key: str
    #: the account that it concerns; None where that depends on tags
    account: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


class Broadcast:
    """Used from the event loop only."""

    def __init__(self) -> None:
        self._listeners: dict[asyncio.Queue[Hint | None], str | None] = {}

    @contextmanager
    def listening(self, key: str | None = None) -> Iterator[asyncio.Queue[Hint | None]]:
        """A queue of hints about one key, or about everything; None in it means: close."""
        queue: asyncio.Queue[Hint | None] = asyncio.Queue(LAG_MAX + 1)
        self._listeners[queue] = key
        try:
            yield queue
        finally:
            self._listeners.pop(queue, None)

    def publish(self, hint: Hint) -> None:
        for queue, key in list(self._listeners.items()):
            if key not in (None, hint.key):
                continue
            if queue.qsize() >= LAG_MAX:
                self._close(queue)
            else:
                queue.put_nowait(hint)

    def close(self) -> None:
        for queue in list(self._listeners):
            self._close(queue)

    def _close(self, queue: asyncio.Queue[Hint | None]) -> None:
        self._listeners.pop(queue, None)
        while queue.full():
            queue.get_nowait()
        queue.put_nowait(None)
