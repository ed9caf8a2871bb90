"""The runner protocol over real sockets: what is cut off, said twice, or too old changes nothing."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest
from yarl import URL

from support.dispatchers import LiveRunner, Refused
from support.houses import House


@pytest.fixture
async def runner(house: House, url: str, http: aiohttp.ClientSession) -> LiveRunner:
    live = LiveRunner(house.join("lab", "r1"), url, http)
    await live.session()
    await live.sync()
    return live


async def test_a_wait_ends_as_soon_as_there_is_something_to_take(house: House, runner: LiveRunner) -> None:
    parked = asyncio.create_task(runner.wait(0))
    await asyncio.sleep(0.1)
    asked = time.monotonic()
    run = await asyncio.to_thread(house.request, "count")
    assert await parked == 1
    assert time.monotonic() - asked < 0.4
    await runner.sync()
    assert list(runner.double.held) == [(run.id, 1)]


async def test_a_wait_with_nothing_to_take_ends_after_its_time(runner: LiveRunner) -> None:
    begun = time.monotonic()
    assert await runner.wait(0) == 0
    assert 0.4 < time.monotonic() - begun < 2


async def test_a_wait_abandoned_in_the_middle_of_an_assignment_loses_nothing(
    house: House, runner: LiveRunner
) -> None:
    parked = asyncio.create_task(runner.wait(0))
    await asyncio.sleep(0.1)
    asking = asyncio.create_task(asyncio.to_thread(house.request, "count"))
    await asyncio.sleep(0.005)
    parked.cancel()
    run = await asking
    assert await runner.wait(0) == 1
    await runner.sync(deliver=False)
    await runner.sync()
    assert list(runner.double.held) == [(run.id, 1)]
    runner.double.start(run.id)
    runner.double.finish(run.id, exit_code=0)
    await runner.sync()
    assert [item.kind for item in runner.double.heard] == ["assign"]
    assert (house.run(run.id).state, house.run(run.id).attempt) == ("complete", 1)


async def test_reports_sent_twice_and_in_the_wrong_order_count_once(house: House, runner: LiveRunner) -> None:
    run = await asyncio.to_thread(house.request, "count")
    await runner.wait(0)
    await runner.sync()
    runner.double.start(run.id)
    runner.double.report(run.id, "progress", progress=50.0, message="half")
    runner.double.finish(run.id, exit_code=0)
    runner.double.spool.reverse()
    runner.double.spool *= 2
    first = await runner.sync(deliver=False)
    second = await runner.sync()
    assert [item.accepted for item in first.reports] == [True] * 6
    assert [item.accepted for item in second.reports] == [True] * 6
    assert house.run(run.id).state == "complete"


async def test_a_report_for_somebody_elses_attempt_is_refused(
    house: House, runner: LiveRunner, url: str, http: aiohttp.ClientSession
) -> None:
    run = await asyncio.to_thread(house.request, "count")
    await runner.wait(0)
    await runner.sync()
    other = LiveRunner(house.join("lab", "r2"), url, http)
    await other.session()
    other.double.held = dict(runner.double.held)
    other.double.finish(run.id, exit_code=0)
    answer = await other.sync(deliver=False)
    assert [(item.accepted, item.reason) for item in answer.reports] == [
        (False, "the attempt belongs to another runner")
    ]
    assert [item.verdict for item in answer.verdicts] == ["kill"]
    assert house.run(run.id).state == "initializing"


async def test_an_older_session_is_refused_with_409(runner: LiveRunner) -> None:
    old = runner.double.epoch
    await runner.session()
    runner.double.epoch = old
    with pytest.raises(Refused) as caught:
        await runner.sync()
    assert (caught.value.status, caught.value.code) == (409, "epoch_stale")


async def test_who_is_not_the_runner_hears_nothing(
    house: House, runner: LiveRunner, http: aiohttp.ClientSession
) -> None:
    for what in ("sync", "session", "wait"):
        call = http.get if what == "wait" else http.post
        address = f"{runner.url}/live/v1/runners/{runner.double.id}/{what}"
        body = (
            {}
            if what == "wait"
            else {
                "data": b'{"epoch": 1, "offer": {"labels": [], "executors": [], '
                b'"capacity": {"cpus": 1, "memory_gb": 1}}}'
            }
        )
        async with call(address, headers={"Authorization": "Bearer aln_guessed"}, **body) as response:
            assert response.status == 401
            assert response.content_type == "application/problem+json"


async def test_a_sync_that_is_none_names_its_faults(runner: LiveRunner, http: aiohttp.ClientSession) -> None:
    headers = {"Authorization": f"Bearer {runner.double.joined.token}"}
    address = f"{runner.url}/live/v1/runners/{runner.double.id}/sync"
    async with http.post(address, data=b'{"epoch": "x"}', headers=headers) as response:
        document = await response.json()
        assert response.status == 422
        assert {fault["field"] for fault in document["faults"]} == {"epoch", "offer"}


async def test_many_runners_share_commits_and_all_get_their_answers(
    house: House, url: str, http: aiohttp.ClientSession
) -> None:
    runners = [LiveRunner(house.join("lab", f"m{index}", cpus=1), url, http) for index in range(20)]
    wanted = {(await asyncio.to_thread(house.request, "count", who="admin")).id for _ in range(10)}
    await asyncio.gather(*(live.session() for live in runners))
    for _ in range(3):
        await asyncio.gather(*(live.sync() for live in runners))
    held = [run for live in runners for run, _ in live.double.held]
    assert sorted(held) == sorted(wanted)


async def test_a_log_is_taken_by_offset(house: House, runner: LiveRunner) -> None:
    run = await asyncio.to_thread(house.request, "count")
    await runner.wait(0)
    await runner.sync()
    assert await runner.put(run.id, "log?offset=0", b"one\ntwo\n") == {"size": 8}
    assert await runner.put(run.id, "log?offset=4", b"two\nthree\n") == {"size": 14}
    with pytest.raises(Refused) as caught:
        await runner.put(run.id, "log?offset=99", b"lost\n")
    assert caught.value.status == 409
    with pytest.raises(Refused) as caught:
        await runner.put(run.id, "log?offset=14", b"forged\n", token="ala_1.x")
    assert caught.value.status == 401
    stored = house.hub.config.data_dir / "logs" / run.id / "1"
    assert b"".join(path.read_bytes() for path in sorted(stored.iterdir())) == b"one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("path", "status", "copies"), [("a/map.png", 204, 1), ("%2e%2e/x", 422, 0), ("a/../../x", 422, 0)]
)
async def test_a_small_artifact_is_copied_and_a_path_that_leads_out_is_not(
    house: House, runner: LiveRunner, http: aiohttp.ClientSession, path: str, status: int, copies: int
) -> None:
    run = await asyncio.to_thread(house.request, "count")
    await runner.wait(0)
    await runner.sync()
    token = runner.double.held[run.id, 1].assignment.token
    # As typed: a client would resolve the dots itself.
    address = URL(f"{runner.url}/live/v1/attempts/{run.id}/1/artifacts/{path}", encoded=True)
    async with http.put(address, data=b"x", headers={"Authorization": f"Bearer {token}"}) as response:
        assert response.status == status
    kept = [item for item in (house.hub.config.data_dir / "blobs").rglob("*") if item.is_file()]
    assert len(kept) == copies


async def test_an_artifact_that_is_not_small_stays_at_the_site(house: House, runner: LiveRunner) -> None:
    run = await asyncio.to_thread(house.request, "count")
    await runner.wait(0)
    await runner.sync()
    with pytest.raises(Refused) as caught:
        await runner.put(run.id, "artifacts/big.bin", bytes(1_000_000))
    assert caught.value.status == 413


async def test_a_runner_is_told_how_much_it_may_fetch_without_a_stated_size(
    house: House, url: str, http: aiohttp.ClientSession
) -> None:
    session = await LiveRunner(house.join("lab", "r9"), url, http).session()
    assert session.stage_max_bytes == house.hub.config.dispatcher.stage_max_bytes
