"""Connections to a hub: reused, authenticated, with problem documents raised as errors."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from http.cookies import SimpleCookie
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from alongside import __version__, values
from alongside.client.errors import Refused, Unreachable
from alongside.errors import Invalid

T = TypeVar("T")

CONNECT_TIMEOUT_S = 5.0
TIMEOUT = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=60.0)
REDIRECTS_MAX = 3
#: the first where the hub is reached by https
CSRF_COOKIES = ("__Host-alongside_csrf", "alongside_csrf")


class Transport:
    """One hub, one caller. Safe to use from several threads, except for signing in."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self._cookies: dict[str, str] = {}
        # Only a connection that never came about is tried again: nothing has been asked for then.
        retries = urllib3.Retry(total=None, connect=2, read=0, redirect=False, status=0, backoff_factor=0.2)
        self._pool = urllib3.PoolManager(retries=retries, maxsize=4)

    def close(self) -> None:
        self._pool.clear()

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return self.call("POST", path, body=body, query=query)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Ask and return the answer's JSON (None when there is none).

        Raises:
            Refused: with the hub's problem document.
            Unreachable: no hub answers there.
        """
        sent = dict(headers or {})
        content = None
        if isinstance(body, (bytes, str)):
            content = body
        elif body is not None:
            content = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        if method == "POST":
            sent.setdefault("Idempotency-Key", uuid.uuid4().hex)
        answer = self._ask(method, self._address(path, query), sent, content)
        self._keep_cookies(answer)
        if answer.status >= 400:
            raise _refused(answer)
        if answer.status == 204 or not answer.data:
            return None
        return _json(answer, self.url)

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """The items of a list, page by page."""
        cursor: str | None = None
        while True:
            page = self.get(path, **query, cursor=cursor)
            yield from page["items"]
            cursor = page.get("next")
            if not cursor:
                return

    def text(self, path: str, **query: Any) -> str:
        answer = self._ask("GET", self._address(path, query), {"Accept": "text/plain"}, None)
        if answer.status >= 400:
            raise _refused(answer)
        return answer.data.decode(errors="replace")

    def stream(
        self,
        path: str,
        /,
        *,
        pieces_of: int = 1 << 18,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Iterator[bytes]:
        """The bytes of an answer, following a redirect to a site's edge (without our credentials)."""
        address = self._address(path, query)
        for _ in range(REDIRECTS_MAX):
            answer = self._ask("GET", address, {"Accept": "*/*", **(headers or {})}, None, stream=True)
            location = answer.headers.get("Location")
            if answer.status in (302, 303, 307) and location:
                # An answer that was not read to its end would be taken for that of the next request.
                answer.drain_conn()
                answer.release_conn()
                address = urljoin(address, location)
                continue
            if answer.status >= 400:
                raise _refused(answer)
            try:
                yield from answer.stream(pieces_of)
            except HTTPError as error:
                raise Unreachable(f"the connection broke: {error}", hint="try again") from None
            return
        raise Unreachable(f"{path} redirects in circles")

    def events(self, path: str, *, silence_s: float | None = None, **query: Any) -> Iterator[tuple[str, str]]:
        """Server-sent events as (event, data) until the hub ends the stream or the connection breaks."""
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=silence_s)
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        answer = self._ask("GET", self._address(path, query), headers, None, stream=True, timeout=timeout)
        if answer.status >= 400:
            raise _refused(answer)
        try:
            yield from _events(_lines(answer))
        except HTTPError as error:
            raise Unreachable(f"the connection broke: {error}", hint="try again") from None
        finally:
            answer.close()

    def _address(self, path: str, query: Mapping[str, Any] | None) -> str:
        if path.startswith(("http://", "https://")):  # a site's own, named by the hub
            address = path
        else:
            address = self.url + (path if path.startswith(("/api/", "/live/")) else f"/api/v1{path}")
        given = {key: _parameter(value) for key, value in (query or {}).items() if value is not None}
        return f"{address}?{urlencode(given)}" if given else address

    def _ask(
        self,
        method: str,
        address: str,
        headers: dict[str, str],
        body: str | bytes | None,
        *,
        stream: bool = False,
        timeout: urllib3.Timeout | None = None,
    ) -> urllib3.BaseHTTPResponse:
        sent = {"Accept": "application/json", "User-Agent": f"alongside/{__version__}", **headers}
        if address.startswith(self.url + "/"):
            sent.update(self._credentials(method))
        address, host = _loopback(address)
        if host:
            sent["Host"] = host
        try:
            return self._pool.request(
                method,
                address,
                body=body,
                headers=sent,
                preload_content=not stream,
                redirect=False,
                timeout=timeout or TIMEOUT,
            )
        except HTTPError as error:
            raise Unreachable(
                f"nothing answers at {self.url} ({_cause(error)})",
                hint="is it running? alongside up; is it another address? alongside login URL",
            ) from None

    def _credentials(self, method: str) -> dict[str, str]:
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        if not self._cookies:
            return {}
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        csrf = next((self._cookies[name] for name in CSRF_COOKIES if name in self._cookies), None)
        if method not in ("GET", "HEAD") and csrf is not None:
            headers["X-CSRF-Token"] = csrf
        return headers

    def _keep_cookies(self, answer: urllib3.BaseHTTPResponse) -> None:
        for line in answer.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                self._cookies[name] = morsel.value


def segment(text: str) -> str:
    """One path segment, whatever characters it has."""
    return quote(text, safe="")


def loaded(kind: type[T], data: Any) -> T:
    """A value of `kind`; members that this version does not know are passed over."""
    try:
        return values.load(kind, data)
    except Invalid as error:
        raise Unreachable(
            f"the hub answered something else than expected ({error.detail})",
            hint=f"this is alongside {__version__}: install the version of the hub",
        ) from None


def _parameter(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _loopback(address: str) -> tuple[str, str | None]:
    """`x.localhost` is this machine (RFC 6761), whether or not its resolver knows."""
    parts = urlsplit(address)
    if parts.hostname and parts.hostname.endswith(".localhost"):
        port = f":{parts.port}" if parts.port else ""
        return parts._replace(netloc=f"127.0.0.1{port}").geturl(), parts.netloc
    return address, None


def _cause(error: HTTPError) -> str:
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "args", [reason])[-1]).split(": ", 1)[-1]


def _json(answer: urllib3.BaseHTTPResponse, url: str) -> Any:
    try:
        return json.loads(answer.data)
    except ValueError:
        raise Unreachable(
            f"what answers at {url} is not an Alongside hub", hint="check the address"
        ) from None


def _refused(answer: urllib3.BaseHTTPResponse) -> Refused:
    try:
        problem = json.loads(answer.data)
    except ValueError:
        problem = {}
    if not isinstance(problem, dict) or "code" not in problem:
        if answer.status in (502, 503, 504):
            problem = {"code": "unavailable", "detail": "a part of the hub does not answer just now"}
        else:
            problem = {"detail": f"the hub answered {answer.status} {answer.reason or ''}".rstrip()}
    return Refused(answer.status, problem)


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[str]:
    rest = b""
    while piece := answer.read1(1 << 16):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r").decode(errors="replace")


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    event, data = "message", list[str]()
    for line in lines:
        if line == "":
            if data:
                yield event, "\n".join(data)
            event, data = "message", []
        elif line.startswith("event:"):
            event = line[6:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
