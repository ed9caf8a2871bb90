"""Files at a site, from the grant to the file: by client, by rclone over WebDAV, and saved as datasets."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alongside.client.errors import Refused, SavingFailed
from alongside.client.files import Place
from support.installation import Installation, opened, server, task

pytestmark = pytest.mark.timeout(300)

OUTPUT = """
import json, os, pathlib, sys
json.load(sys.stdin)
out = pathlib.Path(os.environ["ALONGSIDE_OUTPUT"]) / "result"
(out / "deep").mkdir(parents=True)
(out / "table.csv").write_text("x,y\\n1,2\\n")
(out / "deep" / "note.txt").write_text("beside")
os.symlink("/etc/passwd", out / "link")
"""

USE = """
import os, pathlib, sys
sys.stdin.read()
table = pathlib.Path(os.environ["ALONGSIDE_INPUT"], "table.csv").read_text()
pathlib.Path(os.environ["ALONGSIDE_OUTPUT"], "copy.csv").write_text(table)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with a home (the administrator's), and a task that leaves a folder."""
    folder = opened(tmp_path_factory.mktemp("files"))
    (folder / "data").mkdir()
    (folder / "data" / "one.csv").write_text("a,b\n1,2\n")
    with Installation(folder, data=folder / "data") as place:
        place.publish(task("leave", OUTPUT))
        place.publish(task("use", USE, input_path="/in/kept"))
        place.publish(server())
        run = place.client.launch("lab")
        place.word(run.id, "Ready")
        place.client.runs.delete(run.id)
        yield place


def test_a_round_trip_by_client(place: Installation, tmp_path: Path) -> None:
    home = place.client.files.open()
    source = tmp_path / "big.bin"
    source.write_bytes(os.urandom(20 << 20))
    told: list[int] = []
    home.make_folder("work")
    assert home.put(source, "work/big.bin", told=told.append).size_bytes == 20 << 20
    assert told == [8 << 20, 16 << 20, 20 << 20]
    assert home.get("work/big.bin", tmp_path / "back").read_bytes() == source.read_bytes()
    with pytest.raises(Refused) as taken:
        home.put(source, "work/big.bin")
    assert taken.value.code == "name_taken"
    home.move("work/big.bin", "work/b.bin")
    gone = home.delete("work/b.bin")
    assert [item.name for item in home.list("work")] == []
    assert home.restore(gone) == ["work/b.bin"]
    home.delete("work")


def test_nobody_opens_what_is_another_ones(place: Installation) -> None:
    run = place.client.runs.wait(place.client.launch("leave").id, timeout_s=120)
    with place.person("eve") as eve:
        for other in (Place("outputs", run=run.id), Place("group", group="nobodys")):
            with pytest.raises(Refused) as refused:
                list(eve.files.open(other).list())
            assert refused.value.status == 404
        with pytest.raises(Refused) as none:
            list(eve.files.open().list())
        assert "no home" in none.value.detail


def test_an_output_is_saved_after_its_run_has_ended_and_launched_on(place: Installation) -> None:
    client = place.client
    run = client.runs.wait(client.launch("leave").id, timeout_s=120)
    outputs = client.files.open(Place("outputs", run=run.id))
    assert [item.name for item in outputs.list("result")] == ["deep", "link", "table.csv"]
    with pytest.raises(Refused):
        outputs.delete("result")
    saving = client.files.save(Place("outputs", run=run.id), "result", title="Kept")
    saved = client.files.wait_saved(saving.id, timeout_s=120)
    dataset = client.datasets.show(saved.identifiers[0])
    assert (dataset.title, dataset.id) == ("Kept", saved.dataset)
    made_from = dataset.metadata["provenance"]
    assert (made_from["run"], made_from["tool"], made_from["files"]) == (run.id, "leave", 2)
    path = Path(dataset.locations[0].path or "")
    assert path.is_relative_to(place.config.data_dir / "runner" / "datasets")
    if os.getuid() == 0:
        assert (path / "table.csv").stat().st_uid == 0
        assert oct((path / "table.csv").stat().st_mode)[-3:] == "444"
    check = ["sha256sum", "-c", "SHA256SUMS"]
    lines = subprocess.run(check, cwd=path.parent, capture_output=True, check=True)
    assert lines.stdout.count(b": OK") == 2
    client.runs.delete(run.id)
    used = client.runs.wait(client.launch("use", saved.identifiers[0]).id, timeout_s=120)
    assert used.state == "complete", used.reason
    browsed = client.files.open(Place("dataset", dataset=saved.dataset))
    assert b"".join(browsed.read("deep/note.txt")) == b"beside"


def test_what_is_not_there_is_not_saved(place: Installation) -> None:
    saving = place.client.files.save(Place(), "nowhere")
    with pytest.raises(SavingFailed, match="cannot be copied"):
        place.client.files.wait_saved(saving.id, timeout_s=120)
    with pytest.raises(Refused):
        place.client.datasets.show(saving.identifiers[0])
    assert not list((place.config.data_dir / "runner" / "datasets").glob(f"*{saving.dataset}*"))
    with pytest.raises(Refused) as over:
        place.client.files.cancel_saving(saving.id)
    assert over.value.code == "state_conflict"


def test_rclone_mounts_a_home(place: Installation, tmp_path: Path) -> None:
    rclone = str(Path(sys.executable).with_name("rclone"))
    drive = place.client.files.open_drive(name="laptop", days=1)
    obscured = subprocess.run([rclone, "obscure", drive.password], capture_output=True, text=True, check=True)
    assert drive.url.startswith(place.url), "where every program finds it"
    (tmp_path / "rclone.conf").write_text(
        f"[home]\ntype = webdav\nurl = {drive.url}\nvendor = other\nuser = {drive.user}\n"
        f"pass = {obscured.stdout.strip()}\n"
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [rclone, "--config", str(tmp_path / "rclone.conf"), "--retries", "1", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    until = time.monotonic() + 100
    while run("lsf", "home:").returncode and time.monotonic() < until:
        time.sleep(0.2)
    here = tmp_path / "here"
    (here / "ü b").mkdir(parents=True)
    (here / "a.txt").write_text("a")
    (here / "ü b" / "b.bin").write_bytes(os.urandom(3_000_000))
    copied = run("copy", str(here), "home:from laptop")
    assert copied.returncode == 0, copied.stderr
    checked = run("check", "--download", str(here), "home:from laptop")
    assert checked.returncode == 0, checked.stderr
    assert run("moveto", "home:from laptop/a.txt", "home:from laptop/c.txt").returncode == 0
    assert run("lsf", "-R", "home:from laptop").stdout.split("\n")[:-1] == ["c.txt", "ü b/", "ü b/b.bin"]
    assert run("purge", "home:from laptop").returncode == 0
    place.client.files.close_drive(drive.id)
    place.until(lambda: run("lsf", "home:").returncode != 0, "the drive is closed")


def test_data_is_looked_at_where_it_is(place: Installation) -> None:
    client = place.client
    data = Path(place.config.runner.data_roots[0]) / "one.csv"
    made = client.datasets.register(
        [{"site": "local", "path": str(data)}], identifiers=["doi:10.5072/one"], title="One"
    )
    folder = client.files.open(Place("dataset", dataset=made.id))
    assert [item.name for item in folder.list()] == ["one.csv"]
    assert b"".join(folder.read("one.csv")) == b"a,b\n1,2\n"
