"""Doors for runs, through the whole application, without a dispatcher: what is asked for waits."""

from __future__ import annotations

from typing import Any

import pytest

from alongside.hub.store import logs
from support.api import Api, Person
from support.furnished import WISH, asked, furnished, make_ready


@pytest.fixture
def ann(api: Api) -> Person:
    return furnished(api)


def test_a_run_that_was_asked_for_waits(ann: Person) -> None:
    run = asked(ann, title="Mine")
    assert (run["state"], run["word"], run["title"], run["open_url"]) == ("queued", "Waiting", "Mine", None)
    assert run["datasets"][0]["identifier"] == "doi:10.5072/autzen"
    assert run["request"]["datasets"] == [{"id": "10.5072/AUTZEN", "name": None, "mode": "mount"}]
    line = {"position": 1, "about_s": None, "words": "1st in line"}
    assert ann.get(f"/runs/{run['id']}").json == {**run, "queue": line}
    assert ann.get("/runs").json["items"] == [run]
    assert ann.get("/runs?state=running,paused").json["items"] == []
    assert ann.get("/runs?state=queued&tool=lab&kind=interactive").json["items"] == [run]


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"tool": "nothing"}, 404, "tool_unknown"),
        ({"tool": "lab@9"}, 404, "tool_version_unknown"),
        ({"datasets": [{"id": "10.5072/other"}]}, 404, "identifier_unknown"),
        ({"datasets": [{"id": "doi:10.5072"}]}, 422, "invalid"),
        ({"site": "nowhere"}, 404, "site_unknown"),
        ({"resources": {"cpus": 64}}, 422, "unplaceable"),
        ({"resources": {"cpus": 0}}, 422, "invalid"),
        ({"lifetime": 5}, 422, "invalid"),
        ({"time_limit_s": 1e300}, 422, "invalid"),
        ({"datasets": [{"id": "10.5072/autzen", "name": "../x"}]}, 422, "invalid"),
        ({"tool": "summary", "arguments": {"pixels": 1}}, 422, "invalid"),
    ],
)
@pytest.mark.parametrize("door", ["/runs", "/runs/preview"])
def test_what_is_wrong_with_a_request_is_said(
    ann: Person, wish: dict[str, Any], status: int, code: str, door: str
) -> None:
    answer = ann.post(door, {**WISH, **wish})
    if door == "/runs/preview" and (code == "unplaceable" or "arguments" in wish):
        # the page that shows the preview is where places are explained and arguments filled in
        assert answer.status_code == 200, answer.text
    else:
        assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
        assert answer.content_type == "application/problem+json"
    assert ann.get("/runs").json["items"] == []


def test_a_preview_shows_what_a_launch_would_do_and_launches_nothing(ann: Person) -> None:
    shown = ann.post("/runs/preview", WISH).json
    assert (shown["tool"], shown["version"], shown["match"]) == ("lab", "1.0", None)
    assert [(place["site"], place["ok"]) for place in shown["places"]] == [("lab", True)]
    assert shown["datasets"][0]["identifier"] == "doi:10.5072/autzen"
    assert shown["quota"]["running"] == {"used": 0, "limit": 10}
    assert ann.get("/runs").json["items"] == []


def test_a_preview_offers_the_run_that_is_there_already(ann: Person, api: Api) -> None:
    run = asked(ann)
    make_ready(api, run["id"])
    match = ann.post("/runs/preview", WISH).json["match"]
    assert (match["id"], match["word"], match["open_url"]) == (run["id"], "Ready", f"/open/{run['id']}")
    assert api.person("bob").post("/runs/preview", WISH).json["match"] is None


def test_arguments_that_are_left_out_get_the_defaults_of_the_tool(ann: Person, api: Api) -> None:
    properties = {
        "n": {"type": "integer", "default": 3},
        "mode": {"enum": ["fast", "exact"], "default": "fast"},
        "seed": {"type": "integer"},
        "any": True,
    }
    published = ann.post(
        "/tools",
        {
            "name": "count",
            "version": "1",
            "kind": "task",
            "components": [{"environment": "demo", "command": ["count"]}],
            "arguments": {"properties": properties, "required": ["n"], "additionalProperties": False},
        },
    )
    assert published.status_code == 201, published.text
    wish = {"tool": "count", "arguments": {"mode": "exact"}}
    shown = ann.post("/runs/preview", wish).json
    assert shown["arguments"] == {"n": 3, "mode": "exact"}
    run = ann.post("/runs", wish).json
    assert run["request"]["arguments"] == {"n": 3, "mode": "exact"}
    refused = ann.post("/runs", {"tool": "count", "arguments": {"n": None}})
    assert refused.json["faults"] == [{"field": "arguments.n", "reason": "None is not of type 'integer'"}], (
        "what was given stays as it was given"
    )


