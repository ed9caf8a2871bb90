"""The same for the dispatcher's doors, over a real connection; and that the document names all of them."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alongside.config import Config, DispatcherSettings
from alongside.hub import sites
from alongside.hub.api import live
from alongside.hub.app import describe
from alongside.hub.dispatcher import lead
from alongside.hub.live import events, oidc, runners, runs
from alongside.spec.wire import Registered, Registration
from support.api import Api
from support.clocks import Clock
from support.fuzzing import BOUNDED, CHECKS, made_up_from

#: these answer until the client goes away
ENDLESS = ("follow_events",)
SCHEMA = made_up_from(describe()).include(path_regex="^/live/").exclude(operation_id=list(ENDLESS))


class Led:
    """A hub that a dispatcher in a thread of its own leads, and what opens its doors."""

    def __init__(self, folder: Path) -> None:
        settings = DispatcherSettings(port=0, wait_s=0.02, lease_ttl_s=2.0)
        self.api = Api(folder, Clock(datetime.now(UTC)), Config(data_dir=folder, dispatcher=settings))
        self.address = ""
        self._ready, self._thread = threading.Event(), threading.Thread(target=self._run, name="dispatcher")

    def __enter__(self) -> Led:
        self._thread.start()
        assert self._ready.wait(20)
        hub = self.api.hub
        with hub.database.write() as tx:
            now = self.api.clock()
            sites.create(tx, now, name="local", edge_url="http://{run}.localhost:8470")
            secret = sites.create_registration_token(tx, "local", "", 1, now).secret
            self.runner: Registered = sites.register(tx, Registration(secret, "one"), now)
        self.person = self.api.program("ann")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(20)
        self.api.close()

    def _run(self) -> None:
        asyncio.run(self._lead())

    async def _lead(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        listening: asyncio.Future[int] = self._loop.create_future()

        def begun(port: asyncio.Future[int]) -> None:
            self.address = f"http://127.0.0.1:{port.result()}"
            self._ready.set()

        listening.add_done_callback(begun)
        await lead(self.api.hub, self._stopping, listening=listening)


@pytest.fixture(scope="module")
def led(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Led]:
    with Led(tmp_path_factory.mktemp("live")) as led:
        yield led


@SCHEMA.parametrize()
@BOUNDED
def test_every_live_answer_is_one_that_the_document_names(case: Any, led: Led) -> None:
    secret = led.person.headers["Authorization"]
    if case.path.startswith(live.RUNNER):
        secret = f"Bearer {led.runner.token}"
        if len(str(case.path_parameters["id"])) % 2:
            case.path_parameters["id"] = led.runner.id
    case.call_and_validate(base_url=led.address, headers={"Authorization": secret}, checks=CHECKS, timeout=10)


def test_the_document_names_every_live_door() -> None:
    served = {
        (route.method, re.sub(r"{([a-z]+):[^{}]*({[^{}]*})?[^{}]*}", r"{\1}", route.path))
        for route in (*runners.ROUTES, *runs.ROUTES, *events.ROUTES, *oidc.ROUTES)
    }
    assert served == {(door.method, door.path) for door in live.DOORS}
