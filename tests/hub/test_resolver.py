"""The resolver: any form finds the dataset, a near miss is pointed out, sites are told."""

from __future__ import annotations

import pytest

from alongside.errors import IdentifierUnknown, Invalid
from alongside.hub import datasets, resolver, sites
from alongside.hub.store.database import Database
from alongside.spec.accounts import Caller
from alongside.spec.datasets import NewDataset, NewLocation
from support.clocks import Clock
from support.people import person

IDENTIFIERS = (
    "doi:10.5072/alongside.autzen",
    "hdl:2142/12345",
    "ark:/12345/x7-yz",
    "urn:nbn:de:0074-abc",
    "https://data.example.org/lidar/autzen",
    "swh:1:dir:94a9ed024d3859793618152ea559a168bbcbb5e2",
    "clowder:58c9a2",
    "perma:UNI/DVN/ABC",
)


@pytest.fixture
def ann(database: Database, clock: Clock) -> Caller:
    """A person who has registered a dataset under all of IDENTIFIERS at the site `lab`."""
    with database.write() as tx:
        for name in ("lab", "away"):
            sites.create(tx, clock(), name=name, edge_url="http://{run}.localhost:8470")
        ann = person(tx, clock(), "ann")
        place = NewLocation(site="lab", path="/data/a.laz")
        datasets.register(
            tx, ann, NewDataset(locations=(place,), identifiers=IDENTIFIERS, title="A"), clock()
        )
        return ann


def test_every_form_of_every_identifier_finds_the_dataset(database: Database, ann: Caller) -> None:
    forms = (
        *IDENTIFIERS,
        "https://doi.org/10.5072/ALONGSIDE.autzen",
        "10.5072%2Falongside.autzen",
        "https://hdl.handle.net/2142/12345",
        "https://n2t.net/ark:12345/x7yz",
        "URN:NBN:DE:0074-ABC",
        "HTTPS://data.example.org:443/lidar/autzen#top",
        "https://archive.softwareheritage.org/swh:1:dir:94a9ed024d3859793618152ea559a168bbcbb5e2;path=/a",
        "CLOWDER:58c9a2",
    )
    with database.read() as tx:
        assert {resolver.resolve(tx, ann, form).title for form in forms} == {"A"}


@pytest.mark.parametrize(
    "slip",
    [
        "doi:10.5072/alongside.autzem",
        "doi:10.5072/alongside.autzen.",
        "https://doi.org/10.5072/alongside.autzen/",
        "doi:10.5072/alongside-autzen",
        "doi:10.5072/along.autzen",
    ],
)
def test_a_slip_of_the_pen_is_pointed_out(database: Database, ann: Caller, slip: str) -> None:
    with database.read() as tx, pytest.raises(IdentifierUnknown) as caught:
        resolver.resolve(tx, ann, slip)
    assert caught.value.extra["near"] == ["doi:10.5072/alongside.autzen"]
    assert "did you mean doi:10.5072/alongside.autzen?" in caught.value.detail


def test_something_else_altogether_is_not_taken_for_a_slip(database: Database, ann: Caller) -> None:
    with database.read() as tx, pytest.raises(IdentifierUnknown) as caught:
        resolver.resolve(tx, ann, "doi:10.5072/completely.different")
    assert caught.value.extra["near"] == []


def test_a_malformed_identifier_is_not_unknown_but_invalid(database: Database, ann: Caller) -> None:
    with database.read() as tx, pytest.raises(Invalid, match="no slash"):
        resolver.resolve(tx, ann, "doi:10.5072")


def test_the_sites_that_hold_a_dataset_come_first(database: Database, ann: Caller) -> None:
    with database.read() as tx:
        found = resolver.resolve(tx, ann, "hdl:2142/12345")
        places = resolver.whereabouts(found, sites.page(tx, None, 10, ann))
    assert [(item.site, item.path_known, item.online) for item in places] == [
        ("lab", True, False),
        ("away", False, False),
    ]
