"""The runner's half of the protocol: it dials the hub, never the other way round."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

from alongside import values
from alongside.errors import EpochStale, Misconfigured, Problem, Unauthenticated, Unavailable
from alongside.spec.wire import Assignment, Registered, Registration, Session, Sync, SyncAnswer

CALL_S = 20.0
#: longer than the hub parks a wait
WAIT_S = 15.0


class LogBeyondEnd(Problem):
    """The hub has less of this log than we thought."""

    def __init__(self, size: int) -> None:
        super().__init__(size=size)
        self.size = size


class HubClient:
    """Calls for one hub. Every one raises Unavailable when the hub does not answer or answers 5xx."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Misconfigured(f"runner.hub_url is not an address: {url!r}")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise Misconfigured(f"runner.hub_url must be https beyond this machine: {url!r}")
        self.url = url.rstrip("/")
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_S))

    async def close(self) -> None:
        await self._http.close()

    async def register(self, registration: Registration) -> Registered:
        return values.load(
            Registered, await self._json("POST", "/api/v1/runners/register", data=values.dump(registration))
        )

    async def session(self, runner: str, token: str) -> Session:
        return values.load(
            Session, await self._json("POST", f"/live/v1/runners/{runner}/session", token, data={})
        )

    async def sync(self, runner: str, token: str, sync: Sync) -> SyncAnswer:
        path = f"/live/v1/runners/{runner}/sync"
        return values.load(SyncAnswer, await self._json("POST", path, token, data=values.dump(sync)))

    async def wait(self, runner: str, token: str, after: int) -> int:
        """Parked at the hub until its outbox reaches beyond `after`, or a few seconds."""
        path = f"/live/v1/runners/{runner}/wait?after={after}"
        return (await self._json("GET", path, token, timeout_s=WAIT_S))["seq"]

    async def log(self, assignment: Assignment, offset: int, content: bytes) -> int:
        """Send a piece of a log; the size that the hub has now.

        Raises:
            LogBeyondEnd: the hub lost what came before `offset`; go on from its size.
        """
        path = f"/live/v1/attempts/{assignment.run}/{assignment.attempt}/log?offset={offset}"
        async with self._call("PUT", path, assignment.token, data=content) as response:
            if response.status == 409:
                raise LogBeyondEnd((await response.json())["size"])
            await _check(response)
            return (await response.json())["size"]

    async def artifact(self, assignment: Assignment, path: str, content: bytes) -> None:
        where = f"/live/v1/attempts/{assignment.run}/{assignment.attempt}/artifacts/{quote(path)}"
        async with self._call("PUT", where, assignment.token, data=content) as response:
            await _check(response)

    async def _json(
        self, method: str, path: str, token: str = "", data: Any = None, timeout_s: float = CALL_S
    ) -> Any:
        body = None if data is None else json.dumps(data).encode()
        async with self._call(method, path, token, data=body, timeout_s=timeout_s, json=True) as response:
            await _check(response)
            return await response.json()

    @asynccontextmanager
    async def _call(
        self,
        method: str,
        path: str,
        token: str,
        *,
        data: bytes | None = None,
        timeout_s: float = CALL_S,
        json: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Content-Type": "application/json" if json else "application/octet-stream"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self._http.request(
                method, self.url + path, data=data, headers=headers, timeout=timeout
            ) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            raise Unavailable(f"the hub at {self.url} does not answer: {error}") from error


async def _check(response: aiohttp.ClientResponse) -> None:
    if response.status < 400:
        return
    try:
        problem = json.loads(await response.read())
        detail, code = problem.get("detail", ""), problem.get("code", "")
    except (ValueError, AttributeError):
        detail, code = "", ""
    detail = detail or f"{response.method} {response.url.path}: {response.status}"
    if response.status >= 500 or response.status == 429:
        raise Unavailable(detail)
    if response.status == 409 and code in ("epoch_stale", ""):
        raise EpochStale(detail)
    if response.status == 401:
        raise Unauthenticated(detail)
    raise Problem(detail, status=response.status, code=code)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
