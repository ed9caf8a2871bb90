"""Who gets to a tool, by which key, and what the tool then sees."""

from __future__ import annotations

import io
from pathlib import Path

import aiohttp
import pytest

from support.edges import Site, run_id
from support.web_tools import EchoTool, served


@pytest.fixture(params=["unix", "tcp"])
async def open_run(request: pytest.FixtureRequest, site: Site, tmp_path: Path):
    """A published run with its tool, on both kinds of address: (run, cookie, tool)."""
    run, tool = run_id(), EchoTool("echo")
    path = tmp_path / "tool.sock" if request.param == "unix" else None
    async with served(tool.app(), path) as address:
        answer = await site.publish(run, address)
        assert answer.status == 200, answer.body
        yield run, await site.enter(run), tool


async def test_a_ticket_becomes_a_cookie_that_opens_the_tool(site: Site, open_run) -> None:
    run, cookie, _ = open_run
    answer = await site.request(run, "/some/page?a=1", headers={"Cookie": cookie})
    assert (answer.status, answer.json["tool"], answer.json["path"]) == (200, "echo", "/some/page?a=1")


async def test_without_a_key_the_answer_is_a_page_that_links_to_the_hub(site: Site, open_run) -> None:
    run, _, tool = open_run
    answer = await site.request(run, "/lab?x=1", headers={"Accept": "text/html"})
    assert answer.status == 401
    assert f"http://127.0.0.1:{site.port}/open/{run}?path=%2Flab%3Fx%3D1" in answer.body.decode()
    assert tool.seen == []


async def test_without_a_key_a_program_gets_a_problem_document(site: Site, open_run) -> None:
    run, _, _ = open_run
    answer = await site.request(run, "/api", headers={"Accept": "application/json"})
    assert answer.status == 401
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["code"] == "unauthenticated"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_program_trades_its_ticket_for_a_bearer_secret(site: Site, open_run) -> None:
    run, _, _ = open_run
    answer = await site.request(
        run, "/.alongside/ticket", method="POST", data=b'{"t": "%s"}' % site.hub.ticket(run).encode()
    )
    assert answer.status == 200
    assert answer.json["expires_at"].endswith("Z")
    for scheme in ("Bearer", "token"):
        through = await site.request(
            run, headers={"Authorization": f"{scheme} {answer.json['secret']}", "Cookie": "mine=1"}
        )
        assert through.status == 200
        assert "Authorization" not in through.passed, "the tool must not learn the secret"
        assert through.passed["Cookie"] == "mine=1"


async def test_a_jupyter_client_may_send_the_secret_as_a_query_and_the_tool_does_not_see_it(
    site: Site, open_run
) -> None:
    run, cookie, _ = open_run
    secret = cookie.partition("=")[2]
    answer = await site.request(run, f"/api?a=1&token={secret}&b=2")
    assert (answer.status, answer.json["path"]) == (200, "/api?a=1&b=2")
    assert (await site.request(run, f"/api?token={secret}")).json["path"].rstrip("?") == "/api"


async def test_a_token_that_is_not_ours_stays_with_the_tool(site: Site, open_run) -> None:
    run, cookie, _ = open_run
    headers = {"Cookie": cookie, "Authorization": "Bearer of-the-tool"}
    answer = await site.request(run, "/api?token=of-the-tool", headers=headers)
    assert answer.passed["Authorization"] == "Bearer of-the-tool"
    assert answer.json["path"] == "/api?token=of-the-tool"


async def test_the_tool_sees_neither_the_capability_nor_the_cookies_of_the_hub(site: Site, open_run) -> None:
    run, cookie, _ = open_run
    sent = f"first=1; {cookie}; alongside_session=hub; __Host-alongside_session=hub; alongside_csrf=c; last=2"
    answer = await site.request(run, headers={"Cookie": sent})
    assert answer.passed["Cookie"] == "first=1; last=2"
    answer = await site.request(run, headers={"Cookie": cookie})
    assert "Cookie" not in answer.passed


async def test_forwarding_headers_are_the_edges_own(site: Site, open_run) -> None:
    run, cookie, _ = open_run
    lies = {
        "X-Forwarded-For": "9.9.9.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-User": "root",
        "Forwarded": "for=9.9.9.9",
        "X-Real-IP": "9.9.9.9",
        "X-Alongside-Pass": "x",
    }
    seen = (await site.request(run, headers={"Cookie": cookie, **lies})).passed
    assert seen["X-Forwarded-For"] == "127.0.0.1"
    assert seen["X-Forwarded-Proto"] == "http"
    assert seen["X-Forwarded-Host"] == seen["Host"] == site.host(run)
    assert seen["X-Forwarded-Port"] == str(site.port)
    assert not [
        name for name in ("X-Forwarded-User", "Forwarded", "X-Real-IP", "X-Alongside-Pass") if name in seen
    ]


async def test_a_websocket_passes_both_ways(site: Site, open_run) -> None:
    run, cookie, _ = open_run
    async with await site.socket(run, cookie, Origin=site.origin(run)) as socket:
        for text in ("one", "two"):
            await socket.send_str(text)
            assert await socket.receive_str(timeout=60) == f"echo: {text}"


async def test_a_websocket_without_a_key_is_refused(site: Site, open_run) -> None:
    run, _, _ = open_run
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await site.socket(run)
    assert refused.value.status == 401


async def test_a_large_body_arrives_whole(site: Site, open_run) -> None:
    run, cookie, _ = open_run
    answer = await site.request(
        run, "/up", method="POST", headers={"Cookie": cookie}, data=io.BytesIO(b"x" * 5_000_000)
    )
    assert answer.json["length"] == 5_000_000


async def test_the_key_of_one_run_does_not_open_another(site: Site, echo, open_run) -> None:
    _, cookie, _ = open_run
    other = run_id()
    await site.publish(other, echo[1])
    assert (await site.request(other, headers={"Cookie": cookie})).status == 401
    assert echo[0].seen == []


async def test_a_tool_that_does_not_answer_is_said_to_be_silent(site: Site, tmp_path: Path) -> None:
    run = run_id()
    await site.publish(run, f"unix:{tmp_path / 'nobody.sock'}")
    answer = await site.request(run, headers={"Cookie": await site.enter(run)})
    assert answer.status == 503
    assert f"/open/{run}" in answer.body.decode()
