"""Many people who launch a tool at nearly the same time: each with an account and a token of their own."""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp

from alongside.hub.store.database import Database
from alongside.hub.store.keys import new_id
from alongside.hub.store.schema import group_members, groups
from support import people
from support.installation import Installation

#: accounts that one transaction makes
AT_ONCE = 50


@dataclass
class Launched:
    """What one person saw: seconds since the first of the crowd asked."""

    person: str
    run: str = ""
    asked: float = 0.0
    answered: float = 0.0
    ready: float | None = None
    trouble: str = ""
    #: what they were told on the way
    told: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Crowd:
    """People of one group, by their tokens."""

    group: str
    id: str
    tokens: dict[str, str]


def gathered(place: Installation, count: int, group: str = "class") -> Crowd:
    """So many people in a group. Straight into the tables: that is not what is measured."""
    database, tokens = Database(place.config.database_url), dict[str, str]()
    try:
        group_id = ""
        for begin in range(0, count, AT_ONCE):
            now = datetime.now(UTC)
            with database.write() as tx:
                if not group_id:
                    group_id = new_id(now)
                    tx.execute(groups.insert().values(id=group_id, name=group, created_at=now))
                for number in range(begin, min(begin + AT_ONCE, count)):
                    who = people.person(tx, now, f"{group}-{number}")
                    tokens[who.account.name] = people.token_of(tx, who, now)
                    tx.execute(group_members.insert().values(group_id=group_id, account_id=who.account.id))
    finally:
        database.close()
    return Crowd(group, group_id, tokens)


async def launching(
    place: Installation, crowd: Crowd, tool: str, *, over_s: float, within_s: float, **wish: str
) -> list[Launched]:
    """Everybody asks once, at some moment of the first `over_s`, and follows until it is ready."""
    begun = time.monotonic()
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=within_s)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:

        async def one(name: str, token: str) -> Launched:
            await asyncio.sleep(random.random() * over_s)
            seen = Launched(name, asked=time.monotonic() - begun)
            headers = {"Authorization": f"Bearer {token}"}
            try:
                async with asyncio.timeout(begun + within_s - time.monotonic()):
                    async with http.post(
                        f"{place.url}/api/v1/runs", json={"tool": tool, **wish}, headers=headers
                    ) as answer:
                        run = await answer.json()
                        if answer.status != 201:
                            raise RuntimeError(f"{answer.status}: {run}")
                    seen.run, seen.answered = run["id"], time.monotonic() - begun
                    while seen.ready is None:
                        await _follow(http, place, headers, seen, begun)
            except (TimeoutError, RuntimeError, aiohttp.ClientError) as error:
                seen.trouble = f"{type(error).__name__} {error}".strip()
            return seen

        return list(await asyncio.gather(*(one(*who) for who in crowd.tokens.items())))


async def _follow(
    http: aiohttp.ClientSession, place: Installation, headers: dict[str, str], seen: Launched, begun: float
) -> None:
    """One stream of progress to its end; it is asked for again if it ended early."""
    async with http.get(f"{place.url}/live/v1/runs/{seen.run}/progress", headers=headers) as stream:
        async for line in stream.content:
            if not line.startswith(b"data: "):
                continue
            step = json.loads(line.removeprefix(b"data: "))
            seen.told.append(step["message"])
            if step.get("failed"):
                raise RuntimeError(step["message"])
            if step.get("ready"):
                seen.ready = time.monotonic() - begun
                return
    await asyncio.sleep(0.1)
