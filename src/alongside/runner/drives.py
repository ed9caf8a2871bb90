"""Errand `drive`: the site's edge learns of a WebDAV drive, or forgets one."""

from __future__ import annotations

import asyncio
from typing import Any

from alongside.errors import Unavailable
from alongside.runner.edge_client import EdgeClient
from alongside.runner.errands import Tell
from alongside.spec.wire import Errand

AGAIN_S = 1.0


class DriveKeys:
    def __init__(self, edge: EdgeClient) -> None:
        self._edge = edge

    async def carry(self, errand: Errand, _tell: Tell) -> dict[str, Any]:
        """{drive: Drive} or {remove: its id}; waits for an edge that is away."""
        while True:
            try:
                if "remove" in errand.body:
                    await self._edge.remove_drive(errand.body["remove"])
                else:
                    await self._edge.put_drive(errand.body["drive"])
                return {}
            except Unavailable:
                await asyncio.sleep(AGAIN_S)
