"""A whole installation as real processes: data, a task, an interactive tool, and deaths of every part."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alongside.client.errors import Refused, RunFailed
from alongside.spec.runs import DatasetUse, Run
from support.installation import Installation, opened, server, task

pytestmark = pytest.mark.timeout(300)

DOI = "doi:10.5072/whole"
TEXT = "x,y\n1,2\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation with a file, a folder, a task and an interactive double."""
    folder = opened(tmp_path_factory.mktemp("whole"))
    data = folder / "data"
    (data / "more").mkdir(parents=True)
    (data / "table.csv").write_text(TEXT)
    (data / "more" / "note.txt").write_text("beside")
    with Installation(folder, data=data) as place:
        register = place.client.datasets.register
        register([{"site": "local", "path": str(data / "table.csv")}], identifiers=[DOI], title="A table")
        register([{"site": "local", "path": str(data / "more")}], identifiers=[f"{DOI}.more"], title="More")
        place.publish(task(input_path="/in/table.csv"))
        place.publish(server())
        yield place


LARGE = """
import json, os, pathlib, sys
json.load(sys.stdin)
output = pathlib.Path(os.environ["ALONGSIDE_OUTPUT"])
(output / "large.bin").write_bytes(b"0123456789" * 200_000)
(output / "page.html").write_text("<script>alert(document.cookie)</script>")
os.symlink("/etc/passwd", output / "link")
"""


def ready(place: Installation, *datasets: str) -> Run:
    run = place.client.launch("lab", *datasets)
    found = place.word(run.id, "Ready", "Failed", "Ended")
    assert found.ready, found.reason
    return found


def test_a_large_artifact_comes_from_the_site_and_a_page_never_runs_as_ours(
    place: Installation, tmp_path: Path
) -> None:
    client = place.client
    place.publish(task("large", LARGE))
    run = client.runs.wait(client.launch("large").id, timeout_s=60)
    found = {artifact.path: artifact for artifact in client.runs.artifacts(run.id)}
    assert {path: item.at_hub for path, item in found.items()} == {"large.bin": False, "page.html": True}
    assert client.runs.download(run.id, found["large.bin"], tmp_path).stat().st_size == 2_000_000
    browser = place.visitor("admin")
    large = browser.get(f"{place.url}/api/v1/runs/{run.id}/artifacts/large.bin")
    assert large.url.startswith(f"http://files.localhost:{place.config.edge.port}/f/")
    page = browser.get(f"{place.url}/api/v1/runs/{run.id}/artifacts/page.html")
    assert page.headers["Content-Disposition"].startswith("attachment")
    assert page.headers["Content-Security-Policy"].startswith("sandbox")


def test_a_task_reads_the_file_where_it_is_and_leaves_an_artifact(
    place: Installation, tmp_path: Path
) -> None:
    client = place.client
    run = client.runs.wait(client.launch("summary", "https://doi.org/10.5072/WHOLE").id, timeout_s=60)
    assert (run.state, run.exit_code, run.site) == ("complete", 0, "local")
    (artifact,) = client.runs.artifacts(run.id)
    assert (artifact.path, artifact.at_hub, artifact.attempt) == ("sub/copy.txt", True, 1)
    assert client.runs.download(run.id, artifact, tmp_path).read_text() == TEXT
    assert "progress: 10 reading" in client.runs.log(run.id)
    assert [attempt.state for attempt in client.runs.attempts(run.id)] == ["complete"]


def test_a_task_that_fails_says_with_which_exit_code(place: Installation) -> None:
    run = place.client.launch("summary", DOI, arguments={"exit_code": 3})
    with pytest.raises(RunFailed, match="executor_error"):
        place.client.runs.wait(run.id, timeout_s=60)
    found = place.client.runs.show(run.id)
    assert (found.exit_code, found.reason_code) == (3, "exit_code")


def test_a_task_that_runs_is_canceled_and_gone(place: Installation) -> None:
    run = place.client.launch("summary", DOI, arguments={"sleep_s": 60})
    place.word(run.id, "Running")
    place.client.runs.cancel(run.id)
    assert place.word(run.id, "Ended").state == "canceled"
    attempts = place.config.data_dir / "runner" / "attempts"
    assert not [pid for pid in place.leftovers() if str(attempts) in command(pid)]


def test_an_interactive_tool_opens_beside_its_data(place: Installation) -> None:
    run = ready(place, DOI, f"{DOI}.more")
    browser = place.visitor("admin")
    page = browser.get(f"{place.url}/open/{run.id}?path=/data")
    assert (page.status, page.url) == (200, f"{run.url}/data")
    assert page.text.splitlines() == ["more", "table.csv"]
    assert browser.get(f"{run.url}/data/table.csv").text == TEXT
    assert browser.request("PUT", f"{run.url}/data/table.csv", body=b"mine").status == 403
    assert browser.request("PUT", f"{run.url}/notes.txt", body=b"mine").status == 200
    if os.geteuid() == 0:
        assert int(browser.get(f"{run.url}/uid").text) != 0
    place.client.runs.delete(run.id)


