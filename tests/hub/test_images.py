"""Images at sites before the first launch, from the asking to their end, on a clock turned by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import Conflict, Invalid
from alongside.hub import images
from alongside.hub.store.database import Database
from alongside.spec.images import ImagePull
from alongside.spec.wire import ErrandNews
from support import catalog
from support.houses import House, a_house

LAB = "registry.example.org/lab:1"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path / "data", database=database) as house:
        for name, executors in (("r1", ("docker",)), ("r2", ("process", "docker")), ("r3", ("process",))):
            house.join("lab", name, executors=executors)
            house.sync(name)
        yield house


def pull(house: House, site: str = "lab", **wanted: Any) -> list[ImagePull]:
    house.clock.pass_s(0.001)
    with house.hub.database.write() as tx:
        return images.pull(tx, house.people["admin"], site, house.clock(), **wanted)


def listed(house: House, after: str | None = None, limit: int = 99) -> list[ImagePull]:
    with house.hub.database.read() as tx:
        return images.page(tx, house.people["admin"], "lab", after, limit)


def says(house: House, runner: str, pull: ImagePull, number: int, state: Any, **more: Any) -> None:
    house.runners[runner].news = [ErrandNews(pull.id, number, state, **more)]
    house.sync(runner)


def test_each_runner_with_an_engine_is_asked_once_and_its_progress_is_shown(house: House) -> None:
    asked = {item.runner: item for item in pull(house, image=LAB)}
    assert set(asked) == {"r1", "r2"}
    assert {item.id for item in pull(house, image=LAB)} == {item.id for item in asked.values()}
    house.sync("r1")
    (heard,) = [item.body for item in house.runners["r1"].heard if item.kind == "errand"]
    assert (heard["kind"], heard["body"], heard["owner"]) == ("image", {"image": LAB}, None)
    says(house, "r1", asked["r1"], 2, "running", progress=40, message="Pulling")
    says(house, "r2", asked["r2"], 3, "executor_error", reason_code="image_missing", reason="no such image")
    found = {item.runner: item for item in listed(house)}
    assert (found["r1"].state, found["r1"].progress, found["r1"].message) == ("running", 40, "Pulling")
    assert (found["r2"].state, found["r2"].reason) == ("executor_error", "no such image")
    says(house, "r1", asked["r1"], 4, "complete", progress=100)
    again = {item.runner: item for item in pull(house, image=LAB)}
    assert not {item.id for item in again.values()} & {item.id for item in asked.values()}
    assert {item.id for item in listed(house)} == {item.id for item in again.values()}


def test_a_tool_s_images_are_those_of_all_its_components(house: House) -> None:
    parts = [
        {"name": "front", "image": LAB, "port": 8888},
        {"name": "store", "image": "redis:7"},
        {"name": "worker", "image": LAB},
    ]
    with house.hub.database.write() as tx:
        admin = house.people["admin"]
        catalog.tool(tx, admin, "lab", house.clock(), kind="interactive", components=parts)
    found = pull(house, tool="lab@1")
    assert sorted((item.image, item.runner) for item in found) == [
        ("redis:7", "r1"),
        ("redis:7", "r2"),
        (LAB, "r1"),
        (LAB, "r2"),
    ]
    first = listed(house, limit=2)
    assert [*first, *listed(house, after=first[-1].id)] == listed(house)


def test_what_cannot_be_pulled_is_refused_at_once(house: House) -> None:
    with pytest.raises(Invalid, match="no image"):
        pull(house, tool="count")
    for wanted in ({}, {"image": LAB, "tool": "count"}):
        with pytest.raises(Invalid):
            pull(house, **wanted)
    house.join("plain", "r4")
    house.sync("r4")
    with pytest.raises(Conflict, match="plain"):
        pull(house, "plain", image=LAB)
