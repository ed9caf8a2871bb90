"""Who may open which folder, what drives there are, and how a folder becomes a dataset: on a fixed clock."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey
from sqlalchemy import update

from alongside.errors import (
    DatasetUnknown,
    Forbidden,
    IdentifierTaken,
    Invalid,
    NotFound,
    QuotaExceeded,
    RunUnknown,
    StateConflict,
)
from alongside.hub import accounts as people
from alongside.hub import datasets, files, saving
from alongside.hub.files import Wanted
from alongside.hub.saving import Saving, Wish
from alongside.hub.store import changes
from alongside.hub.store.database import Database
from alongside.hub.store.schema import accounts
from alongside.spec.datasets import Dataset
from alongside.spec.runs import Run
from alongside.spec.wire import ErrandNews
from support.houses import House, a_house
from support.people import person

SEALED = {
    "path": "/work/datasets/x/result",
    "kind": "folder",
    "files": 2,
    "size_bytes": 7,
    "sha256": "a" * 64,
}


HOME = Wanted("home")


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path / "data", database=database) as house:
        house.join("lab", "r1")
        house.sync("r1")
        with house.hub.database.write() as tx:
            house.people["eve"] = person(tx, house.clock(), "eve")
        yield house


@pytest.fixture
def run(house: House) -> Run:
    """A task of ann's that has left something."""
    run = house.request("count", title="Counted")
    house.sync("r1")
    double = house.runners["r1"]
    double.start(run.id)
    item = {"path": "result/a.csv", "size_bytes": 3, "sha256": "0" * 64, "media_type": "text/csv"}
    double.report(run.id, "artifacts", body={"artifacts": [item]})
    double.finish(run.id)
    house.settle()
    return house.run(run.id)


def granted(house: House, wanted: Wanted, who: str = "ann", *, write: bool = True) -> dict[str, Any]:
    """What the site is told, checked as the site does."""
    with house.hub.database.read() as tx:
        grant = files.grant(
            tx,
            house.people[who],
            wanted,
            house.clock(),
            write=write,
            config=house.hub.config,
            keyring=house.hub.keyring,
        )
    assert grant.url == "http://files.lab.localhost:8470"
    key = OKPKey.import_key(house.hub.keyring.public_pem)
    claims = jwt.decode(grant.token, key, algorithms=["Ed25519", "EdDSA"]).claims
    assert (claims["aud"], claims["exp"] - claims["iat"]) == ("files", 900)
    return claims["folder"]


def test_a_grant_is_for_one_folder_of_ones_own(house: House, run: Run) -> None:
    ann = house.people["ann"].account
    assert granted(house, Wanted("home")) == {
        "kind": "home",
        "runner": house.runners["r1"].id,
        "name": ann.id,
        "account": ann.id,
        "account_name": "ann",
        "writable": True,
    }
    outputs = granted(house, Wanted("outputs", run=run.id))
    assert (outputs["name"], outputs["writable"]) == (f"{run.id}/1", False)
    dataset = house.dataset("doi:10.5072/x", at="lab")
    found = granted(house, Wanted("dataset", dataset=dataset.id))
    assert (found["name"], found["writable"]) == (dataset.locations[0].path, False)
    with pytest.raises(RunUnknown):
        granted(house, Wanted("outputs", run=run.id), "eve")
    with pytest.raises(NotFound):
        granted(house, Wanted("group", group="physics"))
    with pytest.raises(Invalid):
        granted(house, Wanted("group"))
    with house.hub.database.read() as tx:
        places = files.places(tx, house.people["ann"])
        assert [(place.kind, place.title) for place in places] == [("home", "lab"), ("outputs", "Counted")]
        assert [place.kind for place in files.places(tx, house.people["eve"])] == ["home"]


def test_drives_are_told_to_the_site_and_taken_back(house: House) -> None:
    drive = opened(house)
    told = errand(house, "drive")
    assert told["drive"]["folder"]["kind"] == "home"
    assert drive.password not in str(told)
    assert drive.url == f"http://files.lab.localhost:8470/dav/{drive.id}/"
    with house.hub.database.write() as tx:
        with pytest.raises(NotFound):
            files.close_drive(tx, house.people["eve"].account.id, drive.id, house.clock())
        files.close_drive(tx, house.people["ann"].account.id, drive.id, house.clock())
    assert errand(house, "drive") == {"remove": drive.id}
    for _ in range(files.DRIVES_MAX):
        opened(house)
    with pytest.raises(QuotaExceeded):
        opened(house)
    house.clock.step(31 * 86_400)
    opened(house)
    with house.hub.database.read() as tx:
        assert len(files.drives(tx, house.people["ann"], house.clock(), config=house.hub.config)) == 1


def test_a_locked_account_loses_its_drives_and_one_that_signs_out_does_not(house: House) -> None:
    drive, ann = opened(house), house.people["ann"].account.id
    with house.hub.database.write() as tx:
        changes.note(tx, "revoke", f"account:{ann}")
    assert "drive" in errand(house, "drive")
    with house.hub.database.write() as tx:
        tx.execute(update(accounts).where(accounts.c.id == ann).values(active=False))
        changes.note(tx, "revoke", f"account:{ann}")
    house.turn()
    assert errand(house, "drive") == {"remove": drive.id}


