"""The contact to the hub: sessions, syncs, the parked wait, and what happens when there is none."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from alongside import values
from alongside.errors import EpochStale, Problem
from alongside.runner.disk import read_json, write_json
from alongside.runner.downloads import Downloads
from alongside.runner.enrolment import Credentials
from alongside.runner.holdings import Holdings
from alongside.runner.hub_client import HubClient
from alongside.runner.orders import Orders
from alongside.runner.spool import Ending, Spool
from alongside.runner.ways import EdgeWays
from alongside.spec.wire import Offer, Session, Sync, SyncAnswer

log = structlog.get_logger()

#: reports that one sync carries
REPORTS_MAX = 400
#: several things that happen together go in one sync
GATHER_S = 0.01
#: a hub that takes longer than this to answer is busy: it is told more at a time
SOON_S, GATHER_MAX_S = 0.05, 0.5
AWAY_FIRST_S = 0.2
AWAY_MAX_S = 5.0


class Contact:
    def __init__(
        self,
        hub: HubClient,
        who: Credentials,
        spool: Spool,
        orders: Orders,
        ways: EdgeWays,
        downloads: Downloads,
        offer: Callable[[], Awaitable[Offer]],
        news: asyncio.Event,
        activity: Callable[[], dict[str, dict[str, Any]]],
    ) -> None:
        self.hub = hub
        self.who = who
        self.spool = spool
        self.orders = orders
        self.holdings: Holdings = orders.holdings
        self.ways = ways
        self.downloads = downloads
        self.offer = offer
        #: there is something to say
        self.news = news
        #: what runs do
        self.activity = activity
        self.session: Session | None = None
        #: the hub has something for us: nothing to gather first
        self._called = False
        self._silence = Silence(spool.work_dir)
        if last := self._silence.last:
            downloads.size_max = last.get("stage_max_bytes", downloads.size_max)

    async def speak(self) -> None:
        """Forever: sync when there is something to say, and often enough to keep the leases."""
        away_s, gather_s = AWAY_FIRST_S, GATHER_S
        while True:
            try:
                session = self.session or await self._begin_session()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.news.wait(), session.sync_every_s)
                    if not self._called:
                        await asyncio.sleep(gather_s)
                self._called = False
                self.news.clear()
                asked = time.monotonic()
                await self._sync(session)
                gather_s = min(GATHER_MAX_S, max(GATHER_S, time.monotonic() - asked - SOON_S))
                away_s = AWAY_FIRST_S
            except EpochStale:
                # another process has our credentials, or the hub's database was restored
                log.warning("session was superseded")
                self.session = None
                await asyncio.sleep(away_s)
                away_s = min(AWAY_MAX_S, away_s * 2)
            except OSError as error:
                # an order that found no room on the disk is not acknowledged, and comes again
                log.error("an order could not be kept", reason=str(error))
                await asyncio.sleep(AWAY_MAX_S)
            except Problem as error:
                log.warning("hub not reached", reason=error.detail)
                self._end_unreachable()
                self.news.set()
                await asyncio.sleep(away_s * (0.75 + random.random() / 2))
                away_s = min(AWAY_MAX_S, away_s * 2)

    async def listen(self) -> None:
        """Forever: parked at the hub; hears that there is something, never what."""
        while True:
            try:
                if self.session is None:
                    await asyncio.sleep(AWAY_FIRST_S)
                    continue
                seq = await self.hub.wait(self.who.id, self.who.token, self.spool.acked_to)
                if seq > self.spool.acked_to:
                    self._called = True
                    self.news.set()
                    await asyncio.sleep(GATHER_S * 2)
            except Problem:
                await asyncio.sleep(1.0)

    async def _begin_session(self) -> Session:
        self.session = await self.hub.session(self.who.id, self.who.token)
        self._silence.begin(self.session)
        self.downloads.size_max = self.session.stage_max_bytes
        self.ways.trust(self.session.hub_public_key)
        self.news.set()
        return self.session

    async def _sync(self, session: Session) -> None:
        records = self.spool.attempts.values()
        sync = Sync(
            epoch=session.epoch,
            offer=await self.offer(),
            holding=tuple(record.holding() for record in records if record.open),
            reports=tuple(self.spool.pending(REPORTS_MAX)),
            acked_to=self.spool.acked_to,
            activity=self.activity(),
            errands=self.orders.errands.news(),
        )
        answer = await self.hub.sync(self.who.id, self.who.token, sync)
        self._silence.broken()
        self._believe(answer)

    def _believe(self, answer: SyncAnswer) -> None:
        answered: dict[str, set[int]] = {}
        for item in answer.reports:
            answered.setdefault(f"{item.run}-{item.attempt}", set()).add(item.number)
            if not item.accepted:
                log.warning("report refused", run=item.run, number=item.number, reason=item.reason)
        for key, numbers in answered.items():
            if record := self.spool.attempts.get(key):
                record.answer(numbers)
        if answered and self.spool.pending(1):
            self.news.set()
        self.orders.errands.believe(answer.errands)
        for item in sorted(answer.outbox, key=lambda item: item.seq):
            if item.seq > self.spool.acked_to:
                self.orders.accept(item)
                self.news.set()
        for verdict in answer.verdicts:
            attempt = self.holdings.find(verdict.run, verdict.attempt)
            if verdict.verdict == "kill" and attempt and attempt.record.final is None:
                self.holdings.end(attempt, Ending("kill", None, verdict.reason))

    def _end_unreachable(self) -> None:
        """Before the hub starts them elsewhere: an interactive run never exists twice."""
        if not self._silence.too_long():
            return
        for attempt in self.holdings.unfinished():
            if attempt.interactive and attempt.record.ending is None:
                reason = f"the site had no contact to the hub for {self._silence.seconds():.0f} s"
                self.holdings.end(attempt, Ending("stop", "unreachable", reason))


class Silence:
    """Since when the hub has not answered; how long it was silent before we were restarted counts too."""

    def __init__(self, work_dir: Path) -> None:
        self._session = work_dir / "session.json"
        self._mark = work_dir / "contact"
        #: what the hub said at the beginning of the session before
        self.last: dict[str, Any] | None = read_json(self._session)
        self._grace_s: float = self.last["unreachable_grace_s"] if self.last else float("inf")
        try:
            silent_s = max(0.0, time.time() - self._mark.stat().st_mtime)
        except FileNotFoundError:
            silent_s = 0.0
        self._since = time.monotonic() - silent_s

    def begin(self, session: Session) -> None:
        write_json(self._session, values.dump(session))
        self._grace_s = session.unreachable_grace_s
        self.broken()

    def broken(self) -> None:
        self._since = time.monotonic()
        with contextlib.suppress(OSError):
            # a mark that is too old makes tools stop too early after a restart, not too late
            self._mark.touch()

    def seconds(self) -> float:
        return time.monotonic() - self._since

    def too_long(self) -> bool:
        """A little before the hub thinks so."""
        return self.seconds() > self._grace_s - min(30.0, self._grace_s / 10)
