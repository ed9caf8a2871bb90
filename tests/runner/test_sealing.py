"""Save as dataset at the site: only what its owner may read is sealed, whatever lies in the folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from alongside.runner.errands import ErrandFailed
from alongside.runner.sealing import Sealing
from alongside.spec.wire import Errand, Owner

ANN = Owner("01kann", "ann")
UID, OTHER, GROUP = 64_001, 64_002, 60_001
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root could read what others own")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A group's folder of ann's, which she and others write to."""
    folder = tmp_path / "shared"
    folder.mkdir()
    shared = {"group": "lab", "path": str(folder), "read_only": False, "place": "groups/lab"}
    mine = os.getuid() or UID
    book = {"uid": mine, "gid": mine, "groups": [GROUP], "home": str(folder), "folders": [shared]}
    (tmp_path / "identities.json").write_text(json.dumps({ANN.account: book}))
    if os.getuid() == 0:
        os.chown(folder, OTHER, GROUP)
        folder.chmod(0o2770)
    return folder


def put(folder: Path, name: str, mode: int = 0o660) -> Path:
    path = folder / name
    path.write_text("figures")
    path.chmod(mode)
    if os.getuid() == 0:
        os.chown(path, OTHER, GROUP)
    return path


async def seal(folder: Path, path: str, dataset: str = "01kd1") -> dict[str, Any]:
    body = {"dataset": dataset, "folder": {"kind": "group", "name": "lab"}, "path": path}
    return await Sealing(folder.parent).seal(Errand("01ke1", "seal", body, ANN), lambda *_: None)


async def test_what_a_group_shares_is_sealed_with_its_sums(folder: Path) -> None:
    (folder / "march").mkdir()
    put(folder / "march", "a.csv")
    if os.getuid() == 0:
        os.chown(folder / "march", OTHER, GROUP)
        (folder / "march").chmod(0o770)
    sealed = await seal(folder, "march")
    assert (sealed["files"], sealed["size_bytes"]) == (1, 7)
    kept = Path(sealed["path"], "a.csv")
    assert (kept.read_text(), kept.stat().st_mode & 0o777, kept.stat().st_uid) == (
        "figures",
        0o444,
        os.getuid(),
    )


@pytest.mark.parametrize("path", ["way/secret", "way", "inner/secret"])
async def test_no_link_leads_out_of_the_folder(folder: Path, tmp_path: Path, path: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret").write_text("the site's")
    (folder / "way").symlink_to(elsewhere)
    (folder / "inner").mkdir()
    (folder / "inner" / "secret").symlink_to(elsewhere / "secret")
    with pytest.raises(ErrandFailed):
        await seal(folder, path)
    assert not list((tmp_path / "datasets").iterdir())


@as_root
@pytest.mark.parametrize("hidden", ["file", "folder", "inside"])
async def test_what_its_owner_may_not_read_is_not_read_for_them(folder: Path, hidden: str) -> None:
    """The runner is root, and ann only in the group."""
    closed = folder / "closed"
    closed.mkdir()
    os.chown(closed, OTHER, GROUP)
    closed.chmod(0o700 if hidden == "folder" else 0o770)
    put(closed, "key", 0o600 if hidden != "folder" else 0o644)
    before = os.getgroups()
    with pytest.raises(ErrandFailed, match="Permission denied"):
        await seal(folder, "closed" if hidden == "inside" else "closed/key")
    assert not list((folder.parent / "datasets").iterdir())
    assert os.getgroups() == before
    assert Path("/proc/thread-self/status").read_text().count("Uid:\t0\t0\t0\t0") == 1
