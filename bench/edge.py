"""The way to a tool: direct, through the edge's HAProxy, and through configurable-http-proxy.

One light tool behind all three: HAProxy's own `return` for small answers, a plain loop of `send` for
the 100 MB. Rounds are interleaved, so that a busy machine slows all three, and the figures are medians.
wrk loads with four threads; each stays on one run, as a browser does. Requests carry a cookie, and the
edge applies all its rules. Downloads through the edge are measured over a unix socket (tools of the
process executor) and over TCP (containers); the slower one counts.

Claims (issue 3): requests/s at least 4 times configurable-http-proxy's, with 10 routes and with 2,000;
100 MB at 0.6 of direct or better; as fast with 2,000 routes as with 10; WebSockets stay open while
1,000 routes come and go.

    (cd bench/peers && npm ci --omit-lockfile-registry-resolved)
    python bench/edge.py [--rounds 5] [--seconds 2] [--without-peer]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from alongside.edge.proxy import Address
from alongside.edge.server import Edge
from alongside.edge.tickets import Ticket
from support.edges import edge_config, run_id
from support.web_tools import free_port

PEER = Path(__file__).parent / "peers" / "node_modules" / ".bin" / "configurable-http-proxy"
FEW, MANY = 10, 2000
THREADS, CONNECTIONS = 4, 40
BIG_BYTES = 100 * 1024 * 1024
CHUNK_BYTES = 1 << 20
SOCKETS, CHANGES = 20, 1000

AT_LEAST_PEER = 4.0
AT_LEAST_DOWNLOAD = 0.6
#: requests/s with 2,000 routes to those with 10; less is more than what rounds differ by
AT_LEAST_FLAT = 0.85

SCRIPT = """
local number = 0
function setup(thread) thread:set("at", number); number = number + 1 end
function init(args)
  local requests = {}
  for line in io.lines(args[1]) do
    local path, host, cookie = line:match("^(%S+) (%S+) (%S*)$")
    requests[#requests + 1] = wrk.format("GET", path, {Host = host, Cookie = cookie ~= "" and cookie or nil})
  end
  request_text = requests[1 + math.floor(at * #requests / THREADS)]
end
function request() return request_text end
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of load per way and round")
    parser.add_argument("--without-peer", action="store_true", help="skip configurable-http-proxy")
    options = parser.parse_args()
    lacking = [name for name in ("wrk", "haproxy") if not shutil.which(name)]
    if not (PEER.exists() or options.without_peer):
        lacking.append("configurable-http-proxy: see the head of this file")
    if lacking:
        say(f"needed here: {', '.join(lacking)}")
        return 2
    with tempfile.TemporaryDirectory(prefix="edge") as folder:
        return asyncio.run(measure(Path(folder), options.rounds, options.seconds, not options.without_peer))


@dataclass
class Figures:
    """Of every round, by way."""

    rate: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    p99_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    mb_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True)
class Visit:
    """A request as its way wants it: which port, and which head."""

    port: int
    path: str = "/"
    host: str = "127.0.0.1"
    cookie: str = ""


async def measure(folder: Path, rounds: int, seconds: float, peer: bool) -> int:
    figures = Figures()
    (folder / "load.lua").write_text(SCRIPT.replace("THREADS", str(THREADS)))
    with small_tool(folder) as small, big_tool(folder) as big:
        async with contextlib.AsyncExitStack() as stack:
            ways: dict[str, list[Visit]] = {"direct": [Visit(small)]}
            downloads: dict[str, Visit] = {"direct": Visit(big)}
            for count in (FEW, MANY):
                edge = await stack.enter_async_context(an_edge(folder / f"edge{count}"))
                ways[f"edge, {count:,} routes"] = await edge.fill(count, f"unix:{folder}/small.sock")
                if count == MANY:
                    downloads["edge, unix"] = await edge.visit(run_id(), f"unix:{folder}/big.sock")
                    downloads["edge, tcp"] = await edge.visit(run_id(), f"tcp:127.0.0.1:{big}")
                if peer:
                    proxy = await stack.enter_async_context(a_peer())
                    ways[f"chp, {count:,} routes"] = await proxy.fill(count, small)
                    downloads["chp"] = await proxy.visit("big", big)
            for _ in range(rounds):
                for way, visits in ways.items():
                    rate, p99_ms = await asyncio.to_thread(load, folder, visits, seconds)
                    figures.rate[way].append(rate)
                    figures.p99_ms[way].append(p99_ms)
                for way, visit in downloads.items():
                    figures.mb_s[way].append(await asyncio.to_thread(download, visit))
        async with an_edge(folder / "sockets") as edge:
            stayed, echo_p99_ms = await come_and_go(edge, folder)
    return report(figures, peer, stayed, echo_p99_ms)


def report(figures: Figures, peer: bool, stayed: int, echo_p99_ms: float) -> int:
    rate = {way: statistics.median(some) for way, some in figures.rate.items()}
    mb_s = {way: statistics.median(some) for way, some in figures.mb_s.items()}
    say(f"{'':24}{'requests/s':>12}{'p99 ms':>10}{'of direct':>12}")
    for way, value in rate.items():
        p99 = statistics.median(figures.p99_ms[way])
        say(f"{way:24}{value:>12,.0f}{p99:>10.2f}{value / rate['direct']:>12.2f}")
    say(f"{'':24}{'MB/s':>12}{'':10}{'of direct':>12}")
    for way, value in mb_s.items():
        say(f"{way:24}{value:>12,.0f}{'':10}{value / mb_s['direct']:>12.2f}")
    few, many = rate[f"edge, {FEW:,} routes"], rate[f"edge, {MANY:,} routes"]
    slowest = min(mb_s["edge, unix"], mb_s["edge, tcp"])
    claims = [
        (f"100 MB at {AT_LEAST_DOWNLOAD} of direct", slowest / mb_s["direct"], AT_LEAST_DOWNLOAD),
        (f"requests/s with {MANY:,} routes to {FEW}", many / few, AT_LEAST_FLAT),
        (f"WebSockets open after {CHANGES:,} routes came and went", stayed, SOCKETS),
    ]
    if peer:
        claims += [
            (f"requests/s to chp's, {count:,} routes", ours / rate[f"chp, {count:,} routes"], AT_LEAST_PEER)
            for count, ours in ((FEW, few), (MANY, many))
        ]
    say(f"answers on those WebSockets meanwhile: p99 {echo_p99_ms:.1f} ms")
    for claim, value, limit in claims:
        say(f"{claim}: {value:.2f}, at least {limit:g}: {'holds' if value >= limit else 'DOES NOT HOLD'}")
    return 0 if all(value >= limit for _, value, limit in claims) else 1


# The tools


@contextlib.contextmanager
def small_tool(folder: Path) -> Iterator[int]:
    """About 1 KB at once, on a port and on a unix socket."""
    port = free_port()
    (folder / "small.cfg").write_text(f"""\
global
    nbthread 1
defaults
    mode http
    timeout client 1m
    timeout server 1m
    timeout connect 5s
frontend small
    bind 127.0.0.1:{port}
    bind unix@{folder}/small.sock mode 600
    http-request return status 200 content-type text/plain string {"x" * 1000}
""")
    with program(["haproxy", "-db", "-f", str(folder / "small.cfg")]):
        wait_for(port)
        yield port


@contextlib.contextmanager
def big_tool(folder: Path) -> Iterator[int]:
    """100 MB from memory, by a process that only sends."""
    port = free_port()
    child = os.fork()
    if child == 0:
        try:
            _send_for_ever(port, f"{folder}/big.sock")
        finally:
            os._exit(1)
    try:
        wait_for(port)
        yield port
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _send_for_ever(port: int, path: str) -> None:
    chunk = memoryview(secrets.token_bytes(CHUNK_BYTES))
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {BIG_BYTES}\r\n\r\n"

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            while connection.recv(65536):
                connection.sendall(head.encode())
                for _ in range(BIG_BYTES // CHUNK_BYTES):
                    connection.sendall(chunk)

    def accept(listener: socket.socket) -> None:
        while True:
            threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()

    unix = socket.socket(socket.AF_UNIX)
    unix.bind(path)
    unix.listen()
    threading.Thread(target=accept, args=[unix], daemon=True).start()
    accept(socket.create_server(("127.0.0.1", port)))


# The ways


class OurEdge:
    def __init__(self, edge: Edge, port: int) -> None:
        self.edge = edge
        self._port = port

    async def visit(self, run: str, address: str) -> Visit:
        """Publish a run and enter it as a browser does."""
        await self.edge.routes.publish(run, Address.parse(address), "/")
        now = time.time()
        ticket = Ticket(run, "ada", secrets.token_hex(8), now, now + 60)
        secret, _ = await self.edge.routes.grant(ticket, now)
        host = f"{run}.localhost:{self._port}"
        return Visit(self._port, host=host, cookie=f"alongside_run={secret}")

    async def fill(self, count: int, address: str) -> list[Visit]:
        return [await self.visit(run_id(), address) for _ in range(count)]


@contextlib.asynccontextmanager
async def an_edge(folder: Path) -> AsyncIterator[OurEdge]:
    config = edge_config(folder, slots=MANY + 48)
    edge = Edge(config)
    await edge.start()
    try:
        yield OurEdge(edge, config.edge.port)
    finally:
        await edge.stop()


class Peer:
    def __init__(self, port: int, api_port: int, api: aiohttp.ClientSession) -> None:
        self._port = port
        self._routes = f"http://127.0.0.1:{api_port}/api/routes"
        self._api = api

    async def visit(self, name: str, target: int) -> Visit:
        body = {"target": f"http://127.0.0.1:{target}"}
        async with self._api.post(f"{self._routes}/user/{name}", json=body) as answer:
            answer.raise_for_status()
        return Visit(self._port, path=f"/user/{name}/")

    async def fill(self, count: int, target: int) -> list[Visit]:
        return [await self.visit(f"u{number}", target) for number in range(count)]


@contextlib.asynccontextmanager
async def a_peer() -> AsyncIterator[Peer]:
    port, api_port = free_port(), free_port()
    token = secrets.token_hex(16)
    command = [PEER, "--ip=127.0.0.1", f"--port={port}", "--api-ip=127.0.0.1", f"--api-port={api_port}"]
    with program([str(part) for part in [*command, "--log-level=error"]], CONFIGPROXY_AUTH_TOKEN=token):
        await asyncio.to_thread(wait_for, api_port)
        async with aiohttp.ClientSession(headers={"Authorization": f"token {token}"}) as api:
            yield Peer(port, api_port, api)


# The load


def load(folder: Path, visits: list[Visit], seconds: float) -> tuple[float, float]:
    """Requests/s and p99 in ms."""
    targets = folder / "targets"
    targets.write_text("".join(f"{visit.path} {visit.host} {visit.cookie}\n" for visit in visits))
    command = ["wrk", f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--latency", "-s"]
    command += [str(folder / "load.lua"), f"http://127.0.0.1:{visits[0].port}/", "--", str(targets)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"wrk met refusals:\n{said}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", said)
    if not (rate and p99):
        raise SystemExit(f"wrk said something else:\n{said}")
    return float(rate[1]), float(p99[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[p99[2]]


def download(visit: Visit) -> float:
    """MB/s of one 100 MB answer."""
    head = f"GET {visit.path} HTTP/1.1\r\nHost: {visit.host}\r\nCookie: {visit.cookie}\r\n\r\n"
    room = bytearray(CHUNK_BYTES)
    with socket.create_connection(("127.0.0.1", visit.port)) as connection:
        began = time.perf_counter()
        connection.sendall(head.encode())
        got = connection.recv_into(room)
        length = room.index(b"\r\n\r\n") + 4
        if not room.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"the download was refused: {bytes(room[:length])!r}")
        while got < length + BIG_BYTES:
            some = connection.recv_into(room)
            if not some:
                raise SystemExit(f"the download ended after {got} bytes")
            got += some
        return BIG_BYTES / 1e6 / (time.perf_counter() - began)


async def come_and_go(edge: OurEdge, folder: Path) -> tuple[int, float]:
    """How many WebSockets still answer after routes came and went, and the p99 of answers meanwhile."""
    waits: list[float] = []
    over = asyncio.Event()

    async def talk(session: aiohttp.ClientSession, visit: Visit) -> bool:
        headers = {"Host": visit.host, "Cookie": visit.cookie}
        async with session.ws_connect(f"http://127.0.0.1:{visit.port}/", headers=headers) as talking:
            try:
                while True:
                    last = over.is_set()
                    began = time.perf_counter()
                    await talking.send_str("there?")
                    await talking.receive_str(timeout=10)
                    waits.append(time.perf_counter() - began)
                    if last:
                        return True
                    await asyncio.sleep(0.02)
            except (TypeError, TimeoutError, aiohttp.ClientError, ConnectionError):
                return False

    path = f"{folder}/echo.sock"
    async with echo_tool(path), aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        visits = await edge.fill(SOCKETS, f"unix:{path}")
        async with asyncio.TaskGroup() as group:
            talks = [group.create_task(talk(session, visit)) for visit in visits]
            for _ in range(CHANGES):
                run = run_id()
                await edge.visit(run, f"unix:{path}")
                await edge.edge.routes.withdraw(run, keep_secrets=False)
            over.set()
    waits.sort()
    return sum(one.result() for one in talks), waits[int(len(waits) * 0.99)] * 1e3


@contextlib.asynccontextmanager
async def echo_tool(path: str) -> AsyncIterator[None]:
    async def answer(request: web.Request) -> web.WebSocketResponse:
        talking = web.WebSocketResponse()
        await talking.prepare(request)
        async for message in talking:
            await talking.send_str(message.data)
        return talking

    app = web.Application()
    app.router.add_get("/", answer)
    server = web.AppRunner(app, access_log=None)
    await server.setup()
    await web.UnixSite(server, path).start()
    try:
        yield
    finally:
        await server.cleanup()


@contextlib.contextmanager
def program(command: list[str], **environment: str) -> Iterator[None]:
    with subprocess.Popen(command, env={**os.environ, **environment}) as child:
        try:
            yield
        finally:
            child.terminate()


def wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