def test_the_quota_is_explained_when_it_bites(ann: Person, api: Api) -> None:
    root = api.person("root", "admin")
    assert root.patch(f"/accounts/{ann.account.id}", {"limits": {"running": 1}}).status_code == 200
    asked(ann)
    answer = ann.post("/runs", WISH)
    assert (answer.status_code, answer.json["code"]) == (403, "quota_exceeded")
    assert "1" in answer.json["detail"]


def test_a_run_is_asked_for_once_under_one_key(ann: Person) -> None:
    first = ann.post("/runs", WISH, Idempotency_Key="k")
    assert ann.post("/runs", WISH, Idempotency_Key="k").json == first.json
    other = ann.post("/runs", {**WISH, "title": "x"}, Idempotency_Key="k")
    assert (other.status_code, other.json["code"]) == (409, "idempotency_mismatch")


def test_other_peoples_runs_are_not_there_except_for_administrators(ann: Person, api: Api) -> None:
    run = asked(ann)
    bob, root = api.person("bob"), api.person("root", "admin")
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/log", None),
        ("GET", "/events", None),
        ("GET", "/attempts", None),
        ("GET", "/explain", None),
        ("GET", "/artifacts", None),
        ("GET", "/artifacts/a.txt", None),
        ("POST", "/stop", None),
        ("POST", "/start", None),
        ("POST", "/cancel", None),
        ("POST", "/extend", {"seconds": 5}),
        ("POST", "/datasets", {"id": "10.5072/autzen"}),
        ("DELETE", "/datasets/autzen.laz", None),
        ("POST", "/access", None),
        ("DELETE", "", None),
    ):
        answer = bob.ask(method, f"/runs/{run['id']}{path}", body)
        assert (answer.status_code, answer.json["code"]) == (404, "run_unknown"), path
    assert bob.get("/runs").json["items"] == []
    assert bob.get("/runs?all=true").status_code == 403
    assert root.get(f"/runs/{run['id']}").json["id"] == run["id"]
    assert root.get("/runs").json["items"] == []
    assert root.get("/runs?all=true").json["items"] == [run]
    assert root.get("/runs?account=ann").json["items"] == [run]


def test_a_waiting_run_is_explained(ann: Person) -> None:
    run = asked(ann)
    found = ann.get(f"/runs/{run['id']}/explain").json
    assert found["position"] == 1
    assert found["rule"]


def test_a_waiting_run_stops_at_once_and_starts_again(ann: Person) -> None:
    run = asked(ann)
    stopped = ann.post(f"/runs/{run['id']}/stop")
    assert (stopped.status_code, stopped.json["kind"], stopped.json["state"]) == (202, "stop", "complete")
    assert ann.get(f"/runs/{run['id']}").json["word"] == "Stopped"
    started = ann.post(f"/runs/{run['id']}/start")
    assert (started.status_code, started.json["state"]) == (202, "complete")
    assert ann.get(f"/runs/{run['id']}").json["word"] == "Waiting"
    assert ann.get(f"/actions/{started.json['id']}").json == started.json
    actions = ann.get(f"/actions?run={run['id']}").json["items"]
    assert {action["id"] for action in actions} == {started.json["id"], stopped.json["id"]}
    again = ann.post(f"/runs/{run['id']}/start")
    assert (again.status_code, again.json["code"]) == (409, "state_conflict")


def test_an_action_of_others_is_unknown(ann: Person, api: Api) -> None:
    action = ann.post(f"/runs/{asked(ann)['id']}/stop").json
    answer = api.person("bob").get(f"/actions/{action['id']}")
    assert (answer.status_code, answer.json["code"]) == (404, "action_unknown")


def test_a_run_without_processes_is_deleted_at_once(ann: Person) -> None:
    run = asked(ann)
    assert ann.delete(f"/runs/{run['id']}").status_code == 204
    assert ann.get(f"/runs/{run['id']}").json["code"] == "run_unknown"


def test_a_run_with_processes_is_deleted_when_they_are_gone(ann: Person, api: Api) -> None:
    run = asked(ann)
    make_ready(api, run["id"])
    answer = ann.delete(f"/runs/{run['id']}")
    assert (answer.status_code, answer.json["kind"]) == (202, "delete")
    assert ann.get(f"/runs/{run['id']}").status_code == 200


