"""What a runner does with homes when the hub asks: by programs that run as the owner, once or twice alike."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from alongside.config import RunnerSettings
from alongside.runner.errands import ErrandFailed
from alongside.runner.home_errands import HomeErrands
from alongside.runner.homes import Homes
from alongside.spec.wire import Errand, Owner

ANN = Owner("01kann", "ann")


class Site:
    def __init__(self, folder: Path, *, busy: bool = False, **settings: Any) -> None:
        self.homes = Homes(RunnerSettings(**settings), folder)
        self.errands = HomeErrands(self.homes, lambda account: busy)

    async def do(self, act: str, owner: Owner = ANN, **body: Any) -> dict[str, Any]:
        errand = Errand("e", "home", {"act": act, **body}, owner)
        return await self.errands.carry_out(errand, lambda percent, message: None)

    @property
    def home(self) -> Path:
        return self.homes.place(ANN)


async def test_a_home_is_made_with_its_folders_and_measured(tmp_path: Path) -> None:
    site = Site(tmp_path)
    for _ in range(2):
        answer = await site.do("make", folders=["work", "work/ann"])
    assert (site.home / "work" / "ann").is_dir()
    assert (site.home / "work").stat().st_uid == answer["uid"]
    before = await site.do("measure")
    (site.home / "work" / "points").write_bytes(b"x" * 100_000)
    after = await site.do("measure")
    assert after["size_bytes"] >= before["size_bytes"] + 100_000
    assert after["files"] == before["files"] + 1


async def test_a_template_that_was_wrong_fails_and_the_home_is_there(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with pytest.raises(ErrandFailed, match=r"homes\.hierarchy"):
        await site.do("make", folders=[], fault="homes.hierarchy: no JSON")
    assert site.home.is_dir()


async def test_what_is_restored_can_be_undone(tmp_path: Path) -> None:
    site = Site(tmp_path)
    await site.do("make")
    (site.home / "notes").write_text("first")
    (site.home / "link").symlink_to("/etc/passwd")
    (site.home / "sealed").mkdir()
    (site.home / "sealed" / "in").write_text("kept")
    if os.getuid() == 0:
        for path in (*site.home.rglob("*"),):
            os.chown(path, site.home.stat().st_uid, site.home.stat().st_gid, follow_symlinks=False)
    (site.home / "sealed").chmod(0o500)
    for _ in range(2):
        taken = await site.do("snapshot", snapshot="01ks1")
    assert taken["files"] >= 4
    assert taken["size_bytes"] > 0
    identity = site.home.stat().st_ino
    (site.home / "notes").write_text("second")
    (site.home / "more").touch()
    restored = await site.do("restore", snapshot="01ks1", undo="01ku1")
    assert (site.home / "notes").read_text() == "first"
    assert not (site.home / "more").exists()
    assert (site.home / "link").readlink() == Path("/etc/passwd")
    assert (site.home / "sealed").stat().st_mode & 0o777 == 0o500
    assert site.home.stat().st_ino == identity
    assert site.home.stat().st_uid == (site.home / "notes").stat().st_uid == restored["uid"]
    assert restored["undo"]["files"] == taken["files"] + 1
    await site.do("restore", snapshot="01ku1", undo="01ku2")
    assert (site.home / "notes").read_text() == "second"
    assert (site.home / "more").exists()
    for name in ("01ks1", "01ku1", "01ku2"):
        await site.do("forget", snapshot=name)
        await site.do("forget", snapshot=name)
    assert list(site.homes.snapshots(ANN).iterdir()) == []
    with pytest.raises(ErrandFailed, match="does not have this snapshot"):
        await site.do("restore", snapshot="01ks1", undo="01ku3")


async def test_a_home_in_use_is_not_restored_and_paths_are_no_snapshots(tmp_path: Path) -> None:
    site = Site(tmp_path, busy=True)
    await site.do("make")
    with pytest.raises(ErrandFailed, match="stop it first"):
        await site.do("restore", snapshot="01ks1", undo="01ku1")
    with pytest.raises(ErrandFailed, match="is no snapshot"):
        await site.do("snapshot", snapshot="../../etc")


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
async def test_repair_gives_the_owner_what_root_left_and_follows_a_new_mapping(tmp_path: Path) -> None:
    mapped = {"identity": "table", "identity_table": ("ann:5001:5001",)}
    site = Site(tmp_path, **mapped)
    await site.do("make")
    (site.home / "by-root").touch()
    (site.home / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").touch()
    await site.do("repair", folders=["work"])
    assert (site.home / "by-root").stat().st_uid == 5001
    assert (tmp_path / "elsewhere").stat().st_uid == 0
    moved = Site(tmp_path, identity="table", identity_table=("ann:5009:5009",))
    with pytest.raises(ErrandFailed, match="belongs to uid 5001"):
        await moved.do("make")
    await moved.do("repair", folders=[])
    assert {path.lstat().st_uid for path in (site.home, *site.home.rglob("*"))} == {5009}
    stranger = Site(tmp_path, identity="table", identity_table=("ann:5010:5010",))
    os.chown(site.home, 5011, 5011)
    with pytest.raises(ErrandFailed, match="belongs to uid 5011"):
        await stranger.do("repair", folders=[])


async def test_who_left_leaves_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path)
    await site.do("make")
    await site.do("snapshot", snapshot="01ks1")
    await site.do("remove")
    assert list((tmp_path / "homes").iterdir()) == []
    assert ANN.account not in (tmp_path / "identities.json").read_text()
