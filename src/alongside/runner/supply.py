"""The datasets of one attempt: staged before it starts, attached and detached while it runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from alongside.runner import homes
from alongside.runner.executors import CannotMount, CannotStart, Mount
from alongside.runner.held import Held
from alongside.runner.staging import Staged
from alongside.spec.wire import DatasetMount


class Supply:
    def __init__(self, held: Held) -> None:
        self.held = held
        self.record = held.record
        self._mounting = asyncio.Lock()

    async def stage(self, *, again: bool = False, forgiving: bool = False) -> list[Mount]:
        """All datasets of the attempt; those of one that goes on are not reported again.

        A running tool does not end because a dataset that it has open cannot be found any more.
        """
        held = self.held
        mounts: list[Mount] = []
        places = held.places()
        datasets = list(self._datasets().values())
        for number, wanted in enumerate(datasets):

            def told(percent: float | None, message: str, number: int = number) -> None:
                whole = None if percent is None else 50 * (number + percent / 100) / len(datasets)
                held.progress(whole, message)

            mode = None
            if not (await held.executor.status()).can_mount and held.interactive:
                mode = "copy"
            try:
                staged = await held.around.staging.stage(wanted, places, told, mode)
            except CannotStart as failure:
                if not forgiving:
                    raise
                held.dataset(wanted.name, "failed", wanted.mode, failure.reason)
                continue
            mounts.append(staged.mount)
            if not again:
                status = "mounted" if staged.mount.mode == "mount" else "copied"
                held.dataset(wanted.name, status, staged.mount.mode, staged.detail, staged)
        return mounts

    async def attach(self, wanted: DatasetMount, action: str) -> None:
        """Bring a dataset into the running tool, mounted or else copied, and report how it went."""
        held = self.held
        async with self._mounting:
            try:
                staged = await self._attached(wanted)
            except CannotStart as failure:
                held.dataset(wanted.name, "failed", wanted.mode, failure.reason)
                held.action(action, False, failure.reason)
                return
            mode = staged.mount.mode
            status = "mounted" if mode == "mount" else "copied"
            held.dataset(wanted.name, status, mode, staged.detail, staged)
            held.action(action, True, staged.detail)

    async def detach(self, name: str, action: str) -> None:
        async with self._mounting:
            try:
                await self._detached(name)
            except (CannotMount, CannotStart) as failure:
                self.held.action(action, False, str(failure))
                return
            self.held.dataset(name, "detached", "mount", "")
            self.held.action(action, True, "")

    def _datasets(self) -> dict[str, DatasetMount]:
        every = {item.name: item for item in (*self.held.assignment.datasets, *self.record.attached)}
        return {name: item for name, item in every.items() if name not in self.record.detached}

    async def _attached(self, wanted: DatasetMount) -> Staged:
        held = self.held
        places, staging = held.places(), held.around.staging
        running = self.record.handle if held.job else None
        if wanted.mode == "mount" and running and held.job:
            staged = await staging.stage(wanted, places, held.progress)
            try:
                await held.executor.attach(running, held.job, staged.mount)
            except CannotMount as refusal:
                # the seat is empty and makes room for the copy
                staged = await staging.stage(wanted, places, held.progress, "copy")
                detail = f"copied, because it cannot be mounted while the tool runs: {refusal}"
                self.record.attach(replace(wanted, mode="copy"))
                return replace(staged, detail=detail)
        else:
            staged = await staging.stage(wanted, places, held.progress)
        self.record.attach(wanted)
        return staged

    async def _detached(self, name: str) -> None:
        held = self.held
        places = held.places()
        homes.checked_name(name)
        if self.record.handle and held.job:
            await held.executor.detach(self.record.handle, held.job, name)
        self.record.detach(name)
        if places.data:
            await asyncio.to_thread(homes.unseat, places.data, name)
