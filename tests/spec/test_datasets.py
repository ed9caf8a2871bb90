"""Datasets: what a stated place may be."""

from __future__ import annotations

import pytest

from alongside.spec.datasets import Dataset, Location, NewLocation, kind_of, location_faults


@pytest.mark.parametrize(
    "place",
    [
        NewLocation(site="lab", path="/data/a.laz"),
        NewLocation(site="lab", path="/data/with a space/", kind="folder"),
        NewLocation(url="https://example.org/a.laz", size_bytes=0, sha256="0" * 64),
    ],
)
def test_a_sound_place_has_no_faults(place: NewLocation) -> None:
    assert list(location_faults(place)) == []


@pytest.mark.parametrize(
    ("place", "field", "reason"),
    [
        (NewLocation(), "", "either a path at a site or a url"),
        (NewLocation(site="lab", path="/a", url="https://example.org"), "", "either"),
        (NewLocation(path="/a"), "site", "which site"),
        (NewLocation(site="lab", path="a/b"), "path", "absolute"),
        (NewLocation(site="lab", path="/"), "path", "below the root"),
        (NewLocation(site="lab", path="//"), "path", "below the root"),
        (NewLocation(site="lab", path="/data/../etc"), "path", "must not contain"),
        (NewLocation(site="lab", path="/data/./x"), "path", "must not contain"),
        (NewLocation(site="lab", path="/data/a\nb"), "path", "printable"),
        (NewLocation(site="lab", path="/" + "a" * 5000), "path", "at most"),
        (NewLocation(url="ftp://example.org/a"), "url", "http"),
        (NewLocation(url="https://"), "url", "host name"),
        (NewLocation(url="https://me:secret@example.org/a"), "url", "password"),
        (NewLocation(url="https://example.org:x/a"), "url", "not a web address"),
        (NewLocation(url="https://example.org/a b"), "url", "without spaces"),
        (NewLocation(url="https://example.org", site="lab"), "site", "not at a site"),
        (NewLocation(url="https://example.org/a", kind="folder"), "kind", "single file"),
        (NewLocation(site="lab", path="/a", size_bytes=-1), "size_bytes", "from 0"),
        (NewLocation(site="lab", path="/a", sha256="ABC"), "sha256", "64 lower-case"),
    ],
)
def test_what_is_wrong_with_a_place_is_named(place: NewLocation, field: str, reason: str) -> None:
    found = [fault for fault in location_faults(place) if fault.field == field]
    assert any(reason in fault.reason for fault in found)


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        (NewLocation(site="lab", path="/data/a.laz"), "file"),
        (NewLocation(site="lab", path="/data/scans"), "folder"),
        (NewLocation(site="lab", path="/data/v1.2/"), "folder"),
        (NewLocation(site="lab", path="/data/scans", kind="file"), "file"),
        (NewLocation(url="https://example.org/download"), "file"),
    ],
)
def test_the_name_tells_files_from_folders_unless_it_is_said(place: NewLocation, kind: str) -> None:
    assert kind_of(place) == kind


def test_the_size_of_a_dataset_is_the_largest_that_is_stated() -> None:
    places = tuple(Location(str(size), "file", url="https://x.org", size_bytes=size) for size in (None, 5, 9))
    assert Dataset("d", "t", (), places).size_bytes == 9
    assert Dataset("d", "t", (), ()).size_bytes is None


def test_a_hidden_name_is_no_suffix() -> None:
    assert kind_of(NewLocation(site="lab", path="/data/.cache")) == "folder"
