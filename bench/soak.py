"""Launches, stops, deletes and kill -9s in a random order, then the books are checked; again per seed.

    python -m bench.soak [--minutes 10] [--seeds N] [--first-seed 1] [--executor process|docker]

One installation of real processes with both executors (Docker where an engine can be started). A round
of one seed ends with everybody's runs in the state they were asked for, everything deleted, and nothing
left: no process, container, network, folder, mount, route, slot or lease. Stops at the first round
whose books are not right and says its seed.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from alongside.client.errors import CallFailed, Refused
from alongside.spec.runs import Run
from alongside.spec.tools import Resources, Restart
from support import tool_programs
from support.books import AT_REST, Books
from support.docker_engine import BASE, DockerEngine, missing, running_engine
from support.installation import Installation, opened, server, task

#: acts of one round
ACTS = 25
RUNS_MAX = 8
SETTLED_WITHIN_S = 90.0
DATA = "doi:10.5072/soak"
SMALL = Resources(cpus=0.5, memory_gb=0.25)
#: deaths of parts that the runner counts as the tool's would be a fault of ours; kills of tools are not
RESTARTS = Restart(times=20, backoff_s=0.1)
KILLED = ("hub", "dispatcher", "runner", "edge")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="begin no further round after so long")
    parser.add_argument("--seeds", type=int, default=10_000, help="rounds at most")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--executor", choices=("process", "docker"), help="only this one; default both")
    options = parser.parse_args()
    # asked to end, it takes its installation down as well
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    until = time.monotonic() + options.minutes * 60
    with _installed(options.executor) as (place, engine, kinds):
        done: Counter[str] = Counter()
        rounds = 0
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            if time.monotonic() > until:
                break
            began = time.monotonic()
            round = Round(place, engine, kinds, random.Random(seed))
            try:
                round.play()
            except BaseException:
                _say(f"seed {seed} failed after: {', '.join(round.story)}")
                round.tell()
                raise
            rounds += 1
            done.update(round.done)
            _say(f"seed {seed}: {dict(round.done)}, {time.monotonic() - began:.0f} s, books are right")
    _say(f"{rounds} rounds: {dict(done)}; every book was right")
    return 0


@dataclass
class Wanted:
    """A run and the state that its owner asked for last; None if that is not known."""

    run: Run
    end: str | None = None


class Round:
    """One random schedule; `play` raises AssertionError when the books are not right at its end."""

    def __init__(
        self,
        place: Installation,
        engine: DockerEngine | None,
        kinds: tuple[str, ...],
        chance: random.Random,
    ) -> None:
        self.place = place
        self.runs = place.client.runs
        self.engine = engine
        self.kinds = kinds
        self.chance = chance
        self.books = Books(place, engine)
        self.wanted: dict[str, Wanted] = {}
        self.done: Counter[str] = Counter()
        self.story: list[str] = []

    def play(self) -> None:
        acts: list[tuple[int, Callable[[], None]]] = [
            (4, self.launch_task),
            (3, self.launch_tool),
            (2, self.stop),
            (2, self.start),
            (1, self.cancel),
            (2, self.delete),
            (5, self.kill),
            (1, self.kill_several),
            (1, self.kill_engine),
        ]
        for _ in range(ACTS):
            (act,) = self.chance.choices([act for _, act in acts], [weight for weight, _ in acts])
            act()
            time.sleep(self.chance.choice((0, 0.01, 0.1, 0.5)))
        self.place.until(self.place.well, "every part is well", within_s=SETTLED_WITHIN_S)
        self.settle()
        self.place.delete_runs()
        self.books.close(within_s=30)

    def settle(self) -> None:
        """Every run comes to the state that was asked for, and a task to its end once."""
        for item in self.wanted.values():
            self.place.until(
                lambda item=item: self._settled(item),
                f"{item.run.id} is {item.end}",
                within_s=SETTLED_WITHIN_S,
            )
            if item.run.kind == "task" and self.place.knows(item.run.id):
                self.books.told_once(self.runs.show(item.run.id))

    def tell(self) -> None:
        """What has become of every run, for whoever looks for the cause."""
        for item in self.wanted.values():
            with contextlib.suppress(CallFailed):
                found = self.runs.show(item.run.id)
                _say(
                    f"{found.id} {found.tool} on {found.request.executor}: asked for {item.end}, "
                    f"is {found.state}, ready={found.ready}, {found.reason_code}: {found.reason}"
                )
                for event in self.runs.events(item.run.id):
                    said = (event.attempt, event.kind, event.state, event.reason_code, event.message)
                    _say(f"    {event.at:%H:%M:%S.%f} {' '.join(str(part) for part in said if part)}")

    def _settled(self, item: Wanted) -> bool:
        try:
            found = self.runs.show(item.run.id)
        except Refused as refusal:
            return refusal.code == "run_unknown" and item.end in (None, "canceled")
        now = "ready" if found.ready else found.state
        return now == item.end or (item.end is None and (found.ready or found.state in AT_REST))

    def launch_task(self) -> None:
        if len(self.wanted) < RUNS_MAX:
            arguments = {"sleep_s": self.chance.choice((0, 0.3, 2.0))}
            self._launch("summary", "complete", arguments=arguments)

    def launch_tool(self) -> None:
        if len(self.wanted) < RUNS_MAX:
            self._launch(self.chance.choice(("lab", "port")), "ready")

    def stop(self) -> None:
        self._act("stop", "interactive", "paused", self.runs.stop)

    def start(self) -> None:
        self._act("start", "interactive", "ready", self.runs.start)

    def cancel(self) -> None:
        # it may complete in the same moment
        self._act("cancel", "task", None, self.runs.cancel)

    def delete(self) -> None:
        self._act("delete", None, "canceled", self.runs.delete)

    def kill(self) -> None:
        self._kill(self.chance.choice(KILLED))

    def kill_several(self) -> None:
        self._kill(*self.chance.sample(KILLED, k=2))

    def kill_engine(self) -> None:
        if self.engine is not None:
            self.engine.restart(signal.SIGKILL)
            self._note("kill the engine")

    def _kill(self, *parts: str) -> None:
        for part in parts:
            self.place.kill(part)
        time.sleep(self.chance.uniform(0, 1.0))
        self.place.start(*parts)
        self._note(f"kill {'+'.join(parts)}")
        # The next act meets parts in whatever state they are in; most need a hub that answers.
        if self.chance.random() < 0.7:
            self.place.until(self.place.answers, "the hub answers", within_s=SETTLED_WITHIN_S)

    def _launch(self, tool: str, end: str, **wish: object) -> None:
        kind = self.chance.choice(self.kinds)
        with self._hub_may_be_away():
            run = self.place.client.launch(tool, DATA, executor=kind, **wish)
            self.wanted[run.id] = Wanted(run, end)
            self._note(f"launch {tool} on {kind}")

    def _act(self, name: str, kind: str | None, end: str | None, act: Callable[[str], object]) -> None:
        some = [item for item in self.wanted.values() if kind in (None, item.run.kind)]
        if not some:
            return
        item = self.chance.choice(some)
        before = item.end
        # whether the hub took it is not known when its answer is lost
        item.end = None
        with self._hub_may_be_away():
            try:
                act(item.run.id)
            except Refused as refusal:
                if refusal.status >= 500:
                    raise
                # what it is now does not allow that; it stays what was asked for before
                item.end = before
                return
            item.end = end
            self._note(f"{name} {item.run.tool}")

    @contextlib.contextmanager
    def _hub_may_be_away(self) -> Iterator[None]:
        try:
            yield
        except CallFailed as error:
            if isinstance(error, Refused) and error.status < 500:
                raise
            self._note("hub away")

    def _note(self, what: str) -> None:
        self.done[what.split(" ")[0]] += 1
        self.story.append(what)


@contextlib.contextmanager
def _installed(only: str | None) -> Iterator[tuple[Installation, DockerEngine | None, tuple[str, ...]]]:
    """Two runners of one site would hide what one leaves behind: there is one, with both executors."""
    with contextlib.ExitStack() as stack:
        engine = None
        if only != "process":
            if reason := missing():
                _say(f"NO DOCKER ENGINE, processes only: {reason}")
            else:
                engine = stack.enter_context(running_engine())
        kinds = tuple(kind for kind in ("process", "docker") if only in (None, kind))
        if engine is None:
            kinds = ("process",)
        folder = opened(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="al-soak-"))))
        data = folder / "data"
        data.mkdir()
        (data / "table.csv").write_text("x\n1\n")
        runner: dict[str, object] = {
            "executors": tuple(f"alongside.runner.executors.{kind}" for kind in kinds),
        }
        if engine is not None:
            runner |= {"docker_socket": str(engine.socket), "tool_subnet": engine.subnet}
        place = stack.enter_context(
            Installation(
                folder,
                data=data,
                accounts={"running_max": 100},
                dispatcher={"lease_ttl_s": 4.0, "retries": 20},
                # one that is not given back is missed within some rounds
                edge={"slots": 2 * RUNS_MAX},
                runner=runner,
            )
        )
        place.client.datasets.register(
            [{"site": "local", "path": str(data / "table.csv")}], identifiers=[DATA]
        )
        place.publish(task(image=BASE, input_path="/in/table.csv", resources=SMALL))
        for name, where in (("lab", "{socket}"), ("port", "{port}")):
            spec = server(
                name, tool_programs.SERVER, image=BASE, where=where, resources=SMALL, restart=RESTARTS
            )
            place.publish(spec)
        yield place, engine, kinds


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
