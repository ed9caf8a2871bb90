"""A hub whose clockwork is turned by hand, with people, sites, tools and scripted runners in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from alongside.errors import Problem
from alongside.hub import runs, sites
from alongside.hub.clockwork import ON_END, Clockwork, Incoming, Turn
from alongside.hub.store import leadership
from alongside.hub.store.database import Tx
from alongside.hub.store.schema import attempts, leases
from alongside.hub.store.schema import runs as runs_table
from alongside.spec.accounts import Caller
from alongside.spec.datasets import Dataset
from alongside.spec.runs import Action, DatasetUse, Run, RunRequest
from alongside.spec.tools import Resources
from alongside.spec.wire import VERSION, SyncAnswer
from support import catalog, people
from support.hubs import Clock, make_hub
from support.runner_double import RunnerDouble


class House:
    """`request`, `act`, `sync`, `pass_s`, `run`: what a test does and looks at."""

    def __init__(self, folder: Path, *, database: Any = None, clock: Any = None, **dispatcher: Any) -> None:
        self.clock = clock or Clock()
        #: what happens at the end of errands, by kind; the rooms' own unless a test says otherwise
        self.on_end: Any = ON_END
        self.hub = make_hub(folder, self.clock, database=database, **dispatcher)
        self.people: dict[str, Caller] = {}
        self.runners: dict[str, RunnerDouble] = {}
        with self.hub.database.write() as tx:
            self.people["admin"] = people.person(tx, self.clock(), "admin", "admin")
            self.people["ann"] = people.person(tx, self.clock(), "ann")
            catalog.tool(tx, self.people["admin"], "count", self.clock(), kind="task")
            catalog.tool(tx, self.people["admin"], "notebook", self.clock(), kind="interactive")
        self.clockwork = self.lead()

    def lead(self) -> Clockwork:
        """A dispatcher starts (again): nothing is remembered but what the tables say."""
        with self.hub.database.write() as tx:
            self.clockwork = Clockwork(self.hub, leadership.take(tx, "test", self.clock()), self.on_end)
        return self.clockwork

    def join(self, site: str, name: str, **offer: Any) -> RunnerDouble:
        # Ids of one moment have no certain order, and equal runners are taken by id.
        self.clock.pass_s(0.001)
        with self.hub.database.write() as tx:
            if site not in {item.name for item in sites.page(tx, None, 100)}:
                catalog.site(tx, site, self.clock())
            joined = catalog.runner(tx, site, name, self.clock())
        self.runners[name] = RunnerDouble(joined, **offer)
        self.session(name)
        return self.runners[name]

    def session(self, name: str) -> None:
        double = self.runners[name]
        with self.hub.database.write() as tx:
            opened = sites.open_session(tx, double.id, double.joined.token, VERSION, self.clock())
        double.epoch = opened.epoch

    def dataset(self, identifier: str, *, at: str | None, **more: Any) -> Dataset:
        with self.hub.database.write() as tx:
            return catalog.dataset(tx, self.people["admin"], identifier, self.clock(), at=at, **more)

    def request(self, tool: str, *, who: str = "ann", **wish: Any) -> Run:
        uses = tuple(DatasetUse(item) for item in wish.pop("datasets", ()))
        if "cpus" in wish:
            wish["resources"] = Resources(wish.pop("cpus"), 0.1)
        # Runs of one moment wait in no certain order.
        self.clock.pass_s(0.001)
        with self.hub.database.write() as tx:
            return runs.request(
                tx,
                self.people[who],
                RunRequest(tool, datasets=uses, **wish),
                self.clock(),
                config=self.hub.config,
            )

    def act(self, run: str, kind: Any, *, who: str = "ann", **body: Any) -> Action:
        self.clock.pass_s(0.001)
        with self.hub.database.write() as tx:
            return runs.act(tx, self.people[who], run, kind, body, self.clock(), config=self.hub.config)

    def turn(self, *incoming: Incoming) -> Turn:
        return self.clockwork.turn(incoming, self.clock(), self.clock.monotonic)

    def sync(self, name: str, *, deliver: bool = True) -> SyncAnswer:
        """One sync of a runner; `deliver=False` loses the answer on its way back."""
        double = self.runners[name]
        turn = self.turn(Incoming(double.id, double.joined.token, double.say()))
        answer = turn.answers[0]
        if isinstance(answer, Problem):
            raise answer
        if deliver:
            double.hear(answer)
        return answer

    def settle(self) -> None:
        """Sync everybody until nothing is left to say."""
        for _ in range(10):
            for name in self.runners:
                self.sync(name)
            if not any(double.spool for double in self.runners.values()):
                break

    def pass_s(self, seconds: float, *, syncing: tuple[str, ...] = ()) -> None:
        """Time goes by in steps of a second, in which the dispatcher turns and some runners sync."""
        passed = 0.0
        while passed < seconds:
            step = min(1.0, seconds - passed)
            self.clock.pass_s(step)
            passed += step
            self.turn()
            for name in syncing:
                self.sync(name)

    def run(self, run: str) -> Run:
        with self.hub.database.read() as tx:
            return runs.get(tx, self.people["admin"], run)

    def action(self, action: str) -> Action:
        with self.hub.database.read() as tx:
            return runs.action(tx, self.people["admin"], action)

    def check(self) -> None:
        with self.hub.database.read() as tx:
            check_invariants(tx)

    def close(self) -> None:
        self.hub.database.close()


@contextmanager
def a_house(folder: Path, **more: Any) -> Iterator[House]:
    """Checked when the block ends without an error."""
    house = House(folder, **more)
    try:
        yield house
        house.check()
    finally:
        house.close()


def check_invariants(tx: Tx) -> None:
    """What holds after every scenario, whatever happened in it."""
    for run in tx.execute(select(runs_table)).all():
        tries = tx.execute(
            select(attempts).where(attempts.c.run_id == run.id).order_by(attempts.c.number)
        ).all()
        numbers = [item.number for item in tries]
        assert numbers == list(range(1, run.attempt + 1)), "exactly one latest attempt, none missing"
        held = [item.number for item in tries if item.held]
        if run.state in {"initializing", "running", "canceling"}:
            assert held == [run.attempt], f"{run.state} run holds the slots of its latest attempt"
        else:
            assert held == [], f"{run.state} run leaks slots"
        for item in tries:
            assert item.held == (item.ended_at is None), "an attempt holds slots until it ends"
        accepted = [item.number for item in tries if item.state in {"complete", "executor_error"}]
        if run.kind == "task" and run.state in {"complete", "executor_error"}:
            assert run.attempt in accepted, "the result is that of the latest attempt"
        assert run.state == "running" or not run.ready, "only what runs is ready"
    held_leases = set(tx.execute(select(attempts.c.lease_id).where(attempts.c.held)).scalars())
    assert set(tx.execute(select(leases.c.id)).scalars()) == held_leases, "a lease ends with its attempts"
