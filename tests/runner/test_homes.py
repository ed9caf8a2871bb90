"""Homes of accounts, whose they are, and what runs of older versions left."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from alongside import values
from alongside.config import RunnerSettings
from alongside.errors import Misconfigured
from alongside.runner.homes import Homes
from alongside.runner.identities import Identities
from alongside.runner.jobs import CannotStart
from alongside.spec.tools import Component, Resources, ToolSpec
from alongside.spec.wire import Assignment, Owner

ANN = Owner("01kann", "ann", ("lab",))
BOB = Owner("01kbob", "bob")
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root has uids to give")


def of(folder: Path, **settings: Any) -> Homes:
    folder.mkdir(exist_ok=True)
    return Homes(RunnerSettings(**settings), folder)


def assignment(run: str = "01krun", owner: Owner = ANN, kind: Any = "interactive") -> Assignment:
    tool = ToolSpec("t", "1", kind, (Component(command=("true",)),))
    return Assignment(run, 1, "l", owner, "process", tool, (), {}, Resources(), "t")


def test_runs_of_an_account_share_its_home_and_have_data_of_their_own(tmp_path: Path) -> None:
    homes = of(tmp_path)
    one, two = homes.places(assignment("01k1")), homes.places(assignment("01k2"))
    assert one.home == two.home
    assert one.data != two.data
    assert one.home is not None
    assert one.home.stat().st_mode & 0o777 == 0o700
    (one.home / "thesis").touch()
    homes.remove_run(ANN.account, "01k1")
    assert (one.home / "thesis").exists()
    assert one.data is not None
    assert not one.data.exists()
    assert homes.places(assignment(owner=BOB)).home != one.home


def test_a_run_of_an_older_version_goes_on_with_the_home_it_had(tmp_path: Path) -> None:
    former = tmp_path / "homes" / ANN.account / "01kold"
    for name in ("home", "data"):
        (former / name).mkdir(parents=True)
    homes = of(tmp_path)
    places = homes.places(assignment("01kold"))
    assert (places.home, places.data) == (former / "home", former / "data")
    assert homes.places(assignment("01knew")).home == tmp_path / "homes" / ANN.account / "home"
    homes.remove_run(ANN.account, "01kold")
    assert not former.exists()


def test_a_link_in_the_place_of_the_data_folder_is_told(tmp_path: Path) -> None:
    homes = of(tmp_path)
    home = homes.make(ANN)
    (home / "data").symlink_to("/etc")
    with pytest.raises(CannotStart, match="~/data must be a folder") as caught:
        homes.places(assignment())
    assert caught.value.reason_code == "home_unusable"


@pytest.mark.parametrize(
    ("pattern", "where"), [("{b}/{name}", "ann"), ("{b}/{account}/h", "01kann/h"), ("{b}", "ann")]
)
def test_homes_may_lie_on_a_file_system_of_the_site(tmp_path: Path, pattern: str, where: str) -> None:
    base = tmp_path / "nfs"
    homes = of(tmp_path / "work", homes_dir=pattern.replace("{b}", str(base)))
    assert homes.make(ANN) == base / where
    assert homes.place(Owner("01kx", "../etc")).is_relative_to(base)
    assert ".." not in str(homes.place(Owner("01kx", "../etc")))


@as_root
def test_a_folder_of_roots_that_has_something_in_it_is_no_home_to_give_away(tmp_path: Path) -> None:
    """Whoever registers under the name of one must not get it, by repairing neither."""
    homes = of(tmp_path / "work", homes_dir=str(tmp_path / "nfs"))
    taken = tmp_path / "nfs" / ANN.name
    taken.mkdir(parents=True)
    (taken / "keys").write_text("the site's")
    for _ in range(2):
        with pytest.raises(CannotStart, match="belongs to uid 0"):
            homes.make(ANN)
        homes.give_back(ANN)
    assert (taken.stat().st_uid, (taken / "keys").stat().st_uid) == (0, 0)
    (tmp_path / "nfs" / BOB.name).mkdir()
    assert homes.make(BOB).stat().st_uid == homes.identities.of(BOB).uid


@as_root
def test_accounts_keep_their_uid_and_never_share_one(tmp_path: Path) -> None:
    settings = RunnerSettings(identity_book=str(tmp_path / "book"), group_folders=("lab=/nowhere/lab",))
    one, two = Identities(settings, tmp_path), Identities(settings, tmp_path)
    assert one.of(ANN).uid == 64_000
    assert two.of(BOB).uid == 64_001
    assert one.of(ANN) == two.of(ANN)
    assert one.of(ANN).gids == (60_000,)
    assert two.of(BOB).gids == ()


@as_root
def test_a_table_maps_people_and_the_others_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "people").write_text("ann:5001:5000:lab=6001\n")
    homes = of(tmp_path / "work", identity="table", identity_table=(str(tmp_path / "people"), "eve:5:5"))
    home = homes.make(ANN)
    assert (home.stat().st_uid, home.stat().st_gid) == (5001, 5000)
    with pytest.raises(CannotStart, match="no entry for bob"):
        homes.make(BOB)
    book = json.loads((tmp_path / "work" / "identities.json").read_text())
    assert book[ANN.account] == {
        "name": "ann",
        "uid": 5001,
        "gid": 5000,
        "groups": [6001],
        "home": str(home),
        "folders": [],
    }


@as_root
def test_a_home_of_somebody_else_is_not_given(tmp_path: Path) -> None:
    of(tmp_path, identity="table", identity_table=("ann:5001:5001",)).make(ANN)
    with pytest.raises(CannotStart, match="belongs to uid 5001, and ann is uid 5002 here"):
        of(tmp_path, identity="table", identity_table=("ann:5002:5002",)).make(ANN)


@as_root
def test_the_machine_s_own_people_are_known_by_nss_and_its_services_are_nobody(tmp_path: Path) -> None:
    nss = Identities(RunnerSettings(identity="nss"), tmp_path)
    found = nss.of(Owner("01kn", "nobody"))
    assert (found.uid, found.gid) == (65_534, 65_534)
    for name in ("root", "daemon", "nobody-here"):
        with pytest.raises(CannotStart, match=r"no person at this site|know nobody"):
            nss.of(Owner("01kx", name))


@pytest.mark.skipif(os.getuid() == 0, reason="root can be anybody")
def test_a_runner_that_is_not_root_is_nobody_else(tmp_path: Path) -> None:
    assert Identities(RunnerSettings(), tmp_path).of(ANN).uid == os.getuid()
    with pytest.raises(CannotStart, match="can only be"):
        Identities(RunnerSettings(identity="table", identity_table=("ann:1:1",)), tmp_path).of(ANN)


@as_root
def test_a_group_s_folder_is_made_for_its_members_and_one_that_is_there_is_left_alone(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir(mode=0o755)
    made, away = tmp_path / "made", tmp_path / "away" / "deep"
    homes = of(
        tmp_path / "w", group_folders=(f"lab={made}", f"lab={there}:ro", f"else={made}", f"lost={away}")
    )
    owner = Owner("01kann", "ann", ("lab", "lost"))
    places = homes.places(assignment(owner=owner))
    assert [(item.place, item.read_only) for item in places.folders] == [
        ("groups/lab", False),
        ("shared/lab", True),
    ]
    assert made.stat().st_mode & 0o7777 == 0o2770
    assert made.stat().st_gid in places.gids
    assert (there.stat().st_gid, there.stat().st_mode & 0o7777) == (0, 0o755)
    assert places.home is not None
    assert (places.home / "groups/lab").stat().st_uid == places.uid


def test_what_is_set_wrongly_is_told_when_the_runner_starts(tmp_path: Path) -> None:
    wrong: list[dict[str, Any]] = [
        {"identity": "ldap"},
        {"identity_table": ("ann",)},
        {"identity_table": ("/nowhere/at/all",)},
        {"group_folders": ("lab",)},
    ]
    for settings in wrong:
        with pytest.raises(Misconfigured):
            Identities(RunnerSettings(**settings), tmp_path)


def test_owners_of_an_older_hub_have_no_groups() -> None:
    assert values.load(Owner, {"account": "a", "name": "n"}).groups == ()
