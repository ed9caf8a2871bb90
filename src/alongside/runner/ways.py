"""The ways to interactive tools: this runner's routes at its site's edge, kept as they should be."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from alongside.errors import Problem, Unavailable
from alongside.runner.edge_client import EdgeClient

log = structlog.get_logger()

TEND_S = 3.0


@dataclass(frozen=True)
class Way:
    endpoint: str
    open_path: str


class EdgeWays:
    """Opens and closes routes, again after an edge came back, and notes what goes over them."""

    def __init__(self, edge: EdgeClient) -> None:
        self.edge = edge
        self.public_keys: list[str] = []
        #: where this runner's folders lie, for the site's file server: {runner, work_dir, data_roots}
        self.work: dict[str, Any] | None = None
        #: per run, as the hub wants it in a sync
        self.activity: dict[str, dict[str, Any]] = {}
        self._open: dict[str, Way] = {}
        self._closing: dict[str, bool] = {}
        self._trees: dict[str, Path] = {}
        self._known = False
        # mending compares what is there with what should be: neither may change in between
        self._turn = asyncio.Lock()

    async def open(self, run: str, endpoint: str, open_path: str) -> None:
        async with self._turn:
            await self._introduce()
            self._closing.pop(run, None)
            await self.edge.publish(run, endpoint, open_path)
            self._open[run] = Way(endpoint, open_path)

    async def close(self, run: str, *, keep_secrets: bool) -> None:
        """Close a way; if the edge is away now, as soon as it is back."""
        async with self._turn:
            await self._close(run, keep_secrets)

    async def serve_tree(self, name: str, path: Path) -> None:
        """Let the site's file server show a folder; if the edge is away now, as soon as it is back."""
        async with self._turn:
            await self._serve_tree(name, path)

    async def forget(self, run: str, trees: list[str]) -> None:
        """Nobody gets to a run or to its files any more, not even if it had a way yesterday."""
        async with self._turn:
            for name in trees:
                self._trees.pop(name, None)
                await self.edge.remove_tree(name)
            await self._close(run, keep_secrets=False)

    async def revoke(self, run: str, grantee: str | None) -> None:
        await self.edge.revoke(run, grantee)

    def is_open(self, run: str) -> bool:
        return run in self._open

    def trust(self, public_key: str) -> None:
        self.public_keys = [public_key]
        self._known = False

    async def tend(self) -> None:
        """Forever: what should be open is, what should be closed is not."""
        while True:
            try:
                async with self._turn:
                    await self._introduce()
                    await self._mend()
                self.activity = {
                    run: seen for run, seen in (await self.edge.activity()).items() if run in self._open
                }
            except Unavailable:
                self._known = False
                self.activity = {}
            except Problem as error:
                log.warning("the edge refuses", reason=error.detail)
            await asyncio.sleep(TEND_S)

    async def _introduce(self) -> None:
        if not self._known and self.public_keys:
            await self.edge.trust(self.public_keys)
            if self.work:
                await self.edge.put_work(self.work)
            self._known = True

    async def _mend(self) -> None:
        there = await self.edge.routes()
        for run, way in list(self._open.items()):
            route = there.get(run)
            if route is None or route.get("address") != way.endpoint:
                await self.edge.publish(run, way.endpoint, way.open_path)
        for run, keep_secrets in list(self._closing.items()):
            await self._close(run, keep_secrets)
        for name, path in list(self._trees.items()):
            with contextlib.suppress(Problem):
                await self._serve_tree(name, path)

    async def _serve_tree(self, name: str, path: Path) -> None:
        self._trees[name] = path
        # Links to the folder are signed by the hub: without its key the edge would refuse them.
        await self._introduce()
        await self.edge.serve_tree(name, path)
        self._trees.pop(name, None)

    async def _close(self, run: str, keep_secrets: bool) -> None:
        self._open.pop(run, None)
        self._closing[run] = keep_secrets
        await self.edge.withdraw(run, keep_secrets=keep_secrets)
        self._closing.pop(run, None)
