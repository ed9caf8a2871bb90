"""The runner's calls to its site's edge, over the edge's control socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp

from alongside.errors import Problem, Unavailable

CALL_S = 10.0


class EdgeClient:
    """Every call raises Unavailable when there is no edge."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._http:
            await self._http.close()

    async def trust(self, public_keys: list[str]) -> None:
        await self._call("PUT", "/trust", {"public_keys": public_keys})

    async def publish(self, run: str, address: str, open_path: str) -> None:
        await self._call("PUT", f"/routes/{run}", {"address": address, "open_path": open_path})

    async def withdraw(self, run: str, *, keep_secrets: bool) -> None:
        """Close a run's way in; people who were let in stay known if it may start again."""
        await self._call("DELETE", f"/routes/{run}" + ("?keep_secrets=1" if keep_secrets else ""))

    async def revoke(self, run: str, grantee: str | None) -> None:
        await self._call("POST", f"/routes/{run}/revoke", {"grantee": grantee})

    async def routes(self) -> dict[str, dict[str, Any]]:
        answer = await self._call("GET", "/routes")
        return {route["run"]: route for route in answer.get("items", ())}

    async def activity(self) -> dict[str, dict[str, Any]]:
        return await self._call("GET", "/activity")

    async def serve_tree(self, name: str, path: Path) -> None:
        await self._call("POST", "/files/trees", {"name": name, "path": str(path)})

    async def remove_tree(self, name: str) -> None:
        await self._call("DELETE", f"/files/trees/{name}")

    async def put_work(self, work: dict[str, Any]) -> None:
        await self._call("PUT", "/files/work", work)

    async def put_drive(self, drive: dict[str, Any]) -> None:
        await self._call("PUT", "/files/drives", drive)

    async def remove_drive(self, drive: str) -> None:
        await self._call("DELETE", f"/files/drives/{drive}")

    async def _call(self, method: str, path: str, data: Any = None) -> Any:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(path=str(self.socket)),
                timeout=aiohttp.ClientTimeout(total=CALL_S),
            )
        try:
            async with self._http.request(method, f"http://edge{path}", json=data) as response:
                if response.status >= 500:
                    raise Unavailable(await _detail(response))
                if response.status == 404 and method != "GET":
                    return {}  # a route that is gone already is what was asked for
                if response.status >= 400:
                    raise Problem(f"the edge refuses {method} {path}: {await _detail(response)}")
                return await response.json() if response.content_type == "application/json" else {}
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"there is no edge at {self.socket}: {error}") from error


async def _detail(response: aiohttp.ClientResponse) -> str:
    """What the edge says, for people to read: it knows which of its limits was reached."""
    text = await response.text()
    try:
        said = json.loads(text).get("detail")
    except (ValueError, AttributeError):
        said = text[:500]
    return said or f"the edge answers {response.status} to {response.method} {response.url.path}"
