"""Scenarios as data: steps on a hub turned by hand with scripted runners, and the states expected of them.

Each file of `fixtures/` is one scenario; the invariants of `support.houses` are checked after each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from alongside.errors import Problem, code_of
from support.houses import House, a_house
from support.runner_double import RunnerDouble

FIXTURES = Path(__file__).parent / "fixtures"
SCENARIOS = sorted(FIXTURES.glob("*.yaml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=[path.stem for path in SCENARIOS])
def test_scenario(path: Path, tmp_path: Path) -> None:
    scenario = yaml.safe_load(path.read_text())
    with a_house(tmp_path / "data", **scenario.get("settings", {})) as house:
        player = Player(house)
        for number, step in enumerate(scenario["steps"], 1):
            ((verb, given),) = step.items()
            try:
                getattr(player, verb)(given)
            except AssertionError as error:
                raise AssertionError(f"{path.name}, step {number} ({verb}): {error}") from error
        house.settle()


class Player:
    """One method per verb of the scenarios."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.runs: dict[str, str] = {}
        self.actions: dict[str, str] = {}

    def join(self, given: dict[str, Any]) -> None:
        """{runner, site, ...offer}: a runner registers at a site and syncs for the first time."""
        name = given.pop("runner")
        self.house.join(given.pop("site", "lab"), name, **given)
        self.house.sync(name)

    def request(self, given: dict[str, Any]) -> None:
        """{as, tool, ...wish}; `refused` is the code of the problem expected."""
        name = given.pop("as")
        if refused := given.pop("refused", None):
            with pytest.raises(Problem) as caught:
                self.house.request(**given)
            assert caught.value.code == refused
        else:
            self.runs[name] = self.house.request(**given).id

    def act(self, given: dict[str, Any]) -> None:
        """{run, kind, as?, ...body}; `refused` is the code of the problem expected."""
        name, run = given.pop("as", ""), self.runs[given.pop("run")]
        if refused := given.pop("refused", None):
            with pytest.raises(Problem) as caught:
                self.house.act(run, **given)
            assert caught.value.code == refused
        else:
            self.actions[name] = self.house.act(run, **given).id

    def sync(self, given: str | list[str]) -> None:
        for name in [given] if isinstance(given, str) else given:
            self.house.sync(name)

    def sync_without_answer(self, given: str) -> None:
        """The hub takes it, and the runner never hears so."""
        self.house.sync(given, deliver=False)

    def sync_refused(self, given: dict[str, str]) -> None:
        """{runner, code}"""
        with pytest.raises(Problem) as caught:
            self.house.sync(given["runner"])
        assert code_of(type(caught.value)) == given["code"]

    def start(self, given: str) -> None:
        """The runner that holds the run starts its attempt."""
        self._runner_of(given).start(self.runs[given])

    def ready(self, given: str) -> None:
        self._runner_of(given).ready(self.runs[given])

    def finish(self, given: dict[str, Any]) -> None:
        """{run, state, ...}: the attempt's last report."""
        run = given.pop("run")
        self._runner_of(run, given.pop("runner", None)).finish(self.runs[run], **given)

    def report(self, given: dict[str, Any]) -> None:
        """{run, kind, ...}: any other report."""
        run = given.pop("run")
        self._runner_of(run, given.pop("runner", None)).report(self.runs[run], **given)

    def reverse_spool(self, given: str) -> None:
        """Reports arrive in the wrong order."""
        self.house.runners[given].spool.reverse()

    def double_spool(self, given: str) -> None:
        """Every report arrives twice."""
        self.house.runners[given].spool *= 2

    def drop_from_spool(self, given: dict[str, Any]) -> None:
        """{runner, number}: this report is held up on its way; `put_back` lets it go."""
        double = self.house.runners[given["runner"]]
        self.kept = [item for item in double.spool if item.number == given["number"]]
        double.spool = [item for item in double.spool if item.number != given["number"]]

    def put_back(self, given: str) -> None:
        self.house.runners[given].spool += self.kept

    def pass_s(self, given: float | dict[str, Any]) -> None:
        """Seconds go by; {seconds, syncing: [...]} with runners that sync meanwhile."""
        if isinstance(given, dict):
            self.house.pass_s(given["seconds"], syncing=tuple(given["syncing"]))
        else:
            self.house.pass_s(given)

    def dispatcher_down(self, given: float) -> None:
        """Nobody turns for so many seconds; then a new dispatcher leads."""
        self.house.clock.pass_s(given)
        self.house.lead()
        self.house.turn()

    def step_clock(self, given: float) -> None:
        """Somebody sets the wall clock."""
        self.house.clock.step(given)

    def restart_runner(self, given: str) -> None:
        """A new process with the old disk: a new session."""
        self.house.session(given)

    def newer_session_elsewhere(self, given: str) -> None:
        """Another process of the same runner opens a session."""
        epoch = self.house.runners[given].epoch
        self.house.session(given)
        self.house.runners[given].epoch = epoch

    def wipe_runner(self, given: str) -> None:
        self.house.runners[given].forget_everything()
        self.house.session(given)

    def drain(self, given: str) -> None:
        self.house.runners[given].draining = True

    def disobey(self, given: str) -> None:
        """It takes orders and does not carry them out yet."""
        self.house.runners[given].obedient = False

    def expect(self, given: dict[str, Any]) -> None:
        """{run, ...members of the run}"""
        run = self.house.run(self.runs[given.pop("run")])
        for name, value in given.items():
            assert getattr(run, name) == value, (
                f"{name} is {getattr(run, name)!r} ({run.reason}), not {value!r}"
            )

    def expect_gone(self, given: str) -> None:
        with pytest.raises(Problem) as caught:
            self.house.run(self.runs[given])
        assert caught.value.code == "run_unknown"

    def expect_action(self, given: dict[str, Any]) -> None:
        action = self.house.action(self.actions[given.pop("action")])
        for name, value in given.items():
            assert getattr(action, name) == value, f"{name} is {getattr(action, name)!r}, not {value!r}"

    def expect_datasets(self, given: dict[str, Any]) -> None:
        """{run, status: {name: status}}"""
        run = self.house.run(self.runs[given["run"]])
        assert {item.name: item.status for item in run.datasets} == given["status"]

    def expect_held(self, given: dict[str, list[str]]) -> None:
        """{runner: [runs]}: what the runner holds, in any order."""
        for name, wanted in given.items():
            held = sorted(run for run, _ in self.house.runners[name].held)
            assert held == sorted(self.runs[run] for run in wanted), f"{name} holds {held}"

    def expect_heard(self, given: dict[str, list[str]]) -> None:
        """{runner: [kinds]}: everything that the runner was ever told, in order."""
        for name, wanted in given.items():
            heard = [item.kind for item in self.house.runners[name].heard]
            assert heard == wanted, f"{name} heard {heard}"

    def expect_executed(self, given: dict[str, int]) -> None:
        """{run: times} over all runners."""
        for run, times in given.items():
            count = sum(
                key[0] == self.runs[run] for double in self.house.runners.values() for key in double.executed
            )
            assert count == times, f"{run} was executed {count} times"

    def _runner_of(self, run: str, name: str | None = None) -> RunnerDouble:
        if name is not None:
            return self.house.runners[name]
        holders = [
            double
            for double in self.house.runners.values()
            if any(held == self.runs[run] for held, _ in double.held)
        ]
        assert len(holders) == 1, f"{len(holders)} runners hold {run}"
        return holders[0]