def test_without_its_cookie_nobody_gets_anything(place: Installation) -> None:
    run = ready(place)
    stranger = place.visitor()
    assert stranger.get(f"{run.url}/data").status == 401
    assert stranger.get(f"{place.url}/open/{run.id}").url.startswith(f"{place.url}/sign-in?next=")
    bob = place.person("bob")
    with pytest.raises(Refused) as caught:
        bob.runs.access(run.id)
    assert caught.value.code == "run_unknown"
    bob.close()
    place.client.runs.delete(run.id)


def test_a_stopped_tool_starts_again_with_its_home(place: Installation) -> None:
    run = ready(place, DOI)
    browser = place.visitor("admin")
    browser.get(f"{place.url}/open/{run.id}")
    assert browser.request("PUT", f"{run.url}/notes.txt", body=b"kept").status == 200
    place.client.runs.settle(place.client.runs.stop(run.id))
    stopped = place.word(run.id, "Stopped")
    assert (stopped.state, stopped.reason_code) == ("paused", "stopped_by_owner")
    assert browser.get(f"{run.url}/notes.txt").status != 200
    place.client.runs.start(run.id)
    again = place.word(run.id, "Ready")
    assert (again.url, again.attempt) == (run.url, 2)
    page = browser.get(f"{place.url}/open/{run.id}?path=/notes.txt")
    assert (page.status, page.text) == (200, "kept")
    assert browser.get(f"{run.url}/data/table.csv").text == TEXT
    place.client.runs.delete(run.id)


def test_a_dataset_is_attached_to_a_running_tool_and_detached(place: Installation) -> None:
    run = ready(place)
    browser = place.visitor("admin")
    assert browser.get(f"{place.url}/open/{run.id}?path=/data").text == ""
    place.client.runs.settle(place.client.runs.attach(run.id, DatasetUse(f"{DOI}.more", name="more")))
    (attached,) = place.client.runs.show(run.id).datasets
    assert attached.status in {"mounted", "copied"}, attached.detail
    assert browser.get(f"{run.url}/data/more/note.txt").text == "beside"
    if attached.status == "mounted":
        assert browser.request("PUT", f"{run.url}/data/more/note.txt", body=b"mine").status == 403
    place.client.runs.settle(place.client.runs.detach(run.id, "more"))
    assert browser.get(f"{run.url}/data").text == ""
    place.client.runs.delete(run.id)


@pytest.mark.parametrize("part", ["hub", "dispatcher", "runner", "edge"])
def test_a_tool_and_the_way_into_it_survive_the_death_of(place: Installation, part: str) -> None:
    run = ready(place, DOI)
    browser = place.visitor("admin")
    assert browser.get(f"{place.url}/open/{run.id}?path=/data/table.csv").text == TEXT
    place.kill(part)
    place.start(part)
    place.until(place.answers, "the hub answers")
    place.until(lambda: browser.get(f"{run.url}/data/table.csv").status == 200, "the tool answers")
    place.until(lambda: place.client.status()["dispatcher"]["alive"], "the dispatcher lives")
    # The runner, whichever life it is in, still carries out what is asked of the run.
    place.client.runs.settle(place.client.runs.attach(run.id, DatasetUse(f"{DOI}.more", name="more")))
    assert browser.get(f"{run.url}/data/more/note.txt").text == "beside"
    assert place.client.runs.show(run.id).attempt == 1
    place.client.runs.delete(run.id)


def test_a_task_is_finished_although_its_runner_died(place: Installation) -> None:
    run = place.client.launch("summary", DOI, arguments={"sleep_s": 3})
    place.word(run.id, "Running")
    place.kill("runner")
    place.start("runner")
    found = place.client.runs.wait(run.id, timeout_s=60)
    assert found.state == "complete"
    assert [artifact.path for artifact in place.client.runs.artifacts(run.id)] == ["sub/copy.txt"]


def test_a_lost_runner_is_noticed_and_said(place: Installation) -> None:
    run = ready(place)
    place.kill("runner")
    found = place.until(
        lambda: next(
            (it for it in [place.client.runs.show(run.id)] if it.reason_code == "unreachable"), None
        ),
        "the run is said to be unreachable",
    )
    assert (found.state, found.attempt) == ("running", 1)
    place.start("runner")
    place.until(lambda: place.client.runs.show(run.id).reason_code is None, "the runner is back")
    place.client.runs.delete(run.id)


def test_when_every_run_is_deleted_no_process_of_a_tool_is_left(place: Installation) -> None:
    ready(place, DOI)
    place.delete_runs()
    attempts = str(place.config.data_dir / "runner" / "attempts")
    place.until(
        lambda: not [pid for pid in place.leftovers() if attempts in command(pid)],
        "the tools' processes are gone",
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="whoever runs this has no rights to give up")
def test_it_all_works_for_a_user_without_rights_too() -> None:
    program = ("-m", "support.unprivileged", sys.executable, "-m", "pytest")
    chosen = "task_reads or opens_beside or starts_again or attached or no_process"
    done = subprocess.run(
        [sys.executable, *program, "-q", "-p", "no:cacheprovider", str(Path(__file__)), "-k", chosen],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "5 passed" in done.stdout


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
