"""Sign-in by OpenID Connect, against a provider that is a process of its own, as a browser goes there."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from alongside.config import AccountSettings, Config, OidcSettings
from alongside.errors import Unauthenticated
from alongside.hub.live.provider import Provider
from support.api import Api
from support.clocks import Clock
from support.dispatchers import free_port, leading

START_S = 60.0
ANN = {"sub": "4711", "email": "ann@example.org", "email_verified": True, "preferred_username": "ann"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    port = free_port()
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "oidc_provider_mock",
        "--port",
        str(port),
        "--require-nonce",
        "true",
    ]
    process = subprocess.Popen(
        [*command, "--user-claims", json.dumps(ANN)],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "NO_COLOR": "1"},
    )
    try:
        asyncio.run(_until_answers(f"http://127.0.0.1:{port}"))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


async def _until_answers(url: str) -> None:
    until = time.monotonic() + START_S
    async with aiohttp.ClientSession() as http:
        while time.monotonic() < until:
            try:
                async with http.get(f"{url}/.well-known/openid-configuration") as response:
                    assert response.status == 200
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    raise AssertionError("the provider did not start")


def api_for(folder: Path, issuer: str, registration: str = "closed", **oidc: object) -> Api:
    settings = OidcSettings(issuer=issuer, client_id="alongside", client_secret="of-the-hub", **oidc)  # type: ignore[arg-type]
    config = Config(
        data_dir=folder,
        accounts=AccountSettings(registration=registration, sign_in=("oidc",)),
        oidc=settings,
    )
    return Api(folder, Clock(datetime.now(UTC)), config)


class Browser:
    """Keeps cookies by hand: the hub's address in its configuration is not where its doors are."""

    def __init__(self, http: aiohttp.ClientSession, hub: str) -> None:
        self.http, self.hub = http, hub
        self.cookies: dict[str, str] = {}

    async def get(self, path: str) -> aiohttp.ClientResponse:
        async with self.http.get(
            self.hub + path,
            allow_redirects=False,
            headers={"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())},
        ) as response:
            for name, morsel in response.cookies.items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
            return response

    async def at_the_provider(self, url: str, sub: str = "4711") -> str:
        """Says yes there; the path of the hub that one is sent back to."""
        async with self.http.post(url, data={"sub": sub}, allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            back = urlsplit(response.headers["Location"])
        return f"{back.path}?{back.query}"

    async def sign_in(self, next: str = "/runs", sub: str = "4711") -> aiohttp.ClientResponse:
        off = await self.get(f"/live/v1/oidc/start?next={next}")
        assert off.status == 303
        return await self.get(await self.at_the_provider(off.headers["Location"], sub))


@pytest.fixture
async def plain() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def test_one_signs_in_at_the_provider_and_is_the_same_person_next_time(
    tmp_path: Path, issuer: str, plain: aiohttp.ClientSession
) -> None:
    api = api_for(tmp_path, issuer)
    async with leading(api.hub) as hub:
        browser = Browser(plain, hub)
        off = await browser.get("/live/v1/oidc/start?next=/runs")
        asked = parse_qs(urlsplit(off.headers["Location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        back = await browser.get(await browser.at_the_provider(off.headers["Location"]))
        assert (back.status, back.headers["Location"]) == (303, "/runs")
        assert set(browser.cookies) == {"alongside_session", "alongside_csrf"}, "the way's cookie is gone"
        somebody = api.nobody()
        somebody.client.set_cookie("alongside_session", browser.cookies["alongside_session"])
        me = somebody.get("/me").json
        assert (me["account"]["name"], me["account"]["email_verified"]) == ("ann", True)
        again = Browser(plain, hub)
        # Not our own path: nobody is sent elsewhere with a session.
        assert (await again.sign_in("//evil.example.org")).headers["Location"] == "/"
        root = api.person("root", "admin")
        assert sorted(account["name"] for account in root.get("/accounts").json["items"]) == ["ann", "root"]
    api.close()


async def test_who_has_to_wait_is_in_the_queue_and_told_so(
    tmp_path: Path, issuer: str, plain: aiohttp.ClientSession
) -> None:
    api = api_for(tmp_path, issuer, "approval", admits_all=False)
    async with leading(api.hub) as hub:
        refused = await Browser(plain, hub).sign_in(sub="bob@example.org")
        assert refused.headers["Location"] == "/sign-in?refused=waiting"
        [bob] = api.person("root", "admin").get("/accounts?standing=waiting").json["items"]
        assert (bob["name"], bob["email_verified"]) == ("bob", False)
    api.close()


async def test_what_was_not_begun_in_this_browser_or_was_changed_opens_nothing(
    tmp_path: Path, issuer: str, plain: aiohttp.ClientSession
) -> None:
    api = api_for(tmp_path, issuer)
    refused = "/sign-in?refused=provider"
    async with leading(api.hub) as hub:
        victim, attacker = Browser(plain, hub), Browser(plain, hub)
        off = await attacker.get("/live/v1/oidc/start")
        path = await attacker.at_the_provider(off.headers["Location"])
        assert (await victim.get(path)).headers["Location"] == refused, "a code of somebody else's sign-in"
        body, _, mac = attacker.cookies["alongside_oidc"].rpartition(".")
        forged = urlsafe_b64encode(
            json.dumps({"state": "s", "nonce": "n", "verifier": "v", "next": "/", "until": 9e12}).encode()
        )
        attacker.cookies["alongside_oidc"] = f"{forged.decode()}.{mac}"
        assert (await attacker.get("/live/v1/oidc/callback?state=s&code=c")).headers["Location"] == refused
        late = Browser(plain, hub)
        off = await late.get("/live/v1/oidc/start")
        path = await late.at_the_provider(off.headers["Location"])
        api.clock.pass_(minutes=11)
        assert (await late.get(path)).headers["Location"] == refused
        assert not any("alongside_session" in browser.cookies for browser in (victim, attacker, late))
        assert body
    api.close()


async def test_an_id_token_for_another_sign_in_or_another_client_is_not_believed(
    issuer: str, plain: aiohttp.ClientSession
) -> None:
    settings = OidcSettings(issuer=issuer, client_id="alongside", client_secret="x")
    back = "http://127.0.0.1:1/live/v1/oidc/callback"
    provider, now = Provider(settings, back), datetime.now(UTC)
    browser = Browser(plain, "")

    async def code() -> str:
        path = await browser.at_the_provider(await provider.authorization_url("s", "n", "v" * 50))
        return parse_qs(urlsplit(path).query)["code"][0]

    assert (await provider.who(await code(), "n", "v" * 50, now)).subject == "4711"
    with pytest.raises(Unauthenticated, match="another sign-in"):
        await provider.who(await code(), "other", "v" * 50, now)
    with pytest.raises(Unauthenticated, match="ended"):
        await provider.who(await code(), "n", "v" * 50, datetime(2099, 1, 1, tzinfo=UTC))
    with pytest.raises(Unauthenticated, match="refused"):
        await provider.who("no-code", "n", "v" * 50, now)
