"""Two sites and several runners as real processes: runs go to their data, and past runners that die."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alongside.client.errors import Refused
from support.installation import Installation, opened, task

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A dataset at each of the sites `local` and `away`, two runners at the latter; one has a label."""
    folder = opened(tmp_path_factory.mktemp("sites"))
    data = folder / "data"
    data.mkdir()
    (data / "table.csv").write_text("x\n1\n")
    with Installation(folder, data=data) as place:
        place.add_runner("away-1", site="away", labels=("gpu",))
        place.add_runner("away-2", site="away")
        for site in ("local", "away"):
            where = [{"site": site, "path": str(data / "table.csv")}]
            place.client.datasets.register(where, identifiers=[f"doi:10.5072/{site}"])
        place.publish(task(input_path="/in/table.csv"))
        place.publish(task("labelled", labels=("gpu",)))
        yield place


@pytest.mark.parametrize("site", ["local", "away"])
def test_a_run_goes_where_its_data_is(place: Installation, site: str) -> None:
    run = place.client.launch("summary", f"doi:10.5072/{site}")
    assert place.client.runs.wait(run.id, timeout_s=60).site == site


def test_a_run_goes_to_the_runner_with_its_label(place: Installation) -> None:
    run = place.client.runs.wait(place.client.launch("labelled", "doi:10.5072/away").id, timeout_s=60)
    (attempt,) = place.client.runs.attempts(run.id)
    assert attempt.runner == "away-1"


def test_what_no_site_can_ever_serve_is_refused_with_each_site_s_reason(place: Installation) -> None:
    with pytest.raises(Refused) as caught:
        place.client.launch("labelled", "doi:10.5072/local")
    assert caught.value.code == "unplaceable"
    assert "away: no location of doi:10.5072/local" in caught.value.detail
    assert "local: lacks the label gpu" in caught.value.detail


def test_a_dataset_tells_the_sites_that_hold_it(place: Installation) -> None:
    holders = place.client.datasets.resolve("10.5072/AWAY").sites
    assert [(item.site, item.path_known, item.online, item.runners) for item in holders] == [
        ("away", True, True, 2),
        ("local", False, True, 1),
    ]


def test_a_task_whose_runner_died_is_done_by_another_and_accepted_once(place: Installation) -> None:
    run = place.client.launch("summary", "doi:10.5072/away", arguments={"sleep_s": 4})
    place.word(run.id, "Running")
    (first,) = place.client.runs.attempts(run.id)
    assert first.runner is not None
    place.kill(first.runner)
    done = place.client.runs.wait(run.id, timeout_s=60)
    assert (done.state, done.attempt) == ("complete", 2)
    place.start(first.runner)
    place.until(
        lambda: all(it.state == "online" and not it.runs for it in place.client.admin.runners()),
        "the runner is back and holds nothing",
    )
    # What the first one reports late is written down with its attempt, and changes nothing else.
    attempts = [(attempt.number, attempt.state) for attempt in place.client.runs.attempts(run.id)]
    assert attempts in ([(1, "system_error"), (2, "complete")], [(1, "complete"), (2, "complete")])
    assert place.client.runs.show(run.id).attempt == 2
    assert {artifact.attempt for artifact in place.client.runs.artifacts(run.id)} == {2}
