"""Doors for datasets, through the whole application."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from support.api import Api, Person

AUTZEN = {
    "title": "Autzen",
    "identifiers": ["https://doi.org/10.5072/Autzen"],
    "locations": [{"site": "lab", "path": "/data/autzen.laz", "size_bytes": 5}],
}


@pytest.fixture
def ann(api: Api) -> Person:
    """A person at a hub with a site `lab`."""
    assert api.person("root", "admin").post("/sites", {"name": "lab"}).status_code == 201
    return api.person("ann")


def registered(person: Person, **more: Any) -> Any:
    answer = person.post("/datasets", {**AUTZEN, **more})
    assert answer.status_code == 201, answer.text
    return answer.json


def test_a_registered_dataset_is_answered_whole(ann: Person) -> None:
    made = registered(ann)
    assert made["size_bytes"] == 5
    assert made["identifiers"] == [
        {"scheme": "doi", "value": "doi:10.5072/autzen", "display": "https://doi.org/10.5072/Autzen"}
    ]
    answer = ann.get(f"/datasets/{made['id']}")
    assert answer.json == made
    assert answer.headers["ETag"] == '"1"'


def test_a_registration_is_carried_out_once_under_one_key(ann: Person) -> None:
    first = ann.post("/datasets", AUTZEN, Idempotency_Key="k1")
    again = ann.post("/datasets", AUTZEN, Idempotency_Key="k1")
    assert again.json == first.json
    assert len(ann.get("/datasets").json["items"]) == 1


def test_a_malformed_doi_is_explained(ann: Person) -> None:
    answer = ann.post("/datasets", {**AUTZEN, "identifiers": ["doi:10.5072"]})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert answer.json["faults"] == [
        {
            "field": "identifiers[0]",
            "reason": "'doi:10.5072' is not a DOI: there is no slash between prefix and suffix (10.5072/abc)",
        }
    ]
    answer = ann.get("/resolve?id=doi:10.50/x")
    assert (answer.status_code, answer.json["faults"][0]["field"]) == (422, "id")


def test_members_that_do_not_exist_are_refused(ann: Person) -> None:
    answer = ann.post("/datasets", {**AUTZEN, "colour": "blue", "locations": [{"sight": "lab"}]})
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json["faults"]] == ["locations[0].sight", "colour"]


def test_resolving_tells_dataset_and_sites(ann: Person) -> None:
    made = registered(ann)
    answer = ann.get("/resolve?id=" + quote("HTTPS://dx.doi.org/10.5072/AUTZEN", safe=""))
    assert answer.json == {
        "dataset": made,
        "sites": [{"site": "lab", "path_known": True, "online": False, "runners": 0}],
    }


def test_an_unknown_identifier_says_what_was_perhaps_meant(ann: Person) -> None:
    registered(ann)
    answer = ann.get("/resolve?id=doi:10.5072/autzem")
    assert (answer.status_code, answer.json["code"]) == (404, "identifier_unknown")
    assert answer.json["near"] == ["doi:10.5072/autzen"]


def test_an_identifier_of_another_dataset_is_a_conflict(ann: Person) -> None:
    registered(ann)
    answer = ann.post("/datasets", {**AUTZEN, "locations": [{"url": "https://example.org/x"}]})
    assert (answer.status_code, answer.json["code"]) == (409, "identifier_taken")


def test_an_edit_needs_the_revision_that_was_read(ann: Person) -> None:
    path = f"/datasets/{registered(ann)['id']}"
    assert ann.patch(path, {"title": "B"}).json["code"] == "precondition_required"
    edited = ann.patch(path, {"title": "B"}, If_Match='"1"')
    assert (edited.status_code, edited.json["title"], edited.headers["ETag"]) == (200, "B", '"2"')
    stale = ann.patch(path, {"title": "C"}, If_Match='"1"')
    assert (stale.status_code, stale.json["code"]) == (412, "edit_conflict")
    assert edited.json["identifiers"] == ann.get(path).json["identifiers"]


def test_a_list_pages_by_cursor(ann: Person, api: Api) -> None:
    made = []
    for number in range(5):
        api.clock.pass_(seconds=1)
        made.append(
            registered(ann, identifiers=[], locations=[{"site": "lab", "path": f"/d/{number}"}])["id"]
        )
    seen: list[str] = []
    cursor = ""
    while True:
        page = ann.get(f"/datasets?limit=2{cursor}").json
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == made[::-1]
    assert ann.get("/datasets?cursor=%25").status_code == 422


def test_identifiers_in_an_address_may_be_encoded_or_not(ann: Person) -> None:
    path = f"/datasets/{registered(ann)['id']}/identifiers"
    for text in ("https://example.org/a/b", quote("https://example.org/c?x=1", safe=""), "hdl:2142/1"):
        answer = ann.put(f"{path}/{text}")
        assert answer.status_code == 200, answer.text
    values = [item["value"] for item in answer.json["identifiers"]]
    assert values == [
        "doi:10.5072/autzen",
        "https://example.org/a/b",
        "https://example.org/c?x=1",
        "hdl:2142/1",
    ]
    assert ann.delete(f"{path}/10.5072%2FAUTZEN").json["identifiers"][0]["value"] == values[1]


def test_locations_are_added_and_removed(ann: Person) -> None:
    made = registered(ann)
    path = f"/datasets/{made['id']}/locations"
    more = ann.post(path, {"url": "https://example.org/a.laz"})
    assert (more.status_code, len(more.json["locations"])) == (201, 2)
    less = ann.delete(f"{path}/{made['locations'][0]['id']}")
    assert [item["url"] for item in less.json["locations"]] == ["https://example.org/a.laz"]
    gone = ann.delete(f"{path}/{made['locations'][0]['id']}")
    assert (gone.status_code, gone.json["code"]) == (404, "location_unknown")


def test_guests_look_but_do_not_register(ann: Person, api: Api) -> None:
    made = registered(ann)
    guest = api.person("guest", "guest")
    assert guest.get(f"/datasets/{made['id']}").status_code == 200
    assert guest.post("/datasets", AUTZEN).json["code"] == "forbidden"


def test_a_deleted_dataset_is_unknown(ann: Person) -> None:
    path = f"/datasets/{registered(ann)['id']}"
    assert ann.delete(path).status_code == 204
    assert ann.get(path).json["code"] == "dataset_unknown"


def test_a_dataset_with_a_tag_of_others_is_not_there(ann: Person, api: Api) -> None:
    root = api.person("root", "admin")
    tag = root.post("/tags", {"name": "secret"}).json
    made = registered(ann)
    assert root.put(f"/tags/{tag['id']}/things/dataset/{made['id']}").status_code == 200
    assert ann.get(f"/datasets/{made['id']}").status_code == 404
    assert ann.get("/datasets?q=autzen").json["items"] == []
    assert root.put(f"/tags/{tag['id']}/accounts/{ann.account.id}").status_code == 200
    assert ann.get(f"/datasets/{made['id']}").json["tags"] == ["secret"]
