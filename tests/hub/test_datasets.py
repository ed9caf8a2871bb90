"""Datasets: registered once, found by any form of any identifier, seen by those who may."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert

from alongside.errors import (
    DatasetUnknown,
    EditConflict,
    Forbidden,
    IdentifierTaken,
    IdentifierUnknown,
    InUse,
    Invalid,
    LocationUnknown,
)
from alongside.hub import datasets, resolver, sites
from alongside.hub.store import changes, schema
from alongside.hub.store.database import Database, Tx
from alongside.spec.accounts import Caller
from alongside.spec.datasets import Dataset, NewDataset, NewLocation
from support.clocks import Clock
from support.people import person

AUTZEN = NewDataset(
    locations=(NewLocation(site="lab", path="/data/autzen.laz", size_bytes=5),),
    identifiers=("https://doi.org/10.5072/Autzen",),
    title="Autzen Stadium",
    creators=("Ada Lovelace",),
    metadata={"license": "CC0-1.0"},
)


def place(path: str, **more: str) -> NewDataset:
    return NewDataset(locations=(NewLocation(site="lab", path=path),), **more)  # type: ignore[arg-type]


@pytest.fixture
def ann(database: Database, clock: Clock) -> Caller:
    """A person; there is a site `lab` too."""
    with database.write() as tx:
        sites.create(tx, clock(), name="lab", edge_url="http://{run}.localhost:8470")
        return person(tx, clock(), "ann")


def register(tx: Tx, caller: Caller, clock: Clock, new: NewDataset = AUTZEN) -> Dataset:
    # ids of one moment have no certain order; newest-first needs moments
    clock.pass_(milliseconds=1)
    return datasets.register(tx, caller, new, clock())


def test_a_dataset_reads_back_as_it_was_registered(database: Database, clock: Clock, ann: Caller) -> None:
    with database.write() as tx:
        made = register(tx, ann, clock)
        assert changes.consume(tx)[-1] == changes.Change("dataset", made.id)
    with database.read() as tx:
        found = datasets.get(tx, ann, made.id)
    assert found == made
    assert [item.value for item in found.identifiers] == ["doi:10.5072/autzen"]
    assert found.identifiers[0].display == "https://doi.org/10.5072/Autzen"
    assert (found.size_bytes, found.created_by, found.revision) == (5, ann.account.id, 1)
    assert found.metadata == {"license": "CC0-1.0"}


def test_a_folder_without_an_identifier_gets_a_local_one(
    database: Database, clock: Clock, ann: Caller
) -> None:
    with database.write() as tx:
        made = register(tx, ann, clock, place("/data//scans/"))
        assert made.identifiers[0].value == f"local:{made.id}"
        assert (made.title, made.locations[0].kind, made.locations[0].path) == (
            "scans",
            "folder",
            "/data/scans",
        )
        assert resolver.resolve(tx, ann, f"LOCAL:{made.id.upper()}").id == made.id
        assert resolver.resolve(tx, ann, made.id).id == made.id


def test_every_fault_of_a_registration_is_named_at_once(
    database: Database, clock: Clock, ann: Caller
) -> None:
    new = NewDataset(
        title=" ",
        identifiers=("doi:10.5072", "local:01arz3ndektsv4rrffq69g5fav"),
        locations=(NewLocation(site="nowhere", path="a/../b"), NewLocation(url="ftp://x.org/a")),
        tags=("secret",),
    )
    with database.write() as tx, pytest.raises(Invalid) as caught:
        datasets.register(tx, ann, new, clock())
    assert [fault.field for fault in caught.value.faults] == [
        "identifiers[0]",
        "identifiers[1]",
        "locations[0].path",
        "locations[0].site",
        "locations[1].url",
        "title",
        "tags",
    ]
    with database.read() as tx:
        assert datasets.search(tx, ann) == []


def test_a_dataset_needs_a_place(database: Database, clock: Clock, ann: Caller) -> None:
    with database.write() as tx, pytest.raises(Invalid, match="at least one path"):
        datasets.register(tx, ann, NewDataset(locations=()), clock())


def test_an_identifier_belongs_to_one_dataset_in_whatever_form(
    database: Database, clock: Clock, ann: Caller
) -> None:
    with database.write() as tx:
        first = register(tx, ann, clock)
        with pytest.raises(IdentifierTaken) as caught:
            register(tx, ann, clock, place("/b", identifiers=("DOI:10.5072/AUTZEN",)))  # type: ignore[arg-type]
        assert caught.value.extra["dataset"] == first.id


def test_who_may_not_see_the_holder_of_an_identifier_does_not_learn_which_it_is(
    database: Database, clock: Clock, ann: Caller
) -> None:
    with database.write() as tx:
        keeper = person(tx, clock(), "keeper", tags=("secret",))
        register(tx, keeper, clock, replace(AUTZEN, tags=("secret",)))
        with pytest.raises(IdentifierTaken) as caught:
            register(tx, ann, clock, place("/b", identifiers=("doi:10.5072/autzen",)))  # type: ignore[arg-type]
        assert "dataset" not in caught.value.extra


@pytest.mark.parametrize(
    "text",
    [
        "doi:10.5072/autzen",
        "10.5072/AUTZEN",
        "https://doi.org/10.5072%2Fautzen",
        "doi:10.5072/aut",
        "autzen stadium",
        "STADIUM lovelace",
        "autzen.laz",
        "cc0",
        "",
    ],
)
def test_a_search_takes_words_and_identifiers_in_any_form(
    database: Database, clock: Clock, ann: Caller, text: str
) -> None:
    with database.write() as tx:
        made = register(tx, ann, clock)
        assert [item.id for item in datasets.search(tx, ann, text=text)] == [made.id]


@pytest.mark.parametrize("text", ["doi:10.5072/other", "stadium paris", "100%", "a_tzen"])
def test_a_search_finds_only_what_has_every_word(
    database: Database, clock: Clock, ann: Caller, text: str
) -> None:
    with database.write() as tx:
        register(tx, ann, clock)
        assert datasets.search(tx, ann, text=text) == []


def test_a_list_pages_from_new_to_old_without_gap_or_repetition(
    database: Database, clock: Clock, ann: Caller
) -> None:
    with database.write() as tx:
        made = [register(tx, ann, clock, place(f"/data/{number}")).id for number in range(7)]
        seen: list[str] = []
        while page := datasets.search(tx, ann, after=seen[-1] if seen else None, limit=3):
            seen += [item.id for item in page]
        assert seen == made[::-1]


def test_a_list_can_be_of_one_site(database: Database, clock: Clock, ann: Caller) -> None:
    with database.write() as tx:
        sites.create(tx, clock(), name="away", edge_url="http://{run}.localhost:8470")
        there = register(tx, ann, clock)
        register(tx, ann, clock, NewDataset(locations=(NewLocation(site="away", path="/x"),)))
        assert [item.id for item in datasets.search(tx, ann, site="lab")] == [there.id]


def test_a_tagged_dataset_is_there_only_for_those_who_hold_the_tag(
    database: Database, clock: Clock, ann: Caller
) -> None:
    with database.write() as tx:
        keeper = person(tx, clock(), "keeper", tags=("secret",))
        admin = person(tx, clock(), "root", role="admin")
        made = register(tx, keeper, clock, replace(AUTZEN, tags=("secret",)))
        for caller in (keeper, admin):
            assert datasets.get(tx, caller, made.id).tags == ("secret",)
            assert datasets.search(tx, caller, text="autzen")
            assert resolver.resolve(tx, caller, "10.5072/autzen").id == made.id
        with pytest.raises(DatasetUnknown):
            datasets.get(tx, ann, made.id)
        with pytest.raises(DatasetUnknown):
            resolver.resolve(tx, ann, made.id)
        with pytest.raises(IdentifierUnknown) as caught:
            resolver.resolve(tx, ann, "10.5072/autzem")
        assert caught.value.extra["near"] == []
        assert datasets.search(tx, ann, text="autzen") == []
        assert datasets.search(tx, ann, text="doi:10.5072/autzen") == []


@pytest.mark.parametrize("path", ["/data/secret", "/data/secret/part/a.laz", "/data"])
def test_a_restricted_folder_cannot_be_opened_by_registering_it_anew(
    database: Database, clock: Clock, ann: Caller, path: str
) -> None:
    with database.write() as tx:
        keeper = person(tx, clock(), "keeper", tags=("secret",))
        register(tx, keeper, clock, replace(place("/data/secret"), tags=("secret",)))
        with pytest.raises(Forbidden, match="may not see"):
            register(tx, ann, clock, place(path))
        own = register(tx, ann, clock, place("/data/secretary"))
        with pytest.raises(Forbidden, match="may not see"):
            datasets.add_location(tx, ann, own.id, NewLocation(site="lab", path=path), clock())


def test_an_edit_counts_the_revision_and_refuses_a_stale_one(
    database: Database, clock: Clock, ann: Caller
) -> None:
    with database.write() as tx:
        made = register(tx, ann, clock)
        edited = datasets.edit(tx, ann, made.id, {"title": "New", "may_leave": True}, 1, clock())
        assert (edited.title, edited.may_leave, edited.revision) == ("New", True, 2)
        assert edited.description == made.description
        with pytest.raises(EditConflict, match="revision 1, it is now at 2"):
            datasets.edit(tx, ann, made.id, {"title": "Stale"}, 1, clock())
        assert datasets.search(tx, ann, text="new")
        with pytest.raises(Invalid, match="title"):
            datasets.edit(tx, ann, made.id, {"title": ""}, 2, clock())


def test_only_its_registrar_or_an_administrator_changes_a_dataset(
    database: Database, clock: Clock, ann: Caller
) -> None:
    with database.write() as tx:
        made = register(tx, ann, clock)
        other, admin = person(tx, clock(), "bob"), person(tx, clock(), "root", role="admin")
        with pytest.raises(Forbidden):
            datasets.edit(tx, other, made.id, {"title": "Mine"}, 1, clock())
        with pytest.raises(Forbidden):
            datasets.delete(tx, other, made.id)
        assert datasets.edit(tx, admin, made.id, {"title": "Ours"}, 1, clock()).title == "Ours"


def test_only_holders_put_a_tag_on_and_only_administrators_take_it_off(
    database: Database, clock: Clock, ann: Caller
) -> None:
    with database.write() as tx:
        keeper = person(tx, clock(), "keeper", tags=("secret",))
        mine, theirs = register(tx, ann, clock), register(tx, keeper, clock, place("/b"))
        with pytest.raises(Invalid, match="that you hold"):
            datasets.edit(tx, ann, mine.id, {"tags": ("secret",)}, 1, clock())
        assert datasets.edit(tx, keeper, theirs.id, {"tags": ("secret",)}, 1, clock()).tags == ("secret",)
        with pytest.raises(Invalid, match="only an administrator"):
            datasets.edit(tx, keeper, theirs.id, {"tags": ()}, 2, clock())


def test_locations_come_and_go(database: Database, clock: Clock, ann: Caller) -> None:
    url = NewLocation(url="https://data.example.org/a.laz")
    with database.write() as tx:
        made = register(tx, ann, clock)
        more = datasets.add_location(tx, ann, made.id, url, clock())
        assert [item.url for item in more.locations] == [None, url.url]
        again = datasets.add_location(tx, ann, made.id, replace(url, size_bytes=9), clock())
        assert [item.size_bytes for item in again.locations] == [5, 9]
        assert again.locations[1].id == more.locations[1].id
        less = datasets.remove_location(tx, ann, made.id, made.locations[0].id, clock())
        assert [item.url for item in less.locations] == [url.url]
        with pytest.raises(LocationUnknown):
            datasets.remove_location(tx, ann, made.id, made.locations[0].id, clock())
        with pytest.raises(Invalid) as caught:
            datasets.add_location(tx, ann, made.id, NewLocation(site="lab", path="x"), clock())
        assert [fault.field for fault in caught.value.faults] == ["path"]


def test_identifiers_come_and_go_but_one_stays(database: Database, clock: Clock, ann: Caller) -> None:
    with database.write() as tx:
        made = register(tx, ann, clock)
        other = register(tx, ann, clock, place("/b"))
        more = datasets.add_identifier(tx, ann, made.id, "hdl:2142/1", clock())
        assert datasets.add_identifier(tx, ann, made.id, "https://hdl.handle.net/2142/1", clock()) == more
        with pytest.raises(IdentifierTaken):
            datasets.add_identifier(tx, ann, other.id, "HDL:2142/1", clock())
        assert resolver.resolve(tx, ann, "https://hdl.handle.net/2142/1").id == made.id
        left = datasets.remove_identifier(tx, ann, made.id, "10.5072/AUTZEN", clock())
        assert [item.value for item in left.identifiers] == ["hdl:2142/1"]
        assert datasets.search(tx, ann, text="10.5072/autzen") == []
        with pytest.raises(IdentifierUnknown):
            datasets.remove_identifier(tx, ann, made.id, "doi:10.5072/autzen", clock())
        with pytest.raises(InUse, match="only identifier"):
            datasets.remove_identifier(tx, ann, made.id, "hdl:2142/1", clock())


def add_run(tx: Tx, caller: Caller, clock: Clock, dataset: str, state: str) -> None:
    when = {"created_at": clock()}
    tx.execute(insert(schema.tools).values(id="t", name="t", **when))
    tx.execute(
        insert(schema.tool_versions).values(id="v", tool_id="t", version="1", spec={}, digest="", **when)
    )
    tx.execute(
        insert(schema.runs).values(
            id="run",
            account_id=caller.account.id,
            tool_version_id="v",
            tool="t",
            version="1",
            kind="task",
            request={},
            state=state,
            cpus=1,
            memory_gb=1,
            updated_at=clock(),
            **when,
        )
    )
    tx.execute(
        insert(schema.run_datasets).values(
            run_id="run", name="a", dataset_id=dataset, identifier="i", mode="mount"
        )
    )


def test_a_dataset_that_runs_use_is_not_deleted(database: Database, clock: Clock, ann: Caller) -> None:
    with database.write() as tx:
        made = register(tx, ann, clock)
        add_run(tx, ann, clock, made.id, "running")
        with pytest.raises(InUse, match="one run still") as caught:
            datasets.delete(tx, ann, made.id)
        assert caught.value.extra["runs"] == ["run"]


def test_runs_of_others_that_use_a_dataset_are_counted_and_not_named(
    database: Database, clock: Clock, ann: Caller
) -> None:
    with database.write() as tx:
        made = register(tx, ann, clock)
        add_run(tx, person(tx, clock(), "bob"), clock, made.id, "running")
        with pytest.raises(InUse, match="one run still") as caught:
            datasets.delete(tx, ann, made.id)
        assert caught.value.extra["runs"] == []


def test_a_deleted_dataset_is_gone_and_its_identifier_free(
    database: Database, clock: Clock, ann: Caller
) -> None:
    with database.write() as tx:
        made = register(tx, ann, clock)
        add_run(tx, ann, clock, made.id, "complete")
        datasets.delete(tx, ann, made.id)
        with pytest.raises(DatasetUnknown):
            datasets.get(tx, ann, made.id)
        assert register(tx, ann, clock).id != made.id
