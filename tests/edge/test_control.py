"""The control socket and the host names of an edge."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from support.edges import Site, run_id
from support.web_tools import EchoTool, served


async def test_only_our_user_can_open_the_control_socket(site: Site) -> None:
    mode = site.config.control_socket.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize(
    "address",
    [
        "",
        "unix:relative",
        "tcp:localhost:80",
        "tcp:1.2.3.4",
        "tcp:1.2.3.4:0",
        "tcp:1.2.3.4:70000",
        "http://x",
    ],
)
async def test_an_address_that_cannot_be_is_refused(site: Site, address: str) -> None:
    answer = await site.publish(run_id(), address)
    assert (answer.status, answer.json["faults"][0]["field"]) == (422, "address")


async def test_every_fault_of_a_route_is_named(site: Site) -> None:
    answer = await site.control("PUT", "/routes/nonsense", {"address": "unix:/x", "open_path": "lab"})
    assert [fault["field"] for fault in answer.json["faults"]] == ["run", "open_path"]
    answer = await site.control("PUT", f"/routes/{run_id()}", {})
    assert answer.json["faults"][0]["field"] == "address"


async def test_a_run_that_is_not_here_is_said_to_be_unknown(site: Site) -> None:
    for method, path in (("DELETE", ""), ("POST", "/revoke")):
        answer = await site.control(method, f"/routes/{run_id()}{path}", {"grantee": None})
        assert (answer.status, answer.json["code"]) == (404, "run_unknown")


async def test_keys_that_are_no_keys_are_refused(site: Site) -> None:
    answer = await site.control("PUT", "/trust", {"public_keys": ["x"]})
    assert (answer.status, answer.json["faults"][0]["field"]) == (422, "public_keys[0]")


async def test_secrets_are_on_disk_only_as_hashes(site: Site, echo) -> None:
    run = run_id()
    await site.publish(run, echo[1])
    secret = (await site.enter(run)).partition("=")[2]
    folder = site.config.data_dir / "edge"
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert any(run.encode() in text for text in texts)
    assert not any(secret.encode() in text for text in texts)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_the_hub_and_the_dispatcher_are_behind_the_same_port(start_edge, tmp_path: Path) -> None:
    async with served(EchoTool("hub").app()) as hub, served(EchoTool("dispatcher").app()) as live:
        site: Site = await start_edge(
            hub_upstream=hub.removeprefix("tcp:"), live_upstream=live.removeprefix("tcp:")
        )
        cookie = {"Cookie": "alongside_session=s", "Origin": "http://elsewhere.example"}
        for path, name in (("/", "hub"), ("/api/v1/me", "hub"), ("/live/v1/events", "dispatcher")):
            answer = await site.request("", path, host=f"127.0.0.1:{site.port}", headers=cookie)
            assert answer.json["tool"] == name
            assert answer.passed["Cookie"] == "alongside_session=s"
            assert answer.passed["X-Forwarded-For"] == "127.0.0.1"


async def test_a_hub_that_is_down_is_said_in_the_form_of_each_door(start_edge) -> None:
    site: Site = await start_edge(hub_upstream="127.0.0.1:1", live_upstream="127.0.0.1:1")
    host = f"127.0.0.1:{site.port}"
    page = await site.request("", "/", host=host)
    assert (page.status, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    for path in ("/api/v1/me", "/live/v1/events"):
        assert (await site.request("", path, host=host)).json["code"] == "unavailable"


async def test_an_edge_without_a_hub_serves_its_tools_only(start_edge, echo) -> None:
    site: Site = await start_edge(hub_host="")
    run = run_id()
    await site.publish(run, echo[1])
    assert (await site.request(run, headers={"Cookie": await site.enter(run)})).status == 200
    assert (await site.request("", "/", host=f"127.0.0.1:{site.port}")).status == 421


@pytest.mark.parametrize("host", ["evil.example", "x.localhost", "{run}.evil.example", "{run}.a.localhost"])
async def test_another_host_name_is_not_served(site: Site, echo, host: str) -> None:
    run = run_id()
    await site.publish(run, echo[1])
    cookie = await site.enter(run)
    answer = await site.request(run, host=host.format(run=run), headers={"Cookie": cookie})
    assert answer.status == 421


async def test_localhost_leads_to_the_hub(site: Site) -> None:
    answer = await site.request("", "/runs?x=1", host=f"localhost:{site.port}")
    assert answer.status == 302
    assert answer.headers["Location"] == f"http://127.0.0.1:{site.port}/runs?x=1"


async def test_it_listens_on_the_ipv6_loopback_too(site: Site) -> None:
    """`<run>.localhost` means ::1 as well: left free, another user could listen there for cookies."""
    with socket.socket(socket.AF_INET6) as client:
        try:
            client.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 loopback here")
        client.connect(("::1", site.port))
