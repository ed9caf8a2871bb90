"""A browser without a window: cookies per host, redirects, `*.localhost` led to 127.0.0.1."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3

REDIRECTS_MAX = 8


class Page:
    """What a visitor got at the end."""

    def __init__(self, url: str, answer: urllib3.BaseHTTPResponse, hops: list[str]) -> None:
        self.url = url
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.data
        #: every address on the way here, this one last
        self.hops = hops

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class Visitor:
    """Keeps cookies as a browser does for hosts without subdomains: each host has its own."""

    def __init__(self) -> None:
        self.cookies: dict[str, dict[str, str]] = {}
        self._pool = urllib3.PoolManager(retries=False, timeout=30.0)

    def close(self) -> None:
        self._pool.clear()

    def get(self, url: str, **more: Any) -> Page:
        return self.request("GET", url, **more)

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        follow: bool = True,
    ) -> Page:
        hops: list[str] = []
        while True:
            hops.append(url)
            answer = self._once(method, url, body, headers or {})
            location = answer.headers.get("Location")
            if not follow or answer.status not in {301, 302, 303, 307, 308} or location is None:
                return Page(url, answer, hops)
            if len(hops) > REDIRECTS_MAX:
                raise AssertionError(f"redirected too often: {hops}")
            if answer.status == 303:
                method, body = "GET", None
            url = urljoin(url, location)

    def cookie_header(self, url: str) -> str:
        held = self.cookies.get(urlsplit(url).netloc, {})
        return "; ".join(f"{name}={value}" for name, value in held.items())

    def _once(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str]
    ) -> urllib3.BaseHTTPResponse:
        parts = urlsplit(url)
        target = f"{parts.scheme}://127.0.0.1:{parts.port}{parts.path or '/'}"
        if parts.query:
            target += f"?{parts.query}"
        sent = {"Host": parts.netloc, "Accept": "text/html,*/*", **headers}
        cookies = self.cookie_header(url)
        if cookies:
            sent["Cookie"] = cookies
        answer = self._pool.request(method, target, body=body, headers=sent, redirect=False)
        self._keep(parts.netloc, answer)
        return answer

    def _keep(self, host: str, answer: urllib3.BaseHTTPResponse) -> None:
        jar = self.cookies.setdefault(host, {})
        for line in answer.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    jar.pop(name, None)
                else:
                    jar[name] = morsel.value
