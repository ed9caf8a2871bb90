"""Which programs run beside which tools, and that there are not too many of them."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator

from alongside.runner.executors import CannotEnter, Inside, Program
from alongside.runner.holdings import Holdings
from alongside.spec.shells import CONNECTIONS_MAX

#: beside each run, over all its connections: ssh has several in one
PROGRAMS_MAX = 128


class Places:
    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._connections: Counter[str] = Counter()
        self._programs: Counter[str] = Counter()

    def open_in(self, run: str) -> int:
        return self._connections[run]

    @contextlib.contextmanager
    def connection(self, run: str) -> Iterator[None]:
        """
        Raises:
            CannotEnter: too many.
        """
        if self._connections[run] >= CONNECTIONS_MAX:
            raise CannotEnter(f"{CONNECTIONS_MAX} shells are open in this run; close one of them first")
        self._connections[run] += 1
        try:
            yield
        finally:
            self._connections[run] -= 1
            if not self._connections[run]:
                del self._connections[run]

    @contextlib.asynccontextmanager
    async def program(self, run: str, wanted: Program) -> AsyncIterator[Inside]:
        """A program in the run, closed at the end.

        Raises:
            CannotEnter: the run has no processes here now, or too many programs.
        """
        if self._programs[run] >= PROGRAMS_MAX:
            raise CannotEnter(f"{PROGRAMS_MAX} programs were started in this run and have not ended")
        self._programs[run] += 1
        try:
            inside = await self._enter(run, wanted)
            try:
                yield inside
            finally:
                await inside.close()
        finally:
            self._programs[run] -= 1
            if not self._programs[run]:
                del self._programs[run]

    async def _enter(self, run: str, wanted: Program) -> Inside:
        for attempt in self._holdings.attempts.values():
            held = attempt.held
            if held.assignment.run == run and held.job is not None and held.record.handle is not None:
                return await held.executor.enter(held.record.handle, held.job, wanted)
        raise CannotEnter("the run has no processes here now")
