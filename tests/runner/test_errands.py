"""Errands at a runner: carried out once the hub asked, told until it heard, begun again after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from alongside import values
from alongside.runner.errands import AT_ONCE, ErrandFailed, Errands, Tell
from alongside.spec.wire import Errand, ErrandNews


class Speaking(Errands):
    def __init__(self, folder: Path, **handlers: Any) -> None:
        self.spoke = asyncio.Event()
        super().__init__(folder, handlers, self.spoke.set)

    async def ended(self, state: str, count: int = 1) -> list[ErrandNews]:
        async with asyncio.timeout(60):
            while len(found := [item for item in self.news() if item.state == state]) < count:
                self.spoke.clear()
                await self.spoke.wait()
        return found


async def test_an_errand_is_told_until_it_was_heard(tmp_path: Path) -> None:
    async def double(errand: Errand, tell: Tell) -> dict[str, Any]:
        tell(50, "half")
        return {"twice": errand.body["n"] * 2}

    at = Speaking(tmp_path, double=double)
    at.accept(Errand("e1", "double", {"n": 4}))
    at.accept(Errand("e1", "double", {"n": 4}))
    (end,) = await at.ended("complete")
    assert (end.answer, end.progress, end.message) == ({"twice": 8}, 100, "half")
    at.believe({"e1": end.number - 1})
    assert at.news() == (end,)
    at.believe({"e1": end.number})
    assert at.news() == ()
    assert list((tmp_path / "errands").iterdir()) == []


async def test_what_was_under_way_begins_again_and_what_had_ended_is_only_told(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def hang(errand: Errand, tell: Tell) -> dict[str, Any]:
        begun.set()
        await asyncio.Event().wait()
        return {}

    async def work(errand: Errand, tell: Tell) -> dict[str, Any]:
        return {"times": 2}

    first = Speaking(tmp_path, slow=hang, quick=work)
    first.accept(Errand("a", "slow", {}))
    first.accept(Errand("b", "quick", {}))
    await begun.wait()
    (ended,) = await first.ended("complete")
    (running,) = (item for item in first.news() if item.errand == "a")
    await first.let_go()

    second = Speaking(tmp_path, slow=work)
    second.resume()
    assert ended in second.news()
    (again,) = (item for item in await second.ended("complete", 2) if item.errand == "a")
    assert again.number > running.number
    assert again.answer == {"times": 2}


async def test_failures_are_told_in_words_and_few_are_done_at_once(tmp_path: Path) -> None:
    under_way, most, let = 0, 0, asyncio.Event()

    async def slow(errand: Errand, tell: Tell) -> dict[str, Any]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await let.wait()
        under_way -= 1
        return {}

    async def fail(errand: Errand, tell: Tell) -> dict[str, Any]:
        raise ErrandFailed("no_room", "there is no room for it")

    at = Speaking(tmp_path, slow=slow, fail=fail)
    for number in range(4):
        at.accept(Errand(f"s{number}", "slow", {}))
    at.accept(Errand("f", "fail", {}))
    at.accept(Errand("u", "unheard-of", {}))
    failed = await at.ended("executor_error", 2)
    assert {item.reason_code for item in failed} == {"no_room", "unknown_kind"}
    let.set()
    await at.ended("complete", 4)
    assert most == AT_ONCE


async def test_the_hub_asks_a_runner_and_hears_its_answer(lab: Any) -> None:
    async with lab.runner():
        await lab.hub.order("errand", values.dump(Errand("e9", "unheard-of", {})))
        news = await lab.hub.errand_ended("e9")
    assert (news.state, news.reason_code) == ("executor_error", "unknown_kind")