def test_who_leaves_a_group_loses_the_drives_of_it(house: House) -> None:
    ann = house.people["ann"].account.id
    home = opened(house)
    with house.hub.database.write() as tx:
        groups = [people.create_group(tx, name, house.clock()) for name in ("lab", "club")]
        for group in groups:
            people.add_member(tx, group.id, ann)
    lab, club = (opened(house, Wanted("group", group=group.name)) for group in groups)
    with house.hub.database.write() as tx:
        files.left(tx, ann, house.clock(), group="lab")
        kept = files.drives(tx, house.people["ann"], house.clock(), config=house.hub.config)
    assert {drive.id for drive in kept} == {home.id, club.id}
    assert errand(house, "drive") == {"remove": lab.id}


def test_what_the_site_has_sealed_is_a_dataset_with_what_it_came_from(house: House, run: Run) -> None:
    begun = save(house, Wish(Wanted("outputs", run=run.id), "result", "Kept", tags=()))
    assert begun.state == "queued"
    body = errand(house, "seal")
    assert (body["folder"], body["path"]) == ({"kind": "outputs", "name": f"{run.id}/1"}, "result")
    with pytest.raises(DatasetUnknown):
        shown(house, begun.dataset)
    say(house, begun, "running", progress=40.0, message="copying")
    assert look(house, begun).progress == 40
    say(house, begun, "complete", answer=SEALED)
    dataset = shown(house, begun.dataset)
    assert (dataset.title, dataset.locations[0].path) == ("Kept", SEALED["path"])
    assert dataset.identifiers[0].value == begun.identifiers[0]
    assert begun.identifiers[0].startswith("urn:uuid:")
    made_from = dataset.metadata["provenance"]
    assert (made_from["run"], made_from["tool"], made_from["sha256"]) == (run.id, "count", "a" * 64)
    with pytest.raises(StateConflict), house.hub.database.write() as tx:
        saving.cancel(tx, house.people["ann"], begun.id, house.clock())


def test_what_cannot_be_sealed_leaves_nothing(house: House, run: Run) -> None:
    begun = save(house, Wish(Wanted("outputs", run=run.id), "result"))
    say(house, begun, "system_error", reason_code="disk_full", reason="No space left on device")
    found = look(house, begun)
    assert (found.state, found.reason_code) == ("system_error", "disk_full")
    with pytest.raises(DatasetUnknown):
        shown(house, begun.dataset)


def test_a_saving_that_was_canceled_is_undone_whatever_the_site_still_says(house: House, run: Run) -> None:
    begun = save(house, Wish(Wanted("outputs", run=run.id), "result"))
    say(house, begun, "running")
    with house.hub.database.write() as tx:
        assert saving.cancel(tx, house.people["ann"], begun.id, house.clock()).state == "canceled"
    assert errand(house, "unseal") == {"dataset": begun.dataset}
    say(house, begun, "complete", answer=SEALED)
    with pytest.raises(DatasetUnknown):
        shown(house, begun.dataset)
    with house.hub.database.read() as tx, pytest.raises(NotFound):
        saving.get(tx, house.people["eve"], begun.id)


def test_a_wish_that_cannot_be_is_refused_at_once(house: House, run: Run) -> None:
    outputs = Wanted("outputs", run=run.id)
    for path in ("../x", "a//b", ".alongside-trash", "a/."):
        with pytest.raises(Invalid) as wrong:
            save(house, Wish(outputs, path, tags=("nobodys",)))
        assert {fault.field for fault in wrong.value.faults} == {"path", "tags"}
    with pytest.raises(Invalid):
        save(house, Wish(Wanted("home")))
    house.dataset("doi:10.5072/taken", at="lab")
    with pytest.raises(IdentifierTaken):
        save(house, Wish(outputs, "result", identifier="10.5072/TAKEN"))
    with pytest.raises(RunUnknown):
        save(house, Wish(outputs, "result"), "eve")


def test_a_token_that_reads_does_not_write(house: House) -> None:
    reader = replace(house.people["ann"], scopes=frozenset({"read"}))
    house.people["reader"] = reader
    with pytest.raises(Forbidden):
        granted(house, Wanted("home"), "reader")
    assert granted(house, Wanted("home"), "reader", write=False)["writable"] is False


def opened(house: House, wanted: Wanted = HOME) -> files.NewDrive:
    with house.hub.database.write() as tx:
        return files.open_drive(
            tx,
            house.people["ann"],
            wanted,
            house.clock(),
            name="laptop",
            days=30,
            write=True,
            config=house.hub.config,
        )


def save(house: House, wish: Wish, who: str = "ann") -> Saving:
    with house.hub.database.write() as tx:
        return saving.begin(tx, house.people[who], wish, house.clock(), config=house.hub.config)


def look(house: House, begun: Saving) -> Saving:
    with house.hub.database.read() as tx:
        return saving.get(tx, house.people["ann"], begun.id)


def shown(house: House, dataset: str) -> Dataset:
    with house.hub.database.read() as tx:
        return datasets.get(tx, house.people["ann"], dataset)


def errand(house: House, kind: str) -> dict[str, Any]:
    """The newest errand of a kind that the site has heard of."""
    house.sync("r1")
    heard = [item.body for item in house.runners["r1"].heard if item.kind == "errand"]
    return [item for item in heard if item["kind"] == kind][-1]["body"]


def say(house: House, begun: Saving, state: Any, **members: Any) -> None:
    house.runners["r1"].news = [ErrandNews(begun.id, next(_numbers), state, **members)]
    house.sync("r1")


#: news count up
_numbers = itertools.count(1)
