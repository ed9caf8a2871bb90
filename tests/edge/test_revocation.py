"""Losing access: at once, open sockets included, and without disturbing others."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import aiohttp
import pytest

from support.edges import Site, run_id
from support.web_tools import EchoTool, served


@pytest.fixture
async def run(site: Site, echo) -> str:
    run = run_id()
    await site.publish(run, echo[1])
    return run


async def is_open(socket: aiohttp.ClientWebSocketResponse) -> bool:
    try:
        await socket.send_str("still there?")
        message = await socket.receive(timeout=30)
    except (TimeoutError, ConnectionError):
        return False
    return message.type is aiohttp.WSMsgType.TEXT


async def test_revoking_a_person_closes_their_sockets_and_nobody_elses(site: Site, run: str) -> None:
    ada, bob = await site.enter(run, "ada"), await site.enter(run, "bob")
    sockets = [await site.socket(run, cookie) for cookie in (ada, ada, bob)]
    answer = await site.control("POST", f"/routes/{run}/revoke", {"grantee": "ada"})
    assert (answer.status, answer.json) == (200, {"closed": 2})
    assert [await is_open(socket) for socket in sockets] == [False, False, True]
    assert (await site.request(run, headers={"Cookie": ada})).status == 401
    assert (await site.request(run, headers={"Cookie": bob})).status == 200


async def test_revoking_everybody_closes_everything(site: Site, run: str) -> None:
    cookies = [await site.enter(run, name) for name in ("ada", "bob")]
    sockets = [await site.socket(run, cookie) for cookie in cookies]
    answer = await site.control("POST", f"/routes/{run}/revoke", {"grantee": None})
    assert answer.json == {"closed": 2}
    assert [await is_open(socket) for socket in sockets] == [False, False]


async def test_a_ticket_made_before_the_revocation_is_void(site: Site, run: str) -> None:
    early = site.hub.ticket(run, iat=time.time() - 1)
    await site.control("POST", f"/routes/{run}/revoke", {"grantee": "ada"})
    assert (await site.request(run, f"/.alongside/ticket?t={early}")).status == 401
    assert (await site.enter(run, "ada")).startswith("alongside_run=")


async def test_deleting_a_route_closes_it_and_forgets_its_secrets(site: Site, run: str, echo) -> None:
    cookie = await site.enter(run)
    socket = await site.socket(run, cookie)
    assert (await site.control("DELETE", f"/routes/{run}")).status == 204
    assert not await is_open(socket)
    await site.publish(run, echo[1])
    assert (await site.request(run, headers={"Cookie": cookie})).status == 401


async def test_a_stopped_run_keeps_its_secrets_for_the_next_start(site: Site, run: str, echo) -> None:
    cookie = await site.enter(run)
    socket = await site.socket(run, cookie)
    assert (await site.control("DELETE", f"/routes/{run}?keep_secrets=1")).status == 204
    assert not await is_open(socket)
    stopped = await site.request(run, headers={"Cookie": cookie, "Accept": "text/html"})
    assert stopped.status == 409
    assert "Not running" in stopped.body.decode()
    await site.publish(run, echo[1])
    assert (await site.request(run, headers={"Cookie": cookie})).status == 200


async def test_a_run_that_moves_takes_its_visitors_along(site: Site, run: str, tmp_path) -> None:
    cookie = await site.enter(run)
    old = await site.socket(run, cookie)
    async with served(EchoTool("new").app()) as address:
        await site.publish(run, address)
        assert not await is_open(old), "a socket must not stay with the old process"
        assert (await site.request(run, headers={"Cookie": cookie})).json["tool"] == "new"


async def test_publishing_the_same_address_again_disturbs_nobody(site: Site, run: str, echo) -> None:
    socket = await site.socket(run, await site.enter(run))
    await site.publish(run, echo[1])
    assert await is_open(socket)


async def test_an_unused_secret_ends_and_a_used_one_does_not(start_edge, echo) -> None:
    site: Site = await start_edge(secret_hours=3 / 3600)
    run = run_id()
    await site.publish(run, echo[1])
    idle, busy = await site.enter(run, "idle"), await site.enter(run, "busy")
    socket = await site.socket(run, busy)
    for _ in range(8):
        assert await is_open(socket)
        await site.control("GET", "/activity")
        await asyncio.sleep(0.5)
    assert (await site.request(run, headers={"Cookie": idle})).status == 401
    assert (await site.request(run, headers={"Cookie": busy})).status == 200


async def test_one_person_has_a_bounded_number_of_secrets(site: Site, run: str) -> None:
    cookies = [await site.enter(run) for _ in range(17)]
    answers = [(await site.request(run, headers={"Cookie": cookie})).status for cookie in cookies]
    assert answers == [401] + [200] * 16


async def test_slots_that_run_out_name_the_setting_and_come_back(start_edge, echo) -> None:
    site: Site = await start_edge(slots=2)
    runs = [run_id() for _ in range(3)]
    assert [(await site.publish(run, echo[1])).status for run in runs] == [200, 200, 503]
    refused = await site.publish(runs[2], echo[1])
    assert "edge.slots" in refused.json["detail"]
    cookie = await site.enter(runs[0])
    assert (await site.request(runs[0], headers={"Cookie": cookie})).status == 200
    crowded = await site.request(runs[0], f"/.alongside/ticket?t={site.hub.ticket(runs[0], 'bob')}")
    assert crowded.status == 503
    await site.control("DELETE", f"/routes/{runs[0]}")
    assert (await site.publish(runs[2], echo[1])).status == 200
    assert (await site.request(runs[2], headers={"Cookie": cookie})).status == 401


class KeptOpen:
    """A tool that counts its connections, and keeps them open whatever it is asked."""

    def __init__(self, name: str, head: str = "HTTP/1.1 200 OK") -> None:
        self._answer = f"{head}\r\nContent-Length: {len(name)}\r\n\r\n{name}".encode()
        self.connections = 0
        self.open: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def served(self, path: Path):
        server = await asyncio.start_unix_server(self._serve, path)
        try:
            yield f"unix:{path}"
        finally:
            server.close()
            for writer in self.open:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(self._answer)
                await writer.drain()
        self.open.discard(writer)
        writer.close()


@pytest.mark.parametrize(
    "head", ["HTTP/1.1 200 OK", "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM"], ids=["200", "ntlm"]
)
async def test_a_slot_that_changes_hands_never_answers_for_its_former_tool(
    start_edge, tmp_path: Path, head: str
) -> None:
    """One browser connection, one slot, two runs, and a first tool that lives on and lets nothing go."""
    site: Site = await start_edge(slots=1)
    first, second = run_id(), run_id()
    former, latter = KeptOpen("former", head), KeptOpen("latter")
    async with former.served(tmp_path / "1.sock") as one, latter.served(tmp_path / "2.sock") as two:
        for run, address, name in (
            (first, one, b"former"),
            (second, two, b"latter"),
            (first, one, b"former"),
        ):
            await site.publish(run, address)
            cookie = await site.enter(run)
            for _ in range(3):
                assert (await site.request(run, headers={"Cookie": cookie})).body == name
            await site.control("DELETE", f"/routes/{run}")


async def test_connections_to_a_tool_are_kept_while_it_is_used(site: Site, tmp_path: Path) -> None:
    run, tool = run_id(), KeptOpen("kept")
    async with tool.served(tmp_path / "kept.sock") as address:
        await site.publish(run, address)
        cookie = await site.enter(run)
        for _ in range(20):
            await site.request(run, headers={"Cookie": cookie})
        assert tool.connections < 10
