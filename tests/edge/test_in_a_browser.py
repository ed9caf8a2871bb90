"""A hostile page in a real browser, beside a victim's tool and the hub."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from support.edges import Site, passed, run_id
from support.web_tools import EchoTool, served

playwright = pytest.importorskip("playwright.async_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

ATTACK = """
async ({victim, hub}) => {
    const tried = {};
    const attempt = async (name, act) => {
        try { tried[name] = await act(); } catch (error) { tried[name] = 'refused'; }
    };
    const loads = (tag, url) => new Promise((resolve) => {
        const element = document.createElement(tag);
        element.onload = () => resolve('loaded');
        element.onerror = () => resolve('refused');
        element.src = url;
        document.body.append(element);
    });
    for (const [name, origin] of Object.entries({victim, hub})) {
        const read = async () => (await fetch(origin + '/', {credentials: 'include'})).text();
        await attempt(`read ${name}`, read);
    }
    const write = {method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x'};
    await attempt('post', async () => (await fetch(victim + '/post', write), 'sent'));
    await attempt('script', () => loads('script', victim + '/script'));
    await attempt('socket', () => new Promise((resolve) => {
        const socket = new WebSocket(victim.replace('http', 'ws') + '/ws');
        socket.onopen = () => resolve('open');
        socket.onerror = () => resolve('refused');
    }));
    await attempt('service worker', async () =>
        (await navigator.serviceWorker.register('/deep/worker.js', {scope: '/'})).scope);
    document.cookie = 'planted=1; domain=localhost; path=/';
    document.cookie = 'alongside_run=planted; path=/';
    tried.cookies = document.cookie;
    return tried;
}
"""


class AttackingTool(EchoTool):
    """Serves a page to attack from, and a service worker that wants more than its folder."""

    async def _echo(self, request: web.Request) -> web.Response:
        self.seen.append((request.method, request.path_qs))
        if request.path == "/deep/worker.js":
            wide = {"Service-Worker-Allowed": "/"}
            return web.Response(text="// mine", content_type="text/javascript", headers=wide)
        answer = web.Response(text="<!doctype html><body>attack", content_type="text/html")
        answer.headers.add("Set-Cookie", "wide=1; Domain=localhost; Path=/")
        return answer


@pytest.fixture
async def browser() -> AsyncIterator[playwright.BrowserContext]:
    async with playwright.async_playwright() as driver:
        program = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield await program.new_context()
        await program.close()


async def test_a_hostile_page_gets_nothing_from_the_victim_or_the_hub(
    start_edge, tmp_path: Path, browser
) -> None:
    hub, victim, attacker = EchoTool("hub"), EchoTool("victim"), AttackingTool("attacker")
    async with (
        served(hub.app()) as hub_address,
        served(victim.app(), tmp_path / "victim.sock") as victim_address,
        served(attacker.app(), tmp_path / "attacker.sock") as attacker_address,
    ):
        site: Site = await start_edge(hub_upstream=hub_address.removeprefix("tcp:"))
        theirs, mine = run_id(), run_id()
        await site.publish(theirs, victim_address, "/")
        await site.publish(mine, attacker_address, "/")
        hub_origin = f"http://127.0.0.1:{site.port}"
        await browser.add_cookies([{"name": "alongside_session", "value": "s", "url": hub_origin}])

        page = await browser.new_page()
        for run in (theirs, mine):
            await page.goto(f"{site.origin(run)}/.alongside/ticket?t={site.hub.ticket(run)}")
            assert page.url == f"{site.origin(run)}/"
        assert ("GET", "/") in victim.seen, "the ticket opened the victim's tool for its owner"
        victim.seen.clear()
        tried = await page.evaluate(ATTACK, {"victim": site.origin(theirs), "hub": hub_origin})

        assert tried.pop("cookies") in ("wide=1", ""), "no capability to read, none planted"
        assert tried.pop("post") in ("sent", "refused")
        assert set(tried.values()) == {"refused"}, tried
        assert [request for request in victim.seen if request != ("GET", "/favicon.ico")] == []
        again = await page.goto(f"{site.origin(theirs)}/")
        sent = passed(await again.json())
        assert "Cookie" not in sent, "nothing that the attacker set came along"


async def test_a_browser_without_the_cookie_sees_a_page_with_the_way_in(
    start_edge, tmp_path: Path, browser
) -> None:
    site: Site = await start_edge()
    run = run_id()
    async with served(EchoTool("echo").app(), tmp_path / "tool.sock") as address:
        await site.publish(run, address)
        page = await browser.new_page()
        answer = await page.goto(f"{site.origin(run)}/lab")
        assert answer.status == 401
        link = page.get_by_role("link")
        assert await link.get_attribute("href") == f"http://127.0.0.1:{site.port}/open/{run}?path=%2Flab"
