"""An edge to test against: its own folder and port, the hub's key, and clients of its doors."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc import jwt
from joserfc.jwk import OKPKey
from multidict import CIMultiDict

from alongside import values
from alongside.config import Config, EdgeSettings, HubSettings
from alongside.spec.files import Folder
from alongside.spec.ids import ulid
from support.web_tools import free_port

T = TypeVar("T")
_entropy = itertools.count()


def run_id() -> str:
    return ulid(int(time.time() * 1000), next(_entropy).to_bytes(10, "big"))


def edge_config(folder: Path, **settings: Any) -> Config:
    """A configuration with a free port and few slots."""
    port = settings.pop("port", None) or free_port()
    hub_url = f"http://127.0.0.1:{port}"
    edge = EdgeSettings(port=port, url=f"http://{{run}}.localhost:{port}", slots=8)
    return Config(data_dir=folder, edge=replace(edge, **settings), hub=HubSettings(url=hub_url))


@dataclass
class HubKey:
    """What only the hub can do: sign."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public_pem(self) -> str:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def ticket(self, run: str, grantee: str = "ada", **changes: Any) -> str:
        now = time.time()
        claims: dict[str, Any] = {
            "iss": "http://127.0.0.1",
            "aud": "edge",
            "run": run,
            "sub": grantee,
            "jti": secrets.token_hex(8),
            "iat": now,
            "exp": int(now) + 60,
        }
        claims.update(changes)
        private = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "Ed25519"}, kept, OKPKey.import_key(private), algorithms=["Ed25519"])

    def grant(self, folder: Folder, **changes: Any) -> str:
        """A grant for a folder, as on the files host."""
        now = int(time.time())
        claims: dict[str, Any] = {"aud": "files", "folder": values.dump(folder), "iat": now, "exp": now + 900}
        claims.update(changes)
        private = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return jwt.encode({"alg": "Ed25519"}, claims, OKPKey.import_key(private), algorithms=["Ed25519"])

    def link(self, method: str, tree: str, path: str, expires: int | None = None) -> str:
        """The signed path and query of a file, as on the files host."""
        expires = expires if expires is not None else int(time.time()) + 60
        signature = self.key.sign(f"{method}\n{tree}/{path}\n{expires}".encode())
        text = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
        door = "u" if method == "PUT" else "f"
        return f"/{door}/{tree}/{quote(path)}?exp={expires}&sig={text}"


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    cookies: list[str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def passed(self) -> CIMultiDict[str]:
        return passed(self.json)


def passed(echoed: Any) -> CIMultiDict[str]:
    """The headers that an EchoTool saw; proxies change the case of names."""
    return CIMultiDict(echoed["headers"])


class Site:
    """A running edge seen from outside: over its port and its control socket."""

    def __init__(self, config: Config, hub: HubKey) -> None:
        self.config = config
        self.hub = hub
        self.port = config.edge.port
        self._web = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
        self._control = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(config.control_socket), force_close=True)
        )

    async def close(self) -> None:
        await self._web.close()
        await self._control.close()

    def host(self, run: str) -> str:
        return urlsplit(self.origin(run)).netloc

    def origin(self, run: str) -> str:
        return self.config.edge.url.replace("{run}", run)

    async def control(self, method: str, path: str, body: Any = None) -> Answer:
        async with self._control.request(method, f"http://edge{path}", json=body) as answer:
            return await _read(answer)

    async def trust(self) -> None:
        answer = await self.control("PUT", "/trust", {"public_keys": [self.hub.public_pem]})
        assert answer.status == 204, answer.body

    async def publish(self, run: str, address: str, open_path: str = "/lab") -> Answer:
        return await self.control("PUT", f"/routes/{run}", {"address": address, "open_path": open_path})

    async def request(
        self,
        run: str,
        path: str = "/",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        host: str = "",
        data: Any = None,
    ) -> Answer:
        """A request as a browser at the run's origin would send it; redirects are not followed."""
        async with self._web.request(
            method,
            f"http://127.0.0.1:{self.port}{path}",
            headers={"Host": host or self.host(run), **(headers or {})},
            allow_redirects=False,
            data=data,
        ) as answer:
            return await _read(answer)

    async def enter(self, run: str, grantee: str = "ada") -> str:
        """Redeem a ticket as a browser; the value of its Cookie header."""
        answer = await self.request(run, f"/.alongside/ticket?t={self.hub.ticket(run, grantee)}")
        assert answer.status == 303, answer.body
        return answer.cookies[0].partition(";")[0]

    async def socket(self, run: str, cookie: str = "", **headers: str) -> aiohttp.ClientWebSocketResponse:
        given = {"Host": self.host(run), **headers}
        if cookie:
            given["Cookie"] = cookie
        return await self._web.ws_connect(f"http://127.0.0.1:{self.port}/ws", headers=given, autoping=True)


async def eventually(look: Callable[[], Awaitable[T]], good: Callable[[T], bool], seconds: float = 60) -> T:
    """Look again until it is good: what other processes do has no event to wait for."""
    async with asyncio.timeout(seconds):
        while True:
            if good(seen := await look()):
                return seen
            await asyncio.sleep(0.05)


async def _read(answer: aiohttp.ClientResponse) -> Answer:
    return Answer(
        answer.status, answer.headers.copy(), answer.headers.getall("Set-Cookie", []), await answer.read()
    )
