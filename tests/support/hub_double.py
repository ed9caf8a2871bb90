"""A hub for runners under test: the live runner protocol with scripted orders, remembering what it hears.

It accepts reports as a hub does (per attempt in order, once each) and can go away, lose answers and
begin new epochs. Loopback only; `async with HubDouble() as hub`.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from aiohttp import web

from alongside import values
from alongside.spec.runs import State
from alongside.spec.tools import Resources, ToolSpec
from alongside.spec.wire import (
    Assignment,
    DatasetMount,
    ErrandNews,
    OutboxItem,
    Owner,
    Registered,
    Report,
    ReportAnswer,
    Session,
    Sync,
    SyncAnswer,
    Verdict,
)

REGISTRATION_TOKEN = "register-me"
RUNNER_TOKEN = "runner-secret"
ATTEMPT_TOKEN = "attempt-secret"


class HubDouble:
    def __init__(self, *, sync_every_s: float = 0.5, unreachable_grace_s: float = 600) -> None:
        self.sync_every_s = sync_every_s
        self.unreachable_grace_s = unreachable_grace_s
        self.epoch = 0
        self.registered = 0
        #: how many registrations are refused because a runner of the name is at work
        self.namesake_for = 0
        self.outbox: list[OutboxItem] = []
        self.acked_to = 0
        #: per (run, attempt) in order, each once
        self.reports: defaultdict[tuple[str, int], list[Report]] = defaultdict(list)
        #: how often each report came, also the repeated ones
        self.heard: defaultdict[tuple[str, int, int], int] = defaultdict(int)
        self.logs: defaultdict[tuple[str, int], bytearray] = defaultdict(bytearray)
        self.artifacts: dict[tuple[str, int, str], bytes] = {}
        self.syncs: list[Sync] = []
        #: per errand in order, each once
        self.news: defaultdict[str, list[ErrandNews]] = defaultdict(list)
        self.verdicts: list[Verdict] = []
        #: answers 503 to everything
        self.away = False
        #: takes this many syncs in and then breaks the connection before it answers
        self.lose_answers = 0
        self._changed = asyncio.Condition()
        self._runs = 0

    async def __aenter__(self) -> HubDouble:
        app = web.Application(middlewares=[self._maybe_away], client_max_size=4 << 20)
        app.router.add_post("/api/v1/runners/register", self._register)
        app.router.add_post("/live/v1/runners/{id}/session", self._session)
        app.router.add_post("/live/v1/runners/{id}/sync", self._sync)
        app.router.add_get("/live/v1/runners/{id}/wait", self._wait)
        app.router.add_put("/live/v1/attempts/{run}/{n}/log", self._log)
        app.router.add_put("/live/v1/attempts/{run}/{n}/artifacts/{path:.+}", self._artifact)
        self._server = web.AppRunner(app, shutdown_timeout=0.1)
        await self._server.setup()
        site = web.TCPSite(self._server, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._server.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.cleanup()

    async def assign(
        self,
        tool: ToolSpec,
        *,
        executor: str = "process",
        lease: str | None = None,
        run: str | None = None,
        attempt: int = 1,
        datasets: tuple[DatasetMount, ...] = (),
        arguments: dict[str, Any] | None = None,
        resources: Resources | None = None,
        open: str | None = None,
    ) -> str:
        """Order a run; its id."""
        self._runs += 1
        run = run or f"01k{self._runs:023d}"
        assignment = Assignment(
            run=run,
            attempt=attempt,
            lease=lease or f"lease-{self._runs}",
            owner=Owner("01kaccount", "alice"),
            executor=executor,
            tool=tool,
            datasets=datasets,
            arguments=arguments or {},
            resources=resources or tool.resources,
            token=ATTEMPT_TOKEN,
            open=open,
        )
        await self.order("assign", values.dump(assignment))
        return run

    async def order(self, kind: str, body: dict[str, Any]) -> None:
        async with self._changed:
            self.outbox.append(OutboxItem(len(self.outbox) + 1, kind, body))
            self._changed.notify_all()

    async def errand_ended(self, errand: str, within_s: float = 60) -> ErrandNews:
        def last() -> ErrandNews | None:
            return next((item for item in self.news[errand] if item.state != "running"), None)

        return await self.until(last, within_s)

    def told(self, run: str, kind: str, attempt: int = 1) -> list[Report]:
        return [report for report in self.reports[run, attempt] if report.kind == kind]

    def states(self, run: str, attempt: int = 1) -> list[State | None]:
        """The states a run went through, each mentioned once in a row."""
        found: list[State | None] = []
        for report in self.told(run, "state", attempt):
            if found[-1:] != [report.state]:
                found.append(report.state)
        return found

    async def until(self, condition: Callable[[], Any], within_s: float = 30) -> Any:
        """What `condition` returns, as soon as it is true after something was heard."""
        try:
            async with asyncio.timeout(within_s), self._changed:
                return await self._changed.wait_for(condition)
        except TimeoutError:
            heard = "\n".join(str(report) for reports in self.reports.values() for report in reports)
            raise AssertionError(f"not within {within_s} s; heard:\n{heard}") from None

    async def ended(self, run: str, attempt: int = 1, within_s: float = 30) -> Report:
        ends = {"complete", "executor_error", "system_error", "canceled", "paused", "preempted"}

        def last() -> Report | None:
            return next((item for item in self.told(run, "state", attempt) if item.state in ends), None)

        return await self.until(last, within_s)

    async def ready(self, run: str, attempt: int = 1, times: int = 1) -> Report:
        return (await self.until(lambda: self.told(run, "ready", attempt)[times - 1 :]))[0]

    @web.middleware
    async def _maybe_away(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.away:
            return web.json_response({"code": "unavailable", "detail": "away"}, status=503)
        return await handler(request)

    async def _register(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["registration_token"] != REGISTRATION_TOKEN:
            return web.json_response({"code": "unauthenticated", "detail": "unknown token"}, status=401)
        if self.namesake_for > 0:
            self.namesake_for -= 1
            return web.json_response({"code": "name_taken", "detail": "it is at work"}, status=409)
        self.registered += 1
        return web.json_response(values.dump(Registered("01krunner", RUNNER_TOKEN, "lab")), status=201)

    async def _session(self, request: web.Request) -> web.Response:
        self._check(request, RUNNER_TOKEN)
        self.epoch += 1
        session = Session(
            self.epoch, "lab", 15.0, self.sync_every_s, self.unreachable_grace_s, "-----BEGIN PUBLIC KEY-----"
        )
        return web.json_response(values.dump(session))

    async def _sync(self, request: web.Request) -> web.Response:
        self._check(request, RUNNER_TOKEN)
        sync = values.load_json(Sync, await request.read())
        if sync.epoch != self.epoch:
            return web.json_response({"code": "epoch_stale", "detail": "a newer session exists"}, status=409)
        async with self._changed:
            self.syncs.append(sync)
            self.acked_to = max(self.acked_to, sync.acked_to)
            answers = [answer for report in sync.reports if (answer := self._take(report))]
            for news in sync.errands:
                if news.number > max((item.number for item in self.news[news.errand]), default=0):
                    self.news[news.errand].append(news)
            verdicts, self.verdicts = tuple(self.verdicts), []
            self._changed.notify_all()
        if self.lose_answers:
            self.lose_answers -= 1
            assert request.transport is not None
            request.transport.close()
        outbox = tuple(item for item in self.outbox if item.seq > sync.acked_to)
        heard = {news.errand: news.number for news in sync.errands}
        return web.json_response(values.dump(SyncAnswer(15.0, outbox, verdicts, tuple(answers), heard)))

    def _take(self, report: Report) -> ReportAnswer | None:
        self.heard[report.run, report.attempt, report.number] += 1
        taken = self.reports[report.run, report.attempt]
        if report.number > len(taken) + 1:
            return None
        if report.number == len(taken) + 1:
            taken.append(report)
        return ReportAnswer(report.run, report.attempt, report.number, True)

    async def _wait(self, request: web.Request) -> web.Response:
        self._check(request, RUNNER_TOKEN)
        after = int(request.query["after"])
        async with self._changed:
            try:
                async with asyncio.timeout(1):
                    await self._changed.wait_for(lambda: len(self.outbox) > after)
            except TimeoutError:
                pass
            return web.json_response({"seq": len(self.outbox)})

    async def _log(self, request: web.Request) -> web.Response:
        self._check(request, ATTEMPT_TOKEN)
        content = self.logs[request.match_info["run"], int(request.match_info["n"])]
        offset = int(request.query["offset"])
        if offset > len(content):
            return web.json_response({"size": len(content)}, status=409)
        body = await request.read()
        content[offset:] = content[offset:] if offset + len(body) < len(content) else body
        async with self._changed:
            self._changed.notify_all()
        return web.json_response({"size": len(content)})

    async def _artifact(self, request: web.Request) -> web.Response:
        self._check(request, ATTEMPT_TOKEN)
        key = (request.match_info["run"], int(request.match_info["n"]), request.match_info["path"])
        self.artifacts[key] = await request.read()
        return web.Response(status=204)

    def _check(self, request: web.Request, token: str) -> None:
        if request.headers.get("Authorization") != f"Bearer {token}":
            raise web.HTTPUnauthorized(
                text=json.dumps({"code": "unauthenticated"}), content_type="application/json"
            )
