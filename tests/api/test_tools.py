"""Doors for tools, through the whole application."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from support.api import V1, Api, Person

DEMO = Path(__file__).parents[2] / "deploy" / "tools"
LAB: dict[str, Any] = {
    "name": "lab",
    "version": "1.0",
    "kind": "interactive",
    "components": [{"name": "lab", "image": "lab:1", "port": 8888}],
}


@pytest.fixture
def ann(api: Api) -> Person:
    return api.person("ann")


def post_yaml(person: Person, path: str, text: bytes, media: str = "application/yaml") -> TestResponse:
    headers = {**person.headers, "Content-Type": media}
    return person.client.post(f"{V1}{path}", data=text, headers=headers)


def test_yaml_and_json_publish_the_same_tool(ann: Person) -> None:
    text = (DEMO / "jupyterlab.yaml").read_bytes()
    made = post_yaml(ann, "/tools", text)
    assert made.status_code == 201, made.text
    again = ann.post("/tools", made.json["spec"])
    assert (again.status_code, again.json) == (200, made.json)
    card = ann.get("/tools").json["items"][0]
    assert (card["name"], card["title"], card["kind"]) == ("jupyterlab", "JupyterLab", "interactive")
    assert card["latest"] == made.json
    assert card["runnable"] == {"ok": False, "reason": "there is no site that you may use", "sites": []}


def test_five_faults_of_a_tool_are_five_faults_in_the_answer(ann: Person) -> None:
    text = b"""
name: My Tool
version: 1.0
kind: interactive
components:
  - {name: web, image: web, port: 99999, comand: x}
  - {name: db, image: db, depends: [cache]}
"""
    answer = post_yaml(ann, "/tools", text)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    fields = [fault["field"] for fault in answer.json["faults"]]
    assert sorted(fields) == [
        "components[0].comand",
        "components[0].port",
        "components[1].depends",
        "name",
        "version",
    ]
    checked = post_yaml(ann, "/tools/validate", text)
    assert (checked.status_code, checked.json["ok"]) == (200, False)
    assert checked.json["faults"] == answer.json["faults"]


def test_a_sound_specification_is_said_to_be_and_not_published(ann: Person) -> None:
    assert ann.post("/tools/validate", LAB).json == {"ok": True, "faults": []}
    assert ann.get("/tools").json["items"] == []


def test_other_contents_under_a_published_version_are_a_conflict(ann: Person) -> None:
    ann.post("/tools", LAB)
    answer = ann.post("/tools", {**LAB, "title": "Other"})
    assert (answer.status_code, answer.json["code"]) == (409, "version_published")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/tools/nothing", "tool_unknown"),
        ("/tools/lab/versions/9", "tool_version_unknown"),
        ("/tools/nothing/versions/1", "tool_unknown"),
    ],
)
def test_what_is_unknown_is_said(ann: Person, path: str, code: str) -> None:
    ann.post("/tools", LAB)
    answer = ann.get(path)
    assert (answer.status_code, answer.json["code"]) == (404, code)


@pytest.mark.parametrize(
    ("text", "media", "status"),
    [
        (b"a: [", "application/yaml", 400),
        (b"a: &x 1\nb: *x", "application/yaml", 400),
        (b"- 1", "application/yaml", 422),
        (b"", "application/yaml", 422),
        (b"{}", "text/plain", 415),
    ],
)
def test_a_body_that_is_no_tool_is_refused(ann: Person, text: bytes, media: str, status: int) -> None:
    answer = post_yaml(ann, "/tools", text, media)
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"


def test_a_tool_and_its_versions_can_be_deleted(ann: Person) -> None:
    ann.post("/tools", LAB)
    ann.post("/tools", {**LAB, "version": "2.0"})
    assert ann.delete("/tools/lab/versions/1.0").status_code == 204
    assert ann.get("/tools/lab").json["versions"] == ["2.0"]
    assert ann.delete("/tools/lab").status_code == 204
    assert ann.get("/tools/lab").status_code == 404


def test_only_who_may_publish_does(api: Api, ann: Person) -> None:
    assert api.person("guest", "guest").post("/tools", LAB).json["code"] == "forbidden"
    ann.post("/tools", LAB)
    stranger = api.person("bob").post("/tools", {**LAB, "version": "2.0"})
    assert (stranger.status_code, stranger.json["code"]) == (403, "forbidden")
