"""What a tool or a page that means harm can do: nothing beyond its own origin."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import pytest

from support.edges import Site, run_id
from support.web_tools import EchoTool, HostileTool, served

CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}
SIBLING = {"Sec-Fetch-Site": "same-site"}
AS_PAGE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.fixture
async def hostile_run(site: Site, tmp_path: Path):
    """(run, cookie) of a hostile tool."""
    run, tool = run_id(), HostileTool("hostile")
    async with served(tool.app(), tmp_path / "hostile.sock") as address:
        await site.publish(run, address)
        yield run, await site.enter(run)


@pytest.fixture
async def victim(site: Site, echo: tuple[EchoTool, str]):
    """(run, cookie, tool) of a good tool that others want to reach."""
    run = run_id()
    await site.publish(run, echo[1])
    return run, await site.enter(run), echo[0]


async def test_no_cookie_of_a_tool_names_a_domain(site: Site, hostile_run) -> None:
    run, cookie = hostile_run
    cookies = (await site.request(run, headers={"Cookie": cookie})).cookies
    assert len(cookies) == len(HostileTool.SET_COOKIES)
    for text in cookies:
        assert not re.search(r";\s*domain", text, re.IGNORECASE), text
    assert "plain=1; Path=/" in cookies
    assert "wide=1; Path=/" in cookies
    assert "Wider=1; path=/; HttpOnly" in cookies


async def test_a_tool_cannot_set_the_cookies_that_are_ours(site: Site, hostile_run) -> None:
    run, cookie = hostile_run
    cookies = (await site.request(run, headers={"Cookie": cookie})).cookies
    assert not [text for text in cookies if "stolen" in text]


async def test_headers_that_reach_beyond_the_origin_are_removed_and_others_stay(
    site: Site, hostile_run
) -> None:
    run, cookie = hostile_run
    headers = (await site.request(run, headers={"Cookie": cookie})).headers
    assert not [name for name in ("Service-Worker-Allowed", "Clear-Site-Data", "Alt-Svc") if name in headers]
    assert headers["X-Mine"] == "stays"


async def test_a_hostile_tool_sees_neither_capability_nor_hub_cookie(site: Site, hostile_run) -> None:
    run, cookie = hostile_run
    for sent in (
        f"{cookie}; alongside_session=s; own=1",
        f"own=1;alongside_session=s;{cookie}",
        f"own=1, alongside_session=s,{cookie}",
        f"alongside_session=s ; {cookie} ;; own=1",
        f"own=1; __Secure-alongside_session=s; __Host-alongside_run=t; {cookie}; alongside_",
    ):
        seen = (await site.request(run, headers={"Cookie": sent})).passed
        assert seen["Cookie"].strip(" ;,") == "own=1", sent
        assert cookie.partition("=")[2] not in str(seen)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1:{port}",
        "https://{run}.localhost:{port}",
        "http://{run}.localhost",
        "http://{run}.localhost:{port}.evil.example",
        "http://01m0000000000000000000000z.localhost:{port}",
        "",
    ],
)
async def test_a_foreign_origin_is_refused(site: Site, victim, method: str, origin: str) -> None:
    run, cookie, tool = victim
    headers = {"Cookie": cookie, "Origin": origin.format(run=run, port=site.port)}
    answer = await site.request(run, "/x", method=method, headers=headers)
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert tool.seen == []


async def test_the_own_origin_is_let_through(site: Site, victim) -> None:
    run, cookie, _ = victim
    headers = {"Cookie": cookie, "Origin": site.origin(run)}
    assert (await site.request(run, "/x", method="POST", headers=headers)).status == 200


async def test_a_websocket_from_a_foreign_origin_is_refused(site: Site, victim) -> None:
    run, cookie, tool = victim
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await site.socket(run, cookie, Origin="http://evil.example")
    assert refused.value.status == 403
    assert tool.seen == []


async def test_another_page_may_link_to_a_tool_but_not_embed_or_fetch_it(site: Site, victim) -> None:
    run, cookie, tool = victim
    for elsewhere in (CROSS_SITE, SIBLING):
        for mode, dest in (
            ("no-cors", "image"),
            ("no-cors", "script"),
            ("no-cors", "document"),
            ("navigate", "iframe"),
        ):
            headers = {"Cookie": cookie, **elsewhere, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
            assert (await site.request(run, "/x", headers=headers)).status == 403
        assert tool.seen == []
        assert (await site.request(run, headers={"Cookie": cookie, **elsewhere, **AS_PAGE})).status == 200
        tool.seen.clear()


async def test_a_ticket_cannot_be_redeemed_from_a_foreign_page(site: Site, victim) -> None:
    run, _, _ = victim
    body = b'{"t": "%s"}' % site.hub.ticket(run).encode()
    answer = await site.request(
        run, "/.alongside/ticket", method="POST", data=body, headers={"Origin": "http://evil.example"}
    )
    assert answer.status == 403


async def test_a_tool_cannot_answer_below_our_own_path(site: Site, hostile_run) -> None:
    run, cookie = hostile_run
    answer = await site.request(run, "/.alongside/anything", headers={"Cookie": cookie})
    assert b"hostile" not in answer.body
    assert answer.status == 409
