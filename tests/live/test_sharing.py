"""Sharing with real parts: each grantee comes in, is seen to be in, and is out within a second."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from alongside.client import Client
from alongside.client.errors import Refused
from support.installation import Installation, opened, server
from support.open_sockets import OpenSocket

#: from the answer to the revocation to the end of the open socket
OUT_WITHIN_S = 1.0
OUT_AT_LAST_S = 60.0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(opened(tmp_path_factory.mktemp("sharing"))) as place:
        place.publish(server())
        place.client.admin.add_group("crew")
        yield place


@pytest.fixture
def people(place: Installation) -> Iterator[dict[str, Client]]:
    people = {name: place.person(name) for name in ("bob", "cyd", "dan")}
    place.client.admin.add_member("crew", "cyd")
    yield people
    for client in people.values():
        client.close()


def test_a_person_a_group_and_a_code_come_in_and_each_is_out_within_a_second(
    place: Installation, people: dict[str, Client], capsys: pytest.CaptureFixture[str]
) -> None:
    took = a_round(place, people)
    if max(took.values()) > OUT_WITHIN_S:
        # Nothing here waits for a second; but a machine that stood still for one is let off once.
        took = a_round(place, people)
    with capsys.disabled():
        told = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in took.items())
        sys.stdout.write(f"\nout after the answer to the revocation: {told}\n")
    assert max(took.values()) <= OUT_WITHIN_S, took


def a_round(place: Installation, people: dict[str, Client]) -> dict[str, float]:
    """Share a run in each way and take every share back; the seconds until each was out."""
    mine = place.client.shares
    run = place.client.launch("lab")
    place.word(run.id, "Ready")
    run = place.client.runs.show(run.id)
    with pytest.raises(Refused):
        people["bob"].runs.access(run.id)
    with_bob = mine.add(run.id, "person", "bob").share
    with_crew = mine.add(run.id, "group", "crew").share
    by_code = mine.add(run.id, "code", lasts_s=3600)
    assert by_code.code
    assert by_code.link == f"{place.url}/share#{by_code.code}"
    people["dan"].shares.redeem(by_code.code)
    dan = people["dan"].me().account.id
    revocations: dict[str, Callable[[], None]] = {
        "bob": lambda: mine.revoke(run.id, with_bob.id),
        "cyd": lambda: mine.shut_out(run.id, with_crew.id, "cyd"),
        "dan": lambda: mine.shut_out(run.id, by_code.share.id, dan),
    }
    owner = place.visitor("admin")
    assert owner.get(f"{place.url}/open/{run.id}?path=/uid").status == 200
    visitors = {name: place.visitor(name) for name in people}
    took: dict[str, float] = {}
    with ExitStack() as stack:
        sockets: dict[str, OpenSocket] = {}
        for name, visitor in visitors.items():
            assert [shared.id for shared in people[name].shares.with_me()] == [run.id]
            page = visitor.get(f"{place.url}/open/{run.id}?path=/uid")
            assert (page.status, page.url) == (200, f"{run.url}/uid")
            sockets[name] = stack.enter_context(OpenSocket(visitor, f"{run.url}"))
            sockets[name].say("hello")
        stays = stack.enter_context(OpenSocket(owner, f"{run.url}"))
        place.until(
            lambda: {it.name for it in mine.present(run.id) if it.left_at is None} == {"admin", *people},
            "everybody is seen to be in",
        )
        for name, revoke in revocations.items():
            revoke()
            took[name] = sockets.pop(name).seconds_until_closed(OUT_AT_LAST_S)
            assert visitors[name].get(f"{run.url}/uid").status == 401
            assert list(people[name].shares.with_me()) == []
            with pytest.raises(Refused):
                people[name].runs.access(run.id)
            for socket in (stays, *sockets.values()):
                socket.say(f"{name} is out")
        place.until(
            lambda: [it.name for it in mine.present(run.id) if it.left_at is None] == ["admin"],
            "everybody else is seen to be gone",
        )
    place.client.runs.delete(run.id)
    return took