def test_datasets_are_attached_and_detached(ann: Person) -> None:
    run = asked(ann, datasets=[])
    attached = ann.post(f"/runs/{run['id']}/datasets", {"id": "10.5072/autzen", "name": "cloud"})
    assert (attached.status_code, attached.json["kind"]) == (202, "attach")
    assert [item["name"] for item in ann.get(f"/runs/{run['id']}").json["datasets"]] == ["cloud"]
    assert ann.delete(f"/runs/{run['id']}/datasets/cloud").status_code == 202
    assert ann.get(f"/runs/{run['id']}").json["datasets"] == []


def test_events_and_attempts_page(ann: Person, api: Api) -> None:
    run = asked(ann)
    ann.post(f"/runs/{run['id']}/stop")
    ann.post(f"/runs/{run['id']}/start")
    everything = ann.get(f"/runs/{run['id']}/events").json["items"]
    assert [event["state"] for event in everything if event["kind"] == "state"] == [
        "queued",
        "paused",
        "queued",
    ]
    page = ann.get(f"/runs/{run['id']}/events?limit=1").json
    rest = ann.get(f"/runs/{run['id']}/events?cursor={page['next']}").json
    assert page["items"] + rest["items"] == everything
    make_ready(api, run["id"])
    assert [item["number"] for item in ann.get(f"/runs/{run['id']}/attempts").json["items"]] == [1]
    assert ann.get(f"/runs/{run['id']}/events?cursor=eA==").status_code == 422


def test_a_log_is_read_in_pieces(ann: Person, api: Api) -> None:
    run = asked(ann)["id"]
    make_ready(api, run)
    logs.append(api.config.data_dir / "logs", run, 1, 0, "first\nzweite Zeile: größer\n".encode())
    whole = ann.get(f"/runs/{run}/log")
    assert (whole.status_code, whole.content_type) == (200, "text/plain; charset=utf-8")
    assert whole.text == "first\nzweite Zeile: größer\n"
    assert whole.headers["X-Log-Size"] == str(len(whole.data))
    piece = ann.get(f"/runs/{run}/log?offset=6&limit=6")
    assert (piece.text, piece.headers["X-Log-Offset"]) == ("zweite", "6")
    assert ann.get(f"/runs/{run}/log?attempt=2").json["code"] == "log_unknown"


def test_a_run_that_is_not_ready_cannot_be_entered(ann: Person, api: Api) -> None:
    run = asked(ann)
    refused = ann.post(f"/runs/{run['id']}/access")
    assert (refused.status_code, refused.json["code"]) == (409, "state_conflict")
    make_ready(api, run["id"])
    access = ann.post(f"/runs/{run['id']}/access").json
    assert access["url"].startswith(f"http://{run['id']}.localhost:8470")
    assert access["ticket_url"].startswith(f"http://{run['id']}.localhost:8470/.alongside/ticket?t=")


def test_guests_run_but_tokens_that_only_read_do_not(ann: Person, api: Api) -> None:
    assert api.person("guest", "guest").post("/runs", WISH).status_code == 201
    reader = api.program("ann", scopes=("read",))
    assert reader.post("/runs", WISH).json["code"] == "forbidden"
    assert reader.get("/runs").status_code == 200


def test_who_lost_the_right_to_a_dataset_starts_only_without_it(ann: Person, api: Api) -> None:
    root = api.person("root", "admin")
    run = asked(ann)["id"]
    ann.post(f"/runs/{run}/stop")
    tag = root.post("/tags", {"name": "secret"}).json["id"]
    dataset = ann.get("/resolve?id=10.5072/autzen").json["dataset"]["id"]
    root.put(f"/tags/{tag}/things/dataset/{dataset}")
    for person in (ann, root):
        refused = person.post(f"/runs/{run}/start")
        assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
        assert refused.json["datasets"] == ["autzen.laz"]
    root.put(f"/tags/{tag}/accounts/{ann.account.id}")
    assert ann.post(f"/runs/{run}/start").status_code == 202
    ann.post(f"/runs/{run}/stop")
    root.delete(f"/tags/{tag}/accounts/{ann.account.id}")
    assert ann.delete(f"/runs/{run}/datasets/autzen.laz").status_code == 202
    assert ann.post(f"/runs/{run}/start").status_code == 202
