"""Coming in, leaving, and one's own account, as a browser or a program meets them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from alongside.config import Config, HubSettings
from support.api import V1, Api
from support.clocks import Clock

PASSWORD = "correct horse"


def cookies(answer) -> dict[str, str]:
    return {line.split("=", 1)[0]: line for line in answer.headers.getlist("Set-Cookie")}


def test_a_password_opens_a_session_until_it_is_closed(api: Api) -> None:
    api.account("ann", password=PASSWORD)
    browser = api.app.test_client()
    answer = browser.post(f"{V1}/sign-in", json={"name": "ann", "password": PASSWORD})
    assert answer.json["account"]["name"] == "ann"
    assert answer.json["scopes"] == ["read", "run", "publish"]
    assert browser.get(f"{V1}/me").json == answer.json
    left = browser.post(f"{V1}/sign-out", headers={"X-CSRF-Token": answer.json["csrf_token"]})
    assert left.status_code == 204
    assert browser.get(f"{V1}/me").status_code == 401


def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(api: Api) -> None:
    api.account("ann", password=PASSWORD)
    answer = api.app.test_client().post(f"{V1}/sign-in", json={"name": "ann", "password": PASSWORD})
    set_ = cookies(answer)
    for part in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in set_["alongside_session"]
    assert "HttpOnly" not in set_["alongside_csrf"]
    assert "Domain" not in set_["alongside_session"]


def test_cookies_are_for_https_alone_where_the_hub_is_reached_so(tmp_path: Path, clock: Clock) -> None:
    api = Api(tmp_path, clock, Config(data_dir=tmp_path, hub=HubSettings(url="https://hub.example.org")))
    api.account("ann", password=PASSWORD)
    answer = api.app.test_client().post(f"{V1}/sign-in", json={"name": "ann", "password": PASSWORD})
    assert all("Secure" in line for line in cookies(answer).values())
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    api.close()


def test_under_https_no_neighbour_can_plant_a_session(tmp_path: Path, clock: Clock) -> None:
    api = Api(tmp_path, clock, Config(data_dir=tmp_path, hub=HubSettings(url="https://hub.example.org")))
    api.account("ann", password=PASSWORD)
    browser = api.app.test_client()
    at = {"base_url": "https://hub.example.org"}
    answer = browser.post(f"{V1}/sign-in", json={"name": "ann", "password": PASSWORD}, **at)
    set_ = cookies(answer)
    assert set(set_) == {"__Host-alongside_session", "__Host-alongside_csrf"}
    for line in set_.values():
        assert {"Secure", "Path=/"} <= set(line.split("; "))
        assert "Domain" not in line
    assert browser.get(f"{V1}/me", **at).json == answer.json
    secret = set_["__Host-alongside_session"].partition("=")[2].partition(";")[0]
    planted = api.app.test_client()
    planted.set_cookie("alongside_session", secret, domain="hub.example.org")
    assert planted.get(f"{V1}/me", **at).status_code == 401, "any host of example.org can set that name"
    left = browser.post(f"{V1}/sign-out", headers={"X-CSRF-Token": answer.json["csrf_token"]}, **at)
    assert all("Secure" in line for line in cookies(left).values()), "or the browser does not delete them"
    assert set(cookies(left)) == set(set_)
    api.close()


@pytest.mark.parametrize("name", ["ann", "nobody-of-that-name"])
def test_a_wrong_password_and_a_wrong_name_are_refused_alike(api: Api, name: str) -> None:
    api.account("ann", password=PASSWORD)
    answer = api.app.test_client().post(f"{V1}/sign-in", json={"name": name, "password": "wrong horse"})
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert answer.json["detail"] == "The name or the password is wrong."
    assert not cookies(answer)


def test_an_account_without_password_or_activity_does_not_get_in(api: Api) -> None:
    api.account("ann")
    root = api.person("root", "admin")
    bob = api.account("bob", password=PASSWORD)
    assert root.patch(f"/accounts/{bob.id}", {"active": False}).json["active"] is False
    for name in ("ann", "bob"):
        answer = api.app.test_client().post(f"{V1}/sign-in", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 401


def test_guessing_is_answered_with_when_to_try_again(api: Api) -> None:
    api.account("ann", password=PASSWORD)
    browser = api.app.test_client()
    for _ in range(10):
        browser.post(f"{V1}/sign-in", json={"name": "ann", "password": "wrong horse"})
    answer = browser.post(f"{V1}/sign-in", json={"name": "ann", "password": PASSWORD})
    assert (answer.status_code, answer.json["code"]) == (429, "rate_limited")
    api.clock.pass_(seconds=int(answer.headers["Retry-After"]))
    assert browser.post(f"{V1}/sign-in", json={"name": "ann", "password": PASSWORD}).status_code == 200


def test_a_link_from_an_administrator_signs_in_once(api: Api) -> None:
    ann, root = api.account("ann"), api.person("root", "admin")
    link = root.post(f"/accounts/{ann.id}/sign-in-link")
    assert link.status_code == 201
    assert link.json["url"].startswith("http://127.0.0.1:8470/sign-in#token=")
    token = parse_qs(urlsplit(link.json["url"]).fragment)["token"][0]
    browser = api.app.test_client()
    assert browser.post(f"{V1}/sign-in/link", json={"token": token}).json["account"]["name"] == "ann"
    assert browser.get(f"{V1}/me").status_code == 200
    assert api.app.test_client().post(f"{V1}/sign-in/link", json={"token": token}).status_code == 401


def test_changing_a_password_needs_the_present_one_and_ends_other_sessions(api: Api) -> None:
    api.account("ann", password=PASSWORD)
    here, there = api.person("ann"), api.person("ann")
    wrong = here.put("/me/password", {"current": "no", "new": "another horse"})
    assert (wrong.status_code, wrong.json["faults"][0]["field"]) == (422, "current")
    short = here.put("/me/password", {"current": PASSWORD, "new": "short"})
    assert (short.status_code, short.json["faults"][0]["field"]) == (422, "new")
    assert here.put("/me/password", {"current": PASSWORD, "new": "another horse"}).status_code == 204
    assert here.get("/me").status_code == 200
    assert there.get("/me").status_code == 401
    browser = api.app.test_client()
    assert browser.post(f"{V1}/sign-in", json={"name": "ann", "password": PASSWORD}).status_code == 401
    assert browser.post(f"{V1}/sign-in", json={"name": "ann", "password": "another horse"}).status_code == 200


def test_a_token_does_not_take_over_its_account(api: Api) -> None:
    program = api.program("ann", scopes=("read", "run", "publish"))
    assert program.put("/me/password", {"new": "another horse"}).status_code == 403
    assert program.patch("/me", {"email": "x@example.org"}).status_code == 403
    assert program.post("/tokens", {"name": "t", "scopes": ["read"]}).status_code == 403


def test_signing_out_with_a_token_revokes_it(api: Api) -> None:
    program = api.program("ann")
    assert program.post("/sign-out").status_code == 204
    assert program.get("/me").status_code == 401


def test_a_tokens_use_is_noted_but_not_at_every_request(api: Api) -> None:
    program, ann = api.program("ann"), api.person("ann")
    first = api.clock()
    program.get("/me")
    api.clock.pass_(minutes=5)
    program.get("/me")
    noted = ann.get("/tokens").json["items"][0]["last_used_at"]
    assert noted == first.isoformat().replace("+00:00", "Z")
    api.clock.pass_(minutes=6)
    program.get("/me")
    assert ann.get("/tokens").json["items"][0]["last_used_at"] > noted


def test_a_token_lasts_no_longer_than_the_hub_allows(api: Api) -> None:
    ann = api.person("ann")
    made = ann.post("/tokens", {"name": "t", "scopes": ["read"], "days": 36_500}).json
    api.clock.pass_(days=89)
    headers = {"Authorization": f"Bearer {made['secret']}"}
    assert api.app.test_client().get(f"{V1}/me", headers=headers).status_code == 200
    api.clock.pass_(days=2)
    assert api.app.test_client().get(f"{V1}/me", headers=headers).status_code == 401


def test_me_shows_what_i_hold_of_what_i_may(api: Api) -> None:
    root = api.person("root", "admin")
    made = root.post("/accounts", {"name": "ann", "role": "guest", "limits": {"cpus": 2}}).json
    assert {name: value for name, value in made["limits"].items() if value is not None} == {"cpus": 2.0}
    quota = api.person("ann").get("/me").json["quota"]
    assert quota == {
        "running": {"used": 0, "limit": 10},
        "cpus": {"used": 0, "limit": 2},
        "memory_gb": {"used": 0, "limit": None},
        "gpus": {"used": 0, "limit": None},
    }


def test_members_left_out_of_an_edit_stay_and_null_clears(api: Api) -> None:
    ann = api.person("ann")
    assert ann.patch("/me", {"email": "ann@example.org"}).json["account"]["email"] == "ann@example.org"
    account = ann.patch("/me", {"display_name": "Ann"}).json["account"]
    assert (account["display_name"], account["email"]) == ("Ann", "ann@example.org")
    assert ann.patch("/me", {"email": None}).json["account"]["email"] is None


def test_tags_granted_and_put_on_show_up_on_both_sides(api: Api) -> None:
    root, ann = api.person("root", "admin"), api.person("ann")
    root.post("/sites", {"name": "sdsc"})
    tag = root.post("/tags", {"name": "lab"}).json
    group = root.post("/groups", {"name": "lidar"}).json
    assert root.put(f"/tags/{tag['id']}/things/site/sdsc").json["things"] == [["site", "sdsc"]]
    assert ann.get("/sites").json["items"] == []
    assert ann.get("/sites/sdsc").json["code"] == "site_unknown"
    root.put(f"/groups/{group['id']}/members/{ann.account.id}")
    root.put(f"/tags/{tag['id']}/groups/{group['id']}")
    assert ann.get("/me").json["tags"] == ["lab"]
    assert [found["tags"] for found in ann.get("/sites").json["items"]] == [["lab"]]
    refused = root.delete(f"/tags/{tag['id']}")
    assert (refused.status_code, refused.json["code"]) == (409, "in_use"), "it would be open to everyone"
    assert "sdsc" in refused.json["detail"]
    assert api.person("bob").get("/sites/sdsc").status_code == 404
    root.delete(f"/tags/{tag['id']}/things/site/sdsc")
    assert root.delete(f"/tags/{tag['id']}").status_code == 204
    assert ann.get("/me").json["tags"] == []


def test_a_tag_names_tools_and_sites_as_the_api_does_and_datasets_by_id(api: Api) -> None:
    root, ann = api.person("root", "admin"), api.person("ann")
    root.post("/sites", {"name": "sdsc"})
    component = {"name": "main", "environment": "python", "command": ["count"]}
    root.post("/tools", {"name": "count", "version": "1", "kind": "task", "components": [component]})
    place = {"site": "sdsc", "path": "/data/x"}
    dataset = root.post("/datasets", {"title": "x", "locations": [place]}).json["id"]
    tag = f"/tags/{root.post('/tags', {'name': 'lab'}).json['id']}"
    for kind, name in (("tool", "count"), ("site", "sdsc"), ("dataset", dataset)):
        assert root.put(f"{tag}/things/{kind}/{name}").json["things"] == [[kind, name]]
        assert root.get(tag).json["things"] == root.get("/tags").json["items"][0]["things"]
        assert ann.get(f"/{kind}s/{name}").status_code == 404
        assert root.delete(f"{tag}/things/{kind}/{name}").json["things"] == []
        assert ann.get(f"/{kind}s/{name}").status_code == 200


def test_a_tag_is_put_only_on_what_exists(api: Api) -> None:
    root = api.person("root", "admin")
    tag = root.post("/tags", {"name": "lab"}).json["id"]
    for path in (f"/tags/{tag}/things/site/none", f"/tags/{tag}/things/planet/x"):
        assert root.put(path).status_code == 404
        assert root.delete(path).status_code == 404
    assert root.put(f"/tags/{tag}/accounts/none").json["code"] == "account_unknown"
    assert root.put(f"/tags/{tag}/groups/none").json["code"] == "group_unknown"


def test_a_runner_registers_and_is_seen_drained_and_removed(api: Api) -> None:
    root, ann = api.person("root", "admin"), api.person("ann")
    root.post("/sites", {"name": "sdsc"})
    secret = root.post("/sites/sdsc/registration-tokens", {}).json["secret"]
    body = {"registration_token": secret, "name": "node1", "labels": ["gpu"]}
    joined = api.nobody().post("/runners/register", body)
    assert joined.status_code == 201
    assert joined.json["site"] == "sdsc"
    found = ann.get("/runners").json["items"][0]
    assert (found["name"], found["state"], found["labels"]) == ("node1", "offline", ["gpu"])
    status = ann.get("/status").json
    assert (status["runners"], status["sites"]) == ({"online": 0, "offline": 1}, 1)
    assert root.patch(f"/runners/{found['id']}", {"draining": True}).status_code == 200
    assert root.delete("/sites/sdsc").json["code"] == "in_use"
    assert root.delete(f"/runners/{found['id']}").status_code == 204
    assert root.delete("/sites/sdsc").status_code == 204


def test_a_runner_with_a_wrong_token_does_not_register(api: Api) -> None:
    answer = api.nobody().post("/runners/register", {"registration_token": "x", "name": "node1"})
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
