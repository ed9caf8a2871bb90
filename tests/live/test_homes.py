"""A home at a real site: made by the first tool, kept by a snapshot, restored, and there in the next tool."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from alongside.client.errors import Refused
from support.installation import Installation, opened, server

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(
        opened(tmp_path_factory.mktemp("homes")), homes={"hierarchy": '{"work": {"@@": {}}}'}
    ) as place:
        place.publish(server())
        yield place


def test_a_home_outlives_its_tools_and_comes_back_from_a_snapshot(place: Installation) -> None:
    client, browser = place.client, place.visitor("admin")

    def opened_tool() -> tuple[str, str]:
        run = client.launch("lab")
        assert place.word(run.id, "Ready", "Failed").ready
        browser.get(f"{place.url}/open/{run.id}")
        return run.id, client.runs.show(run.id).url or ""

    def settled() -> object:
        return next((home for home in client.homes.list() if not home.busy and home.size_bytes), None)

    first, url = opened_tool()
    place.until(settled, "the home is made and measured", within_s=150)
    (home,) = client.homes.list()
    assert (home.site, home.state) == ("local", "ready")
    assert home.uid not in (None, 0)
    assert browser.get(f"{url}/work").text == "admin"
    assert browser.request("PUT", f"{url}/notes", body="good").status == 200
    snapshot = client.homes.snapshot(home.id, "good")
    client.homes.until_idle(home.id)
    browser.request("PUT", f"{url}/notes", body="spoilt")
    with pytest.raises(Refused, match="stop the tools"):
        client.homes.restore(home.id, snapshot.id)
    client.runs.stop(first)
    place.word(first, "Stopped")
    client.homes.restore(home.id, snapshot.id)
    assert client.homes.until_idle(home.id).state == "ready"
    taken = list(client.homes.snapshots(home.id))
    assert [(item.kind, item.state) for item in taken] == [("before_restore", "ready"), ("manual", "ready")]
    client.runs.delete(first)
    second, url = opened_tool()
    assert browser.get(f"{url}/notes").text == "good"
    if os.getuid() == 0:
        assert browser.get(f"{url}/uid").text == str(home.uid)
    client.runs.delete(second)
