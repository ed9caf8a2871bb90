"""The doorkeeper: who gets in, with what, and how everything else is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from alongside.config import Config, HubSettings
from alongside.hub.api import openapi
from alongside.hub.store.database import Database
from support.api import V1, Api
from support.clocks import Clock


def refused(answer, status: int, code: str):
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["title"]
    assert answer.json["detail"]
    return answer.json


def test_every_door_refuses_strangers_except_those_that_say_so(api: Api) -> None:
    stranger = api.nobody()
    asked = 0
    for door in openapi.doors_of(api.app):
        if door.needs is None:
            continue
        address = door.path.replace("{", "").replace("}", "").removeprefix(V1)
        refused(stranger.ask(door.method, address), 401, "unauthenticated")
        asked += 1
    assert asked > 50


def test_strangers_find_few_doors_open(api: Api) -> None:
    assert {door.name for door in openapi.doors_of(api.app) if door.needs is None} == {
        "sign_in",
        "sign_in_with_link",
        # people come in under a policy; none of these tells who is known
        "get_sign_in_ways",
        "sign_in_as_guest",
        "ask_for_sign_in_link",
        "create_account",
        "confirm_address",
        "ask_for_password_reset",
        "reset_password",
        "list_banners",
        "register_runner",
        "get_openapi",
        "get_docs",
        "get_docs_script",
        "get_docs_style",
        "get_badge",
        # redirects a browser that is not signed in to the page where it can be
        "open_run",
    }


def test_every_door_for_administrators_refuses_users(api: Api) -> None:
    user = api.person("ann")
    asked = 0
    for door in openapi.doors_of(api.app):
        if door.needs != "admin":
            continue
        address = door.path.replace("{", "").replace("}", "").removeprefix(V1)
        refused(user.ask(door.method, address), 403, "forbidden")
        asked += 1
    assert asked > 20


def test_a_token_opens_only_the_doors_of_its_scopes(api: Api) -> None:
    reader = api.program("ann", scopes=("read",))
    wide = api.program("ann", scopes=("run", "publish"))
    assert reader.get("/me").status_code == 200
    problem = refused(wide.get("/me"), 403, "forbidden")
    assert problem["scope"] == "read"
    asked = 0
    for door in openapi.doors_of(api.app):
        if door.needs in {"run", "publish"}:
            address = door.path.replace("{", "").replace("}", "").removeprefix(V1)
            refused(reader.ask(door.method, address), 403, "forbidden")
            asked += 1
    assert asked > 5


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer  ", "Bearer nonsense", "nonsense"])
def test_a_bad_authorization_is_refused_even_beside_a_good_cookie(api: Api, header: str) -> None:
    ann = api.person("ann")
    answer = ann.get("/me", Authorization=header)
    refused(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_session_needs_its_csrf_token_for_anything_that_changes(api: Api) -> None:
    ann, bob = api.person("ann"), api.person("bob")
    assert ann.patch("/me", {"display_name": "A"}).status_code == 200
    refused(ann.patch("/me", {"display_name": "B"}, X_CSRF_Token=""), 403, "csrf_failed")
    other = bob.headers["X-CSRF-Token"]
    refused(ann.patch("/me", {"display_name": "B"}, X_CSRF_Token=other), 403, "csrf_failed")
    assert ann.get("/me").json["account"]["display_name"] == "A"


def test_a_token_needs_no_csrf_token(api: Api) -> None:
    root = api.program("root", "admin", scopes=("read", "admin"))
    assert root.post("/groups", {"name": "lidar"}).status_code == 201


def test_every_fault_of_a_body_is_named_with_its_path(api: Api) -> None:
    body = {"name": "Not A Name", "role": "king", "limits": {"cpus": -1, "colour": 1}, "extra": True}
    problem = refused(api.person("root", "admin").post("/accounts", body), 422, "invalid")
    assert {fault["field"] for fault in problem["faults"]} == {
        "name",
        "role",
        "limits.cpus",
        "limits.colour",
        "extra",
    }


@pytest.mark.parametrize(
    ("body", "media", "status", "code"),
    [
        (b"{", "application/json", 400, "bad_request"),
        (b"\xff", "application/json", 400, "bad_request"),
        (b"", "application/json", 400, "bad_request"),
        (b"[" * 100_000, "application/json", 400, "bad_request"),
        (b'{"name": NaN}', "application/json", 400, "bad_request"),
        (b"[]", "application/json", 422, "invalid"),
        (b"null", "application/json", 422, "invalid"),
        (b'{"name": "a\\u0000"}', "application/json", 422, "invalid"),
        (b'{"name": "\\ud800"}', "application/json", 422, "invalid"),
        (b'{"\\ud800": "a"}', "application/json", 422, "invalid"),
        (b'{"name": 1e999}', "application/json", 422, "invalid"),
        (b'{"name": "a"}', "text/plain", 415, "media_type_unsupported"),
        (b"name=a", "application/x-www-form-urlencoded", 415, "media_type_unsupported"),
        (b'{"name": "a"}', "", 415, "media_type_unsupported"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    api: Api, body: bytes, media: str, status: int, code: str
) -> None:
    root = api.person("root", "admin")
    answer = root.client.post(f"{V1}/groups", data=body, content_type=media, headers=root.headers)
    refused(answer, status, code)


def test_a_body_beyond_the_limit_is_refused(tmp_path: Path, clock: Clock) -> None:
    api = Api(tmp_path, clock, Config(data_dir=tmp_path, hub=HubSettings(body_max_bytes=1000)))
    problem = refused(api.person("root", "admin").post("/groups", {"name": "x" * 2000}), 413, "too_large")
    assert problem["limit_bytes"] == 1000
    api.close()


def test_unknown_addresses_and_methods_are_problem_documents(api: Api) -> None:
    ann = api.person("ann")
    refused(ann.get("/nothing"), 404, "not_found")
    answer = ann.ask("PUT", "/me")
    refused(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_a_fault_of_ours_is_a_problem_document_without_its_inside(tmp_path: Path, clock: Clock) -> None:
    api = Api(tmp_path, clock)
    ann = api.person("ann")
    broken = replace(api.hub, config=None)  # type: ignore[arg-type]
    api.app.extensions["alongside"] = broken
    api.app.config["PROPAGATE_EXCEPTIONS"] = False
    problem = refused(ann.get("/me"), 500, "internal_error")
    assert "NoneType" not in json.dumps(problem)
    api.close()


def test_a_cursor_and_a_limit_page_through_a_list(api: Api) -> None:
    root = api.person("root", "admin")
    names = [f"g{number}" for number in range(5)]
    for name in names:
        api.clock.pass_(seconds=1)
        assert root.post("/groups", {"name": name}).status_code == 201
    found, cursor = [], ""
    while cursor is not None:
        page = root.get(f"/groups?limit=2{'&cursor=' + cursor if cursor else ''}").json
        found += [item["name"] for item in page["items"]]
        cursor = page["next"]
    assert found == names


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=many", "cursor=%%%", "cursor=%00"])
def test_a_nonsense_page_is_refused(api: Api, query: str) -> None:
    refused(api.person("root", "admin").get(f"/groups?{query}"), 422, "invalid")


def test_a_request_sent_twice_with_one_key_is_carried_out_once(api: Api) -> None:
    root = api.person("root", "admin")
    first = root.post("/groups", {"name": "lidar"}, Idempotency_Key="k1")
    again = root.post("/groups", {"name": "lidar"}, Idempotency_Key="k1")
    assert (first.status_code, first.json) == (again.status_code, again.json) == (201, first.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(root.get("/groups").json["items"]) == 1
    other = root.post("/groups", {"name": "other"}, Idempotency_Key="k1")
    refused(other, 409, "idempotency_mismatch")


def test_a_failed_request_may_be_sent_again_with_its_key(api: Api) -> None:
    root = api.person("root", "admin")
    root.post("/groups", {"name": "lidar"})
    refused(root.post("/groups", {"name": "lidar"}, Idempotency_Key="k"), 409, "name_taken")
    group = root.get("/groups").json["items"][0]["id"]
    assert root.delete(f"/groups/{group}").status_code == 204
    assert root.post("/groups", {"name": "lidar"}, Idempotency_Key="k").status_code == 201


def test_a_secret_is_not_kept_for_a_second_answer(api: Api) -> None:
    ann = api.person("ann")
    body = {"name": "t", "scopes": ["read"]}
    assert ann.post("/tokens", body, Idempotency_Key="k").json["secret"]
    refused(ann.post("/tokens", body, Idempotency_Key="k"), 409, "conflict")
    assert len(ann.get("/tokens").json["items"]) == 1


def test_answers_carry_the_headers_that_protect_browsers(api: Api) -> None:
    answer = api.person("ann").get("/me")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    page = api.nobody().get("/docs")
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_metrics_are_for_those_beside_the_hub_and_for_administrators(api: Api) -> None:
    stranger, through = api.app.test_client(), {"X-Forwarded-For": "192.0.2.1"}
    assert stranger.get("/metrics").status_code == 200
    assert stranger.get("/metrics", headers=through).status_code == 401
    for role, status in (("user", 403), ("admin", 200)):
        person = api.person(role, role)
        assert person.client.get("/metrics", headers=through).status_code == status


def test_health_says_when_the_database_does_not_answer(api: Api) -> None:
    assert api.app.test_client().get("/healthz").text == "ok\n"
    silent = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    api.app.extensions["alongside"] = replace(api.hub, database=silent)
    assert api.app.test_client().get("/healthz").status_code == 503
    refused(api.nobody().get("/me", Authorization="Bearer x"), 503, "unavailable")
    silent.close()


def test_the_page_to_try_the_api_asks_no_other_host(api: Api) -> None:
    stranger = api.nobody()
    for path in ("/docs", "/docs/docs.js", "/docs/docs.css"):
        answer = stranger.get(path)
        assert answer.status_code == 200
        assert "//" not in answer.text.replace("// Renders", "").replace("// Made when", "")


def test_the_document_describes_every_door_whole(api: Api) -> None:
    document = api.nobody().get("/openapi.json").json
    assert document["openapi"].startswith("3.1")
    text = json.dumps(document)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"], name
    for door in openapi.doors_of(api.app):
        operation = document["paths"][door.path][door.method.lower()]
        assert operation["summary"], door.path
        for answer in operation["responses"].values():
            assert answer["description"]


def test_the_committed_document_is_the_present_one(api: Api) -> None:
    committed = json.loads((Path(__file__).parents[2] / "docs" / "reference" / "openapi.json").read_text())
    assert committed == api.nobody().get("/openapi.json").json, "run `make openapi`"
