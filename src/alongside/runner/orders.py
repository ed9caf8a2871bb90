"""What the hub orders: made durable, acknowledged, and carried out until done, also after a restart."""

from __future__ import annotations

import asyncio
from typing import Any, get_args

import structlog

from alongside import values
from alongside.errors import Problem, Unavailable
from alongside.runner.errands import Errands
from alongside.runner.holdings import Holdings
from alongside.runner.homes import Homes
from alongside.runner.spool import Ending, Spool
from alongside.runner.tasks import Background, either
from alongside.runner.ways import EdgeWays
from alongside.spec.runs import ReasonCode
from alongside.spec.wire import Assignment, DatasetMount, Errand, OutboxItem

log = structlog.get_logger()

AGAIN_S = 1.0


class Orders:
    def __init__(
        self, spool: Spool, holdings: Holdings, homes: Homes, ways: EdgeWays, errands: Errands
    ) -> None:
        self.spool = spool
        self.holdings = holdings
        self.homes = homes
        self.ways = ways
        self.errands = errands
        self._background = Background()

    def resume(self) -> None:
        self.errands.resume()
        for seq, kind, body in self.spool.orders():
            self._background.begin(self._carry_out(seq, kind, body))

    def accept(self, item: OutboxItem) -> None:
        """Make an order durable, acknowledge it, and begin with it."""
        try:
            if item.kind == "assign":
                record = self.spool.add(values.load(Assignment, item.body))
                self.spool.ack(item.seq)
                self.holdings.take(record)
            elif item.kind in ("cancel", "stop"):
                self._end(item)
                self.spool.ack(item.seq)
            elif item.kind == "errand":
                self.errands.accept(values.load(Errand, item.body))
                self.spool.ack(item.seq)
            else:
                self.spool.order(item.seq, item.kind, item.body)
                self.spool.ack(item.seq)
                self._background.begin(self._carry_out(item.seq, item.kind, item.body))
        except (Problem, KeyError) as error:
            # a hub that is newer than we are; without the ack it would say so forever
            log.error("order not understood", seq=item.seq, kind=item.kind, reason=str(error))
            self.spool.ack(item.seq)

    async def let_go(self) -> None:
        await self.errands.let_go()
        await self._background.end()

    def _end(self, item: OutboxItem) -> None:
        if attempt := self.holdings.find(item.body["run"], item.body["attempt"]):
            code = item.body.get("reason_code")
            known = code if code in get_args(ReasonCode) else None
            kind = "stop" if item.kind == "stop" else "cancel"
            self.holdings.end(attempt, Ending(kind, known, item.body.get("reason") or ""))

    async def _carry_out(self, seq: int, kind: str, body: dict[str, Any]) -> None:
        if kind == "revoke":
            await self._revoke(body)
        elif kind == "remove":
            await self._remove(body["run"], body["account"])
        elif kind in ("attach", "detach"):
            await self._change_data(kind, body)
        self.spool.done(seq)

    async def _change_data(self, kind: str, body: dict[str, Any]) -> None:
        attempt = self.holdings.find(body["run"], body["attempt"])
        if attempt is None:
            return
        await either(attempt.begun, attempt.ended)
        if attempt.ended.is_set():
            return
        if kind == "attach":
            await attempt.supply.attach(values.load(DatasetMount, body["mount"]), body["action"])
        else:
            await attempt.supply.detach(body["name"], body["action"])

    async def _remove(self, run: str, account: str) -> None:
        """Nothing stays of a run that was deleted for good: home, outputs, logs, its way and its links."""
        await self.holdings.drop(run)
        trees = await asyncio.to_thread(self.homes.outputs, run)
        await asyncio.to_thread(self.homes.remove_run, account, run)
        while True:
            try:
                await self.ways.forget(run, trees)
                return
            except Unavailable:
                await asyncio.sleep(AGAIN_S)
            except Problem as error:
                log.warning("the edge does not forget", run=run, reason=error.detail)
                return

    async def _revoke(self, body: dict[str, Any]) -> None:
        while True:
            try:
                await self.ways.revoke(body["run"], body.get("grantee"))
                return
            except Unavailable:
                await asyncio.sleep(AGAIN_S)
            except Problem as error:
                log.info("nothing to revoke", run=body.get("run"), reason=error.detail)
                return
