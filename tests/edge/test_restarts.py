"""What is left when a process is killed: everything that mattered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket as sockets
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import WSMsgType

from alongside.config import Config
from alongside.edge import haproxy
from alongside.edge.server import left_running
from support.edges import HubKey, Site, edge_config, eventually, run_id
from support.web_tools import EchoTool, served

pytestmark = pytest.mark.skipif(haproxy.find() is None, reason="haproxy is not installed")

PROGRAM = """
import json, sys
from pathlib import Path
from alongside.config import Config, EdgeSettings, HubSettings
from alongside.edge.server import main
given = json.loads(sys.argv[1])
edge, hub = EdgeSettings(**given["edge"]), HubSettings(**given["hub"])
main(Config(data_dir=Path(given["data_dir"]), edge=edge, hub=hub))
"""


async def spawn(config: Config) -> asyncio.subprocess.Process:
    given = {"data_dir": str(config.data_dir), "edge": vars(config.edge), "hub": vars(config.hub)}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, json.dumps(given, default=list)),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )


async def healthy(site: Site) -> dict:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError):
                return (await site.control("GET", "/healthz")).json
            await asyncio.sleep(0.05)


async def is_gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Callable]:
    """Starts edges as processes; at the end each is asked to stop and its HAProxy must be gone."""
    started: list[tuple[asyncio.subprocess.Process, Site]] = []

    async def start(**settings) -> tuple[asyncio.subprocess.Process, Site, dict]:
        config = edge_config(tmp_path, **settings)
        process = await spawn(config)
        site = Site(config, HubKey())
        started.append((process, site))
        return process, site, await healthy(site)

    yield start
    left = started[-1]
    pid = (await healthy(left[1]))["pid"]
    left[0].terminate()
    assert await left[0].wait() == 0
    assert await is_gone(pid)
    for _, site in started:
        await site.close()


async def test_an_open_socket_survives_the_edge_and_the_next_edge_goes_on_with_it(
    edge, tmp_path: Path
) -> None:
    process, site, health = await edge()
    await site.trust()
    run = run_id()
    async with served(EchoTool("echo").app(), tmp_path / "tool.sock") as address:
        await site.publish(run, address)
        cookie = await site.enter(run)
        socket = await site.socket(run, cookie)
        process.kill()
        await process.wait()
        assert left_running(site.config)
        await socket.send_str("alone")
        assert await socket.receive_str(timeout=60) == "echo: alone"
        assert (await site.request(run, headers={"Cookie": cookie})).status == 200
        assert (await site.request(run)).status == 503, "nobody is at the gate"

        _, again, later = await edge(port=site.port)
        assert later["pid"] == health["pid"]
        await socket.send_str("again")
        assert await socket.receive_str(timeout=60) == "echo: again"
        assert (await site.request(run)).status == 401
        site.hub, again.hub = again.hub, site.hub
        assert (await again.enter(run, "bob")).startswith("alongside_run="), "the hub's key was kept"
        closed = await again.control("POST", f"/routes/{run}/revoke", {"grantee": "ada"})
        assert closed.json == {"closed": 1}, "the socket of before is still known by its slot"


async def test_a_haproxy_that_is_gone_on_with_obeys_what_is_on_disk(edge, tmp_path: Path) -> None:
    """A crash between the disk and HAProxy must not leave a door open."""
    process, site, health = await edge()
    await site.trust()
    kept, gone = run_id(), run_id()
    async with served(EchoTool("echo").app(), tmp_path / "tool.sock") as address:
        for run in (kept, gone):
            await site.publish(run, address)
        cookies = {run: await site.enter(run) for run in (kept, gone)}
        socket = await site.socket(gone, cookies[gone])
        process.kill()
        await process.wait()
        (tmp_path / "edge" / "routes" / f"{gone}.json").unlink()

        _, again, later = await edge(port=site.port)
        assert later["pid"] == health["pid"]
        assert (await again.request(kept, headers={"Cookie": cookies[kept]})).status == 200
        assert (await again.request(gone, headers={"Cookie": cookies[gone]})).status == 401
        assert (await socket.receive(timeout=60)).type in (WSMsgType.CLOSED, WSMsgType.ERROR)


async def test_an_edge_that_was_stopped_finds_routes_and_secrets_again(edge, tmp_path: Path) -> None:
    process, site, health = await edge()
    await site.trust()
    run, deleted = run_id(), run_id()
    async with served(EchoTool("echo").app(), tmp_path / "tool.sock") as address:
        for one in (run, deleted):
            await site.publish(one, address)
        cookie = await site.enter(run)
        await site.control("DELETE", f"/routes/{deleted}")
        process.terminate()
        assert await process.wait() == 0
        assert not left_running(site.config)
        assert await is_gone(health["pid"]), "SIGTERM to the edge stops its HAProxy"

        _, again, _ = await edge(port=site.port)
        assert (await again.request(run, headers={"Cookie": cookie})).status == 200
        routes = (await again.control("GET", "/routes")).json["items"]
        assert routes == [{"run": run, "address": address, "open_path": "/lab", "grantees": ["ada"]}]


async def test_a_killed_haproxy_is_back_within_seconds_with_every_route(edge, tmp_path: Path) -> None:
    _, site, health = await edge()
    await site.trust()
    run, late = run_id(), run_id()
    async with served(EchoTool("echo").app(), tmp_path / "tool.sock") as address:
        await site.publish(run, address)
        cookie = await site.enter(run)
        os.kill(health["pid"], signal.SIGKILL)
        assert (await site.publish(late, address)).status == 200, "a change meanwhile is not lost"
        now = await eventually(
            lambda: healthy(site), lambda seen: seen["pid"] != health["pid"] and seen["running"]
        )
        assert now["restarts"] == 1
        cookies = {run: cookie, late: await site.enter(late)}
        for one, given in cookies.items():
            assert (await site.request(one, headers={"Cookie": given})).status == 200


async def test_changed_settings_replace_a_haproxy_that_was_left(edge, tmp_path: Path) -> None:
    process, site, health = await edge()
    process.kill()
    await process.wait()
    _, _, later = await edge(port=site.port, slots=9)
    assert later["slots"]["total"] == 9
    assert await is_gone(health["pid"])


async def test_a_taken_port_is_one_line_that_names_the_setting(tmp_path: Path) -> None:
    with sockets.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        process = await spawn(edge_config(tmp_path, port=port))
        _, said = await process.communicate()
    assert process.returncode == 1
    (line,) = said.decode().splitlines()
    assert f"127.0.0.1:{port}" in line
    assert "edge.port" in line


async def test_a_second_edge_on_the_same_folder_is_refused(edge, tmp_path: Path) -> None:
    _, site, health = await edge()
    second = await spawn(edge_config(tmp_path))
    _, said = await second.communicate()
    assert second.returncode == 1
    assert "another edge" in said.decode()
    assert (await healthy(site))["pid"] == health["pid"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"url": "http://tools.example.org/{run}"}, "edge.url"),
        ({"url": "http://{run}.localhost", "tls_certificate": "/x.pem"}, "edge.tls_certificate"),
        ({"hub_host": "hub.localhost"}, "edge.hub_host"),
        ({"proxy": "nginx"}, "edge.proxy"),
        ({"slots": 0}, "edge.slots"),
        ({"control": "/tmp/" + "x" * 120}, "edge.control"),
    ],
)
async def test_a_setting_that_cannot_work_is_named(tmp_path: Path, settings, named: str) -> None:
    process = await spawn(edge_config(tmp_path, **settings))
    _, said = await process.communicate()
    assert process.returncode == 1
    assert named in said.decode().splitlines()[-1]


async def test_a_data_folder_may_lie_deep(edge, tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 20) / ("er" * 40)
    deep.mkdir(parents=True)
    config = edge_config(deep, control=str(tmp_path / "control.sock"))
    process = await spawn(config)
    site = Site(config, HubKey())
    try:
        await healthy(site)
        await site.trust()
        run = run_id()
        async with served(EchoTool("echo").app(), tmp_path / "tool.sock") as address:
            await site.publish(run, address)
            cookie = await site.enter(run)
            assert (await site.request(run, headers={"Cookie": cookie})).status == 200
    finally:
        await site.close()
        process.terminate()
        await process.communicate()
    await edge()


async def test_two_thousand_slots_start_within_seconds(tmp_path: Path) -> None:
    config = edge_config(tmp_path, slots=2048)
    process = await spawn(replace(config))
    site = Site(config, HubKey())
    try:
        async with asyncio.timeout(10):
            health = await healthy(site)
        assert health["slots"] == {"used": 0, "total": 2048}
        status = Path(f"/proc/{health['pid']}/status").read_text()
        resident_kb = int(status.partition("VmRSS:")[2].split()[0])
        assert resident_kb < 200_000
    finally:
        await site.close()
        process.terminate()
        await process.communicate()
