"""A ticket is the hub's word: believed once, briefly, and for one run."""

from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from alongside.edge.gate import own_path
from alongside.edge.tickets import Ticket, Trust, UsedTickets
from alongside.errors import Invalid, Unauthenticated
from support.edges import HubKey, Site, run_id


async def redeem(site: Site, run: str, ticket: str, next_path: str = "", **headers: str):
    query = f"?t={ticket}" + (f"&next={next_path}" if next_path else "")
    return await site.request(run, f"/.alongside/ticket{query}", headers=headers)


@pytest.fixture
async def run(site: Site, echo) -> str:
    run = run_id()
    await site.publish(run, echo[1], open_path="/lab/tree/start.ipynb")
    return run


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site, run: str) -> None:
    answer = await redeem(site, run, site.hub.ticket(run))
    (cookie,) = answer.cookies
    assert cookie.startswith("alongside_run=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_a_person_arrives_where_the_launch_asked_for(site: Site, run: str) -> None:
    answer = await redeem(site, run, site.hub.ticket(run))
    assert answer.headers["Location"] == "/lab/tree/start.ipynb"
    answer = await redeem(site, run, site.hub.ticket(run), "/lab%3Fa=1%23b")
    assert answer.headers["Location"] == "/lab?a=1#b"


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil", "evil", "", "/a\r\nb"]
)
def test_a_next_path_leads_nowhere_else(path: str) -> None:
    assert own_path(path) == ""


async def test_a_ticket_is_used_once(site: Site, run: str) -> None:
    ticket = site.hub.ticket(run)
    assert (await redeem(site, run, ticket)).status == 303
    again = await redeem(site, run, ticket)
    assert again.status == 401
    assert again.cookies == []
    assert f"/open/{run}" in again.body.decode()


async def test_loading_the_address_of_a_used_ticket_again_leads_its_holder_in(site: Site, run: str) -> None:
    ticket = site.hub.ticket(run)
    cookie = (await redeem(site, run, ticket)).cookies[0].partition(";")[0]
    again = await redeem(site, run, ticket, "/lab", Cookie=cookie)
    assert (again.status, again.headers["Location"], again.cookies) == (303, "/lab", [])


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "hub"},
        {"aud": None},
        {"exp": int(time.time()) - 60},
        {"exp": int(time.time()) + 86_400},
        {"exp": None},
        {"sub": ""},
        {"jti": ""},
        {"jti": "two\nlines"},
        {"iat": None},
    ],
)
async def test_a_ticket_with_a_wrong_claim_is_refused(site: Site, run: str, changes: dict[str, Any]) -> None:
    assert (await redeem(site, run, site.hub.ticket(run, **changes))).status == 401


async def test_a_ticket_for_another_run_is_refused(site: Site, run: str) -> None:
    for other in (run_id(), "../etc", ""):
        assert (await redeem(site, run, site.hub.ticket(other))).status == 401


async def test_a_ticket_of_another_hub_is_refused(site: Site, run: str) -> None:
    assert (await redeem(site, run, HubKey().ticket(run))).status == 401


async def test_a_ticket_signed_with_the_public_key_as_a_secret_is_refused(site: Site, run: str) -> None:
    claims = {
        "aud": "edge",
        "run": run,
        "sub": "ada",
        "jti": "x",
        "iat": time.time(),
        "exp": time.time() + 60,
    }
    key = OctKey.import_key(site.hub.public_pem.replace("-----", ""))
    forged = jwt.encode({"alg": "HS256"}, claims, key)
    assert (await redeem(site, run, forged)).status == 401


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "." * 5000])
async def test_text_that_is_no_ticket_is_refused(site: Site, run: str, text: str) -> None:
    assert (await redeem(site, run, text)).status == 401


async def test_a_ticket_for_a_run_that_is_not_here_is_kept_for_later(site: Site, echo) -> None:
    run = run_id()
    ticket = site.hub.ticket(run)
    assert (await redeem(site, run, ticket)).status == 404
    await site.publish(run, echo[1])
    assert (await redeem(site, run, ticket)).status == 303


async def test_a_body_that_is_no_ticket_is_a_problem(site: Site, run: str) -> None:
    for body in (b"", b"[]", b"{}", b"nonsense"):
        answer = await site.request(run, "/.alongside/ticket", method="POST", data=body)
        assert (answer.status, answer.json["code"]) == (422, "invalid")


def test_a_used_ticket_is_remembered_by_the_next_edge(tmp_path) -> None:
    ticket = Ticket("01m00000000000000000000000", "ada", "number one", 100.0, 160.0)
    UsedTickets(tmp_path / "used", 100.0).claim(ticket, 100.0)
    with pytest.raises(Unauthenticated):
        UsedTickets(tmp_path / "used", 101.0).claim(ticket, 101.0)
    UsedTickets(tmp_path / "used", 1000.0)
    assert (tmp_path / "used").read_text() == "", "what can no longer be redeemed is forgotten"


def test_keys_are_kept_and_bad_ones_are_all_named(tmp_path) -> None:
    hub = HubKey()
    Trust(tmp_path / "trust").replace([hub.public_pem])
    run = run_id()
    again = Trust(tmp_path / "trust")
    assert again.ticket(hub.ticket(run), time.time()).run == run
    with pytest.raises(Invalid) as refused:
        again.replace(["one", hub.public_pem, "three"])
    assert [fault.field for fault in refused.value.faults] == ["public_keys[0]", "public_keys[2]"]
    assert again.ticket(hub.ticket(run), time.time()).run == run, "a bad list changes nothing"
