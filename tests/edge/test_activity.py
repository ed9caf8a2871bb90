"""Activity is what moved through the proxy, per run."""

from __future__ import annotations

from alongside.edge.activity import Activity, Meter
from alongside.edge.proxy import Counters
from support.edges import Site, eventually, run_id

#: open streams; those that end are counted at once
HAPROXY_COUNTS_EVERY_S = 5
UNUSED = {"at": None, "connections": 0, "requests": 0, "bytes": 0, "people": {}}


async def activity(site: Site, run: str):
    return (await site.control("GET", "/activity")).json[run]


async def test_a_run_that_nobody_used_has_no_activity(site: Site, echo) -> None:
    run = run_id()
    await site.publish(run, echo[1])
    assert await activity(site, run) == UNUSED


async def test_requests_bytes_and_open_sockets_are_counted(site: Site, echo) -> None:
    run = run_id()
    await site.publish(run, echo[1])
    cookie = await site.enter(run)
    await site.request(run, headers={"Cookie": cookie})
    socket = await site.socket(run, cookie)
    first = await activity(site, run)
    assert (first["connections"], first["requests"]) == (1, 2)
    assert first["at"].endswith("Z")
    await socket.send_str("x" * 1000)
    await socket.receive_str()
    second = await eventually(
        lambda: activity(site, run), lambda seen: seen["bytes"] > first["bytes"], HAPROXY_COUNTS_EVERY_S * 3
    )
    assert second["bytes"] >= first["bytes"] + 2000, "an open WebSocket counts while it is open"
    assert second["at"] > first["at"]
    third = await activity(site, run)
    assert third["at"] == second["at"], "an open connection alone is no activity"
    await socket.close()


async def test_a_slot_that_changes_hands_does_not_bring_its_past(start_edge, echo) -> None:
    site: Site = await start_edge(slots=1)
    first, second = run_id(), run_id()
    await site.publish(first, echo[1])
    await site.request(first, headers={"Cookie": await site.enter(first)})
    await site.control("DELETE", f"/routes/{first}")
    await site.publish(second, echo[1])
    assert await activity(site, second) == UNUSED


async def test_activity_of_other_people_on_a_run_adds_up(site: Site, echo) -> None:
    run = run_id()
    await site.publish(run, echo[1])
    for name in ("ada", "bob"):
        await site.request(run, headers={"Cookie": await site.enter(run, name)})
    assert (await activity(site, run))["requests"] == 2


class CountingProxy:
    """Counters as a test sets them."""

    def __init__(self) -> None:
        self.now: dict[int, Counters] = {}

    async def counters(self, slots):
        return {slot: self.now.get(slot, Counters()) for slot in slots}


async def test_totals_go_on_when_the_proxy_counts_from_zero_again(tmp_path) -> None:
    proxy = CountingProxy()
    meter = Meter(proxy, tmp_path / "activity.json")  # pyright: ignore[reportArgumentType]
    proxy.now = {1: Counters(1, 10, 1000)}
    await meter.begin([1])
    proxy.now = {1: Counters(1, 12, 1500)}
    assert await meter.read({1: "r"}, 100.0) == {1}
    proxy.now = {1: Counters(0, 1, 70)}
    await meter.read({1: "r"}, 200.0)
    assert meter.of("r") == Activity(at=200.0, connections=0, requests=3, bytes=570)
    assert await meter.read({1: "r"}, 300.0) == set()
    assert meter.of("r").at == 200.0
    meter.save()
    assert Meter(proxy, tmp_path / "activity.json").of("r") == meter.of("r")  # pyright: ignore[reportArgumentType]
