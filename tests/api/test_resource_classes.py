"""Resource classes: what sites offer, to whom, what a launch gets; limits of accounts; labels of runners."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert

from alongside.hub.store import schema
from support.api import Api, Person
from support.furnished import RUNNER, WISH, asked, furnished

SMALL = {"name": "small", "title": "Small", "cpus": 1, "memory_gb": 2, "lifetime_s": 28_800}
LARGE = {"name": "large", "title": "Large", "cpus": 4, "memory_gb": 8, "groups": ["course"], "position": 1}


@pytest.fixture
def ann(api: Api) -> Person:
    return furnished(api)


@pytest.fixture
def root(api: Api) -> Person:
    return api.person("chief", "admin")


@pytest.fixture
def offered(root: Person, ann: Person) -> None:
    for body in (SMALL, LARGE):
        assert root.post("/sites/lab/classes", body).status_code == 201


def preview(person: Person, **more: Any) -> Any:
    answer = person.post("/runs/preview", {**WISH, **more})
    assert answer.status_code == 200, answer.text
    return answer.json


def second_site(api: Api, root: Person, **size: Any) -> None:
    site = root.post("/sites", {"name": "far"}).json
    with api.hub.database.write() as tx:
        tx.execute(
            insert(schema.runners).values(
                id="01runner000000000000000001",
                site_id=site["id"],
                name="two",
                secret_hash="y",
                labels=[],
                executors=[{"kind": "process", "available": True, "environments": ["demo"]}],
                capacity={"cpus": 64, "memory_gb": 64},
                online=True,
                created_at=api.clock(),
            )
        )
    assert root.post("/sites/far/classes", {**SMALL, **size}).status_code == 201


@pytest.mark.usefixtures("offered")
def test_a_class_is_offered_with_the_reason_why_not_and_opens_with_the_group(
    ann: Person, root: Person
) -> None:
    small, large = preview(ann)["classes"]
    assert (small["name"], small["ok"], small["lifetime_s"]) == ("small", True, 28_800)
    assert (large["ok"], large["reason"]) == (False, "it is for the group course")
    refused = ann.post("/runs", {**WISH, "resource_class": "large"})
    assert refused.status_code == 422
    assert refused.json["faults"] == [{"field": "resource_class", "reason": "it is for the group course"}]

    group = root.post("/groups", {"name": "course"}).json
    assert root.put(f"/groups/{group['id']}/members/{ann.account.id}").status_code < 300
    assert all(item["ok"] for item in preview(ann)["classes"])
    run = asked(ann, resource_class="large")
    assert (run["resource_class"], run["resources"]["cpus"]) == ("large", 4)


@pytest.mark.usefixtures("offered")
def test_a_run_keeps_what_it_was_given_when_the_class_changes(ann: Person, root: Person) -> None:
    run = asked(ann, resource_class="small")
    assert (run["resources"]["memory_gb"], run["lifetime_s"]) == (2, 28_800)
    changed = root.patch("/sites/lab/classes/small", {"memory_gb": 3, "lifetime_s": None})
    assert changed.json["resources"] == {"cpus": 1, "memory_gb": 3, "gpus": 0, "disk_gb": 0}
    assert changed.json["lifetime_s"] is None
    assert ann.get(f"/runs/{run['id']}").json["resources"]["memory_gb"] == 2
    assert root.delete("/sites/lab/classes/small").status_code == 204
    assert root.get("/sites/lab/classes/small").json["code"] == "resource_class_unknown"


@pytest.mark.usefixtures("offered")
def test_where_there_are_classes_what_is_asked_for_must_fit_into_one(ann: Person, root: Person) -> None:
    assert asked(ann, resources={"cpus": 0.5, "memory_gb": 2})["resource_class"] is None
    refused = ann.post("/runs", {**WISH, "resources": {"cpus": 2, "memory_gb": 2}})
    assert refused.json["code"] == "unplaceable"
    assert "no resource class that this account may use there is large enough" in refused.json["detail"]
    assert asked(root, resources={"cpus": 2, "memory_gb": 2}), "administrators may use everything"
    both = ann.post("/runs", {**WISH, "resources": {"cpus": 1}, "resource_class": "small"})
    assert both.json["faults"][0]["field"] == "resource_class"


@pytest.mark.usefixtures("offered")
def test_a_tool_names_its_default_and_the_launch_may_choose_another(api: Api, ann: Person) -> None:
    tool = {
        "name": "big",
        "version": "1",
        "kind": "interactive",
        "resource_class": "small",
        "components": [{"environment": "demo", "command": ["x"], "port": 1}],
    }
    assert ann.post("/tools", tool).status_code == 201
    seen = preview(ann, tool="big")
    assert (seen["resource_class"], seen["lifetime_s"]) == ("small", 28_800)
    assert [item["usual"] for item in seen["classes"]] == [True, False]


def test_classes_of_one_name_are_one_choice_and_the_data_decides_which_it_is(
    api: Api, ann: Person, root: Person
) -> None:
    root.post("/sites/lab/classes", SMALL)
    second_site(api, root, cpus=2, memory_gb=32)
    [small] = preview(ann)["classes"]
    assert small["sites"] == ["lab", "far"]
    assert asked(ann, resource_class="small")["resources"]["cpus"] == 1, "the data is at lab"
    assert asked(ann, resource_class="small", site="far", datasets=[])["resources"]["cpus"] == 2
    places = {item["site"]: item["reason"] for item in preview(ann, resource_class="small")["places"]}
    assert "no class small of this size" in places["far"]
    wrong = ann.post("/runs", {**WISH, "resource_class": "huge"}).json["faults"]
    assert wrong == [{"field": "resource_class", "reason": "there is no class 'huge'; there are small"}]


def test_limits_come_from_the_account_then_its_class_then_everyone(
    api: Api, ann: Person, root: Person
) -> None:
    wanted = {"title": "Students", "limits": {"running": 2, "cpus": 1, "gpus": 0, "lifetime_s": 3600}}
    assert root.put("/account-classes/standard", wanted).json["accounts"] >= 1
    refused = ann.post("/runs", {**WISH, "resources": {"cpus": 2, "memory_gb": 1, "gpus": 1}})
    assert refused.json["code"] == "quota_exceeded"
    assert "1 cores" in refused.json["detail"]
    assert "0 GPUs" in refused.json["detail"]
    run = asked(ann, lifetime_s=7200)
    assert (run["lifetime_s"], run["lifetime_max_s"]) == (3600, 3600)
    assert root.patch(f"/accounts/{ann.account.id}", {"limits": {"cpus": 3}}).status_code == 200
    assert asked(ann, resources={"cpus": 2, "memory_gb": 1})["resources"]["cpus"] == 2
    assert root.delete("/account-classes/standard").json["code"] == "in_use"


def test_labels_of_the_hub_stand_beside_those_of_the_runner(api: Api, ann: Person, root: Person) -> None:
    refused = ann.post("/runs", {**WISH, "labels": ["gpu-a100"]})
    assert "lacks the label gpu-a100" in refused.json["detail"]
    edited = root.patch(f"/runners/{RUNNER}", {"added_labels": ["gpu-a100"]}).json
    assert (edited["labels"], edited["state"]) == (["gpu-a100"], "online")
    assert asked(ann, labels=["gpu-a100"])["request"]["labels"] == ["gpu-a100"]
    assert ann.patch(f"/runners/{RUNNER}", {"added_labels": []}).status_code == 403
    assert root.patch(f"/runners/{RUNNER}", {"added_labels": ["no spaces"]}).status_code == 422


def test_a_class_of_another_shape_is_refused_with_every_fault(ann: Person, root: Person) -> None:
    refused = root.post("/sites/lab/classes", {"name": "Big One", "cpus": 0, "memory_gb": -1})
    assert {fault["field"] for fault in refused.json["faults"]} == {"name", "cpus", "memory_gb"}
    root.post("/sites/lab/classes", SMALL)
    assert root.post("/sites/lab/classes", SMALL).json["code"] == "name_taken"
    assert ann.post("/sites/lab/classes", LARGE).status_code == 403
    assert [item["name"] for item in ann.get("/sites/lab/classes").json["items"]] == ["small"]
