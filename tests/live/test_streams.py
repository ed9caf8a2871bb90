"""Server-sent events: what people see of runs, logs and the hub, and what they do not."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from alongside.config import HubSettings
from alongside.hub import accounts
from support import people
from support.dispatchers import LiveRunner, leading
from support.houses import House


@pytest.fixture
async def runner(house: House, url: str, http: aiohttp.ClientSession) -> LiveRunner:
    live = LiveRunner(house.join("lab", "r1"), url, http)
    await live.session()
    await live.sync()
    return live


class Watcher:
    """Somebody with a token who listens to a stream."""

    def __init__(self, house: House, url: str, http: aiohttp.ClientSession, who: str = "ann") -> None:
        with house.hub.database.write() as tx:
            if who not in house.people:
                house.people[who] = people.person(tx, house.clock(), who)
            token = people.token_of(tx, house.people[who], house.clock())
        self._http, self._url = http, url
        self.headers = {"Authorization": f"Bearer {token}"}

    async def events(self, path: str) -> AsyncIterator[tuple[str, Any]]:
        """(event, data) of each message."""
        event = "message"
        async with self._http.get(f"{self._url}/live/v1/{path}", headers=self.headers) as response:
            assert response.status == 200, await response.text()
            assert response.content_type == "text/event-stream"
            async for line in response.content:
                name, _, value = line.decode().strip().partition(": ")
                if name == "event":
                    event = value
                elif name == "data":
                    yield event, json.loads(value)
                    event = "message"

    async def status(self, path: str) -> int:
        async with self._http.get(f"{self._url}/live/v1/{path}", headers=self.headers) as response:
            return response.status


async def test_progress_tells_each_step_until_the_tool_is_ready(
    house: House, runner: LiveRunner, url: str, http: aiohttp.ClientSession
) -> None:
    ann = Watcher(house, url, http)
    run = await asyncio.to_thread(house.request, "notebook")
    seen: list[dict[str, Any]] = []

    async def watch() -> None:
        async for _, data in ann.events(f"runs/{run.id}/progress"):
            seen.append(data)

    watching = asyncio.create_task(watch())
    while not runner.double.held:
        await runner.sync()
    await asyncio.sleep(0.1)
    runner.double.report(run.id, "progress", progress=30.0, message="pulling the image")
    await runner.sync()
    await asyncio.sleep(0.1)
    runner.double.start(run.id)
    runner.double.ready(run.id)
    await runner.sync()
    await asyncio.wait_for(watching, 5)
    assert {"Starting"} <= {item["word"] for item in seen}
    assert ("pulling the image", 30) in [(item["message"], item["progress"]) for item in seen]
    assert (seen[-1]["ready"], seen[-1]["url"], seen[-1]["progress"]) == (True, f"/open/{run.id}", 100)


async def test_progress_of_a_failure_says_why(
    house: House, runner: LiveRunner, url: str, http: aiohttp.ClientSession
) -> None:
    run = await asyncio.to_thread(house.request, "notebook")
    while not runner.double.held:
        await runner.sync()
    runner.double.finish(run.id, "executor_error", reason_code="image_missing", reason="no image x:1")
    await runner.sync()
    events = [data async for _, data in Watcher(house, url, http).events(f"runs/{run.id}/progress")]
    assert (events[-1]["failed"], events[-1]["message"], events[-1]["word"]) == (
        True,
        "no image x:1",
        "Failed",
    )


async def test_a_log_is_followed_to_its_end(
    house: House, runner: LiveRunner, url: str, http: aiohttp.ClientSession
) -> None:
    run = await asyncio.to_thread(house.request, "count")
    while not runner.double.held:
        await runner.sync()
    token = runner.double.held[run.id, 1].assignment.token
    runner.double.start(run.id)
    await runner.sync()
    await runner.put(run.id, "log?offset=0", b"first\n")
    heard: list[tuple[str, Any]] = []

    async def follow() -> None:
        async for item in Watcher(house, url, http).events(f"runs/{run.id}/log"):
            heard.append(item)

    following = asyncio.create_task(follow())
    await asyncio.sleep(0.2)
    # Half a character, then the other half.
    await runner.put(run.id, "log?offset=6", b"gr\xc3")
    await asyncio.sleep(0.1)
    runner.double.finish(run.id, exit_code=0)
    await runner.sync()
    await runner.put(run.id, "log?offset=9", b"\xbc\xc3\x9fe\n", token=token)
    await asyncio.wait_for(following, 10)
    assert "".join(data["text"] for event, data in heard if event == "log") == "first\ngrüße\n"
    assert heard[-1] == ("end", {"offset": 14})


async def test_a_log_ends_with_its_last_byte_and_not_later(
    house: House, runner: LiveRunner, url: str, http: aiohttp.ClientSession
) -> None:
    run = await asyncio.to_thread(house.request, "count")
    while not runner.double.held:
        await runner.sync()
    token = runner.double.held[run.id, 1].assignment.token
    runner.double.start(run.id)
    await runner.sync()
    await runner.put(run.id, "log?offset=0", b"first\n")
    ann = Watcher(house, url, http)
    heard: list[tuple[str, Any]] = []

    async def follow() -> None:
        async for item in ann.events(f"runs/{run.id}/log"):
            heard.append(item)

    following = asyncio.create_task(follow())
    runner.double.finish(run.id, exit_code=0, body={"log_bytes": 11})
    await runner.sync()
    await asyncio.sleep(0.3)
    assert not following.done(), "the runner has said that there is more"
    sent = time.monotonic()
    await runner.put(run.id, "log?offset=6", b"last\n", token=token)
    await asyncio.wait_for(following, 5)
    assert heard[-1] == ("end", {"offset": 11})
    await follow()
    assert heard[-1] == ("end", {"offset": 11})
    assert time.monotonic() - sent < 1


async def test_the_end_of_a_log_that_never_comes_is_not_waited_for_long(
    house: House, runner: LiveRunner, url: str, http: aiohttp.ClientSession
) -> None:
    run = await asyncio.to_thread(house.request, "count")
    while not runner.double.held:
        await runner.sync()
    runner.double.start(run.id)
    runner.double.finish(run.id, exit_code=0, body={"log_bytes": 11})
    await runner.sync()
    ann = Watcher(house, url, http)
    begun = time.monotonic()
    assert [event async for event in ann.events(f"runs/{run.id}/log")] == [("end", {"offset": 0})]
    assert 1 < time.monotonic() - begun < 5
    begun = time.monotonic()
    assert [event async for event in ann.events(f"runs/{run.id}/log")] == [("end", {"offset": 0})]
    assert time.monotonic() - begun < 1, "it ended long ago"


async def test_other_peoples_runs_are_not_there(
    house: House, runner: LiveRunner, url: str, http: aiohttp.ClientSession
) -> None:
    run = await asyncio.to_thread(house.request, "count")
    bob = Watcher(house, url, http, "bob")
    assert await bob.status(f"runs/{run.id}/progress") == 404
    assert await bob.status(f"runs/{run.id}/log") == 404
    assert await bob.status("runs/unknown/progress") == 404


async def test_hints_reach_those_whom_they_concern_and_nobody_else(
    house: House, runner: LiveRunner, url: str, http: aiohttp.ClientSession
) -> None:
    heard: dict[str, list[dict[str, Any]]] = {"ann": [], "bob": [], "admin": []}

    async def listen(who: str, watcher: Watcher) -> None:
        async for _, data in watcher.events("events"):
            heard[who].append(data)

    watchers = {who: Watcher(house, url, http, who) for who in heard}
    listening = [asyncio.create_task(listen(who, watcher)) for who, watcher in watchers.items()]
    await _until(lambda: all(heard.values()))
    run = await asyncio.to_thread(house.request, "count")
    await _until(lambda: len(heard["ann"]) > 1 and len(heard["admin"]) > 1)
    for task in listening:
        task.cancel()
    about = {who: {(item["kind"], item["key"]) for item in items} for who, items in heard.items()}
    assert ("run", run.id) in about["ann"]
    assert ("run", run.id) in about["admin"]
    assert not any(kind == "run" for kind, _ in about["bob"])


async def test_an_identifier_that_becomes_known_meanwhile_is_waited_for(
    house: House, runner: LiveRunner, url: str, http: aiohttp.ClientSession
) -> None:
    ann = Watcher(house, url, http)
    asking = asyncio.create_task(ann.status("resolve?id=doi:10.5072/later"))
    await asyncio.sleep(0.1)
    await asyncio.to_thread(house.dataset, "doi:10.5072/later", at="lab")
    assert await asking == 200
    assert await ann.status("resolve?id=doi:10.5072/never") == 404
    assert await ann.status("resolve?id=") == 422


@pytest.mark.parametrize("path", ["events", "runs/x/progress", "runs/x/log", "resolve?id=x"])
async def test_who_is_not_signed_in_hears_nothing(url: str, http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(f"{url}/live/v1/{path}") as response:
        assert response.status == 401
        assert (await response.json())["code"] == "unauthenticated"


async def _until(true: Callable[[], bool], within_s: float = 60.0) -> None:
    for _ in range(int(within_s / 0.02)):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come true in time")


async def test_under_https_only_the_cookie_that_no_neighbour_can_plant_is_read(
    house: House, http: aiohttp.ClientSession
) -> None:
    config = replace(house.hub.config, hub=HubSettings(url="https://hub.example.org"))
    with house.hub.database.write() as tx:
        session = accounts.open_session(tx, house.people["ann"].account, 1, house.clock())
    async with leading(replace(house.hub, config=config)) as url:
        for name, status in (("alongside_session", 401), ("__Host-alongside_session", 200)):
            headers = {"Cookie": f"{name}={session.secret}"}
            async with http.get(f"{url}/live/v1/events", headers=headers) as response:
                assert response.status == status
