"""Guests: an account of one browser, with limits and an end, on a clock moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alongside.config import AccountSettings, Config, GuestSettings
from alongside.hub import departures
from support.api import V1, Api, Person
from support.clocks import Clock


@pytest.fixture
def api(tmp_path: Path, clock: Clock) -> Iterator[Api]:
    config = Config(
        data_dir=tmp_path,
        accounts=AccountSettings(sign_in=("password", "open")),
        guests=GuestSettings(hours=10, running_max=1, per_hour=3),
    )
    api = Api(tmp_path, clock, config)
    yield api
    api.close()


def arrive(api: Api, path: str = "/sign-in/guest", body: dict[str, Any] | None = None) -> Person:
    client = api.app.test_client()
    answer = client.post(f"{V1}{path}", json=body or {})
    assert answer.status_code == 200, answer.json
    return Person(client, answer.json["account"], {"X-CSRF-Token": answer.json["csrf_token"]})


def test_each_browser_is_a_guest_of_its_own_with_limits_and_no_more_than_guests_may(api: Api) -> None:
    one, two = arrive(api), arrive(api)
    me = one.get("/me").json
    assert me["account"]["id"] != two.get("/me").json["account"]["id"]
    assert (me["account"]["guest"], me["account"]["role"], me["scopes"]) == (True, "guest", ["read", "run"])
    assert me["quota"]["running"]["limit"] == 1
    assert one.get("/accounts").status_code == 403


def test_a_guest_comes_back_by_the_link_from_any_browser_and_the_time_begins_anew(
    api: Api, clock: Clock
) -> None:
    guest = arrive(api)
    link = guest.get("/me/return-link").json
    assert link == guest.get("/me/return-link").json, "it can be shown again"
    secret = link["url"].partition("/sign-in#token=")[2]
    clock.pass_(hours=9)
    back = arrive(api, "/sign-in/link", {"token": secret})
    assert back.account["id"] == guest.account["id"]
    clock.pass_(hours=9)
    assert back.get("/me").status_code == 200
    assert guest.get("/me").status_code == 401, "the first browser's session ended with the first time"
    clock.pass_(hours=2)
    assert back.get("/me").status_code == 401
    forged = secret[:-3] + ("AAA" if not secret.endswith("AAA") else "BBB")
    for token in (secret, forged, "alg_", "alg_x.y", "alg_é.é"):
        assert api.nobody().post("/sign-in/link", {"token": token}).status_code == 401
    assert api.person("ann").get("/me/return-link").status_code == 404


def test_a_guest_whose_time_is_over_is_forgotten(api: Api, clock: Clock) -> None:
    guest = arrive(api)
    clock.pass_(hours=11)
    with api.hub.database.write() as tx:
        departures.end_guests(tx, clock())
        departures.end_guests(tx, clock())
    root = api.person("root", "admin")
    assert [account["name"] for account in root.get("/accounts").json["items"]] == ["root"]
    expired = root.get("/audit").json["items"]
    assert [(entry["action"], entry["thing"]) for entry in expired] == [("expire", guest.account["name"])]


def test_a_crowd_of_guests_from_one_address_is_held_up(api: Api, clock: Clock) -> None:
    for _ in range(3):
        arrive(api)
    refused = api.nobody().post("/sign-in/guest", {})
    assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
    clock.pass_(hours=1)
    arrive(api)


def test_where_an_address_is_asked_for_it_is_kept_unproven(tmp_path: Path, clock: Clock) -> None:
    api = Api(tmp_path, clock, Config(data_dir=tmp_path, accounts=AccountSettings(sign_in=("email",))))
    assert api.nobody().post("/sign-in/guest", {}).json["faults"][0]["field"] == "email"
    account = arrive(api, body={"email": "Ann@example.org"}).get("/me").json["account"]
    assert (account["email"], account["email_verified"], account["guest"]) == ("ann@example.org", False, True)
    api.close()


def test_where_guests_are_not_switched_on_nobody_is_one(tmp_path: Path, clock: Clock) -> None:
    api = Api(tmp_path, clock)
    assert api.nobody().post("/sign-in/guest", {}).json["code"] == "forbidden"
    api.close()
