"""A runner that speaks the wire protocol and runs nothing: a test tells it what its attempts do.

It keeps what a runner keeps (holdings, spool, acknowledged number), so that it can be restarted, cut
off and made to say things twice. How a sync travels is up to the caller: `say()` makes one, `hear()`
takes its answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from alongside import values
from alongside.spec.runs import FINAL
from alongside.spec.sites import Capacity, ExecutorStatus
from alongside.spec.wire import Assignment, ErrandNews, Holding, Offer, OutboxItem, Report, Sync, SyncAnswer
from support.catalog import JoinedRunner

ENDED = FINAL | {"paused"}


@dataclass
class Held:
    assignment: Assignment
    started: bool = False
    number: int = 0
    #: its last report is in the spool
    ended: bool = False


class RunnerDouble:
    """`obedient` ones stop, cancel, attach and detach at once when told to."""

    def __init__(
        self,
        joined: JoinedRunner,
        *,
        cpus: float = 4,
        memory_gb: float = 8,
        labels: tuple[str, ...] = (),
        executors: tuple[str, ...] = ("process",),
        obedient: bool = True,
    ) -> None:
        self.joined = joined
        self.epoch = 0
        self.acked_to = 0
        self.held: dict[tuple[str, int], Held] = {}
        self.spool: list[Report] = []
        #: everything that the hub ever told it to do
        self.heard: list[OutboxItem] = []
        #: (run, attempt) in the order in which they were handed to an executor
        self.executed: list[tuple[str, int]] = []
        self.obedient = obedient
        self.draining = False
        #: what it says that its runs do
        self.activity: dict[str, dict[str, Any]] = {}
        #: news of errands that the hub has not acknowledged
        self.news: list[ErrandNews] = []
        self.offer = Offer(
            labels=labels,
            executors=tuple(
                ExecutorStatus(kind, available=True, environments=("python",)) for kind in executors
            ),
            capacity=Capacity(cpus, memory_gb),
        )

    @property
    def id(self) -> str:
        return self.joined.id

    def say(self) -> Sync:
        return Sync(
            epoch=self.epoch,
            offer=replace(self.offer, draining=self.draining),
            holding=tuple(Holding(run, number, item.started) for (run, number), item in self.held.items()),
            reports=tuple(self.spool),
            acked_to=self.acked_to,
            activity=self.activity,
            errands=tuple(self.news),
        )

    def hear(self, answer: SyncAnswer) -> None:
        self.news = [item for item in self.news if item.number > answer.errands.get(item.errand, 0)]
        answered = {(item.run, item.attempt, item.number) for item in answer.reports}
        self.spool = [item for item in self.spool if (item.run, item.attempt, item.number) not in answered]
        waiting = {(item.run, item.attempt) for item in self.spool}
        for key, held in list(self.held.items()):
            if held.ended and key not in waiting:
                del self.held[key]
        for verdict in answer.verdicts:
            if verdict.verdict == "kill":
                self.held.pop((verdict.run, verdict.attempt), None)
        for item in answer.outbox:
            if item.seq > self.acked_to:
                self.acked_to = item.seq
                self.heard.append(item)
                self._do(item)

    def attempt_of(self, run: str) -> int:
        """The newest attempt of a run that it holds."""
        return max(number for held_run, number in self.held if held_run == run)

    def start(self, run: str) -> None:
        key = (run, self.attempt_of(run))
        self.held[key].started = True
        self.executed.append(key)
        self.report(run, "state", state="running")

    def ready(self, run: str, open_path: str = "/") -> None:
        self.report(run, "ready", body={"open_path": open_path})

    def finish(self, run: str, state: str = "complete", **more: Any) -> None:
        self.report(run, "state", state=state, **more)

    def report(self, run: str, kind: str, *, attempt: int | None = None, **members: Any) -> Report:
        number = self.attempt_of(run) if attempt is None else attempt
        held = self.held[run, number]
        held.number += 1
        held.ended = held.ended or members.get("state") in ENDED
        made = Report(run, number, held.number, kind, datetime.now(UTC), **members)  # type: ignore[arg-type]
        self.spool.append(made)
        return made

    def forget_everything(self) -> None:
        """Its disk was wiped: it comes back knowing nothing but its token."""
        self.acked_to, self.held, self.spool = 0, {}, []

    def _do(self, item: OutboxItem) -> None:
        if item.kind == "assign":
            assignment = values.load(Assignment, item.body)
            self.held.setdefault((assignment.run, assignment.attempt), Held(assignment))
            return
        if item.kind == "errand":
            return
        key = (item.body["run"], item.body.get("attempt", 0))
        held = self.held.get(key)
        if not self.obedient or held is None or held.ended:
            return
        run, attempt = key
        match item.kind:
            case "cancel":
                self.report(run, "state", attempt=attempt, state="canceled")
            case "stop":
                code = item.body["reason_code"]
                self.report(run, "state", attempt=attempt, state="paused", reason_code=code)
            case "attach":
                name = item.body["mount"]["name"]
                body = {"name": name, "status": "mounted", "mode": "mount", "detail": ""}
                self.report(run, "dataset", attempt=attempt, body=body)
                self.report(run, "action", attempt=attempt, body={"action": item.body["action"], "ok": True})
            case "detach":
                body = {"name": item.body["name"], "status": "detached"}
                self.report(run, "dataset", attempt=attempt, body=body)
                self.report(run, "action", attempt=attempt, body={"action": item.body["action"], "ok": True})
            case _:
                pass
