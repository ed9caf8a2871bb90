"""Bringing datasets to a run: in place and read-only at their site, from the cache, or as a copy."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alongside.config import RunnerSettings
from alongside.runner import homes
from alongside.runner.downloads import Downloads
from alongside.runner.executors import CannotStart, Mount
from alongside.runner.homes import Places
from alongside.spec.runs import Mode
from alongside.spec.wire import DatasetMount, Source

#: (per cent or None, message)
Progress = Callable[[float | None, str], None]
Kind = Literal["file", "folder"]


@dataclass(frozen=True)
class Staged:
    """A dataset at its place; `detail` says what people should know about how it got there."""

    mount: Mount
    detail: str = ""


class Staging:
    def __init__(self, settings: RunnerSettings, downloads: Downloads) -> None:
        self.downloads = downloads
        self.roots = tuple(Path(root).expanduser().resolve() for root in settings.data_roots)

    async def stage(
        self, wanted: DatasetMount, places: Places, progress: Progress, mode: Mode | None = None
    ) -> Staged:
        """Find a dataset's bytes, and seat or copy them in the data folder of an interactive run.

        Raises:
            CannotStart: data_missing, download_failed, checksum_mismatch, disk_full.
        """
        homes.checked_name(wanted.name)
        mode = mode or wanted.mode
        if mode == "copy" and places.data and homes.copied(places.data, wanted.name):
            kind: Kind = "folder" if (places.data / wanted.name).is_dir() else "file"
            kept = Mount(wanted.dataset, wanted.name, kind, places.data / wanted.name, "copy")
            return Staged(kept, "the copy made before, with its changes")
        path, kind = await self.find(wanted, progress)
        if places.data is None:
            detail = "tasks read their inputs in place" if mode == "copy" else ""
            return Staged(Mount(wanted.dataset, wanted.name, kind, path), detail)
        if mode == "mount":
            homes.seat(places.data, wanted.name, kind)
            return Staged(Mount(wanted.dataset, wanted.name, kind, path))
        await self._copy(path, places, wanted.name, progress)
        return Staged(
            Mount(wanted.dataset, wanted.name, kind, places.data / wanted.name, "copy"), "a writable copy"
        )

    async def find(self, wanted: DatasetMount, progress: Progress) -> tuple[Path, Kind]:
        """The first source that can be had, as (path, kind)."""
        failures: list[CannotStart] = []
        for source in wanted.sources:
            try:
                if source.path is not None:
                    return await asyncio.to_thread(self._in_place, source, source.path)
                if source.url is not None:
                    return await self._download(source, source.url, wanted.name, progress), "file"
            except CannotStart as failure:
                failures.append(failure)
        if not failures:
            raise CannotStart("data_missing", f"{wanted.name} has no location that this site can use")
        reasons = "; ".join(failure.reason for failure in failures)
        raise CannotStart(failures[-1].reason_code, reasons)

    def _in_place(self, source: Source, path: str) -> tuple[Path, Kind]:
        given = Path(path)
        if not given.is_absolute():
            raise CannotStart("data_missing", f"{path} is not an absolute path")
        try:
            real = given.resolve(strict=True)
        except (OSError, RuntimeError):
            raise CannotStart("data_missing", f"there is no {source.kind} {path} at this site") from None
        if not any(real.is_relative_to(root) for root in self.roots):
            where = "" if real == given else f" (it leads to {real})"
            raise CannotStart(
                "data_missing",
                f"{path}{where} is not below a folder that this site opens (runner.data_roots)",
            )
        kind: Kind = "folder" if real.is_dir() else "file"
        if kind != source.kind:
            raise CannotStart("data_missing", f"{path} is registered as a {source.kind} but is a {kind}")
        return real, kind

    async def _download(self, source: Source, url: str, name: str, progress: Progress) -> Path:
        def told(done: int, total: int | None) -> None:
            total = total or source.size_bytes
            percent = 100.0 * done / total if total else None
            progress(percent, f"fetching {name}: {_bytes(done)}" + (f" of {_bytes(total)}" if total else ""))

        return await self.downloads.fetch(url, source.sha256, told)

    async def _copy(self, path: Path, places: Places, name: str, progress: Progress) -> None:
        total = await asyncio.to_thread(homes.size, path)
        stop = threading.Event()
        loop = asyncio.get_running_loop()

        def told(done: int) -> None:
            percent = 100.0 * done / total if total else None
            message = f"copying {name}: {_bytes(done)} of {_bytes(total)}"
            loop.call_soon_threadsafe(progress, percent, message)

        work = asyncio.ensure_future(asyncio.to_thread(homes.copy, path, places, name, told, stop))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            with contextlib.suppress(homes.CopyStopped, CannotStart):
                await work
            raise


def _bytes(count: int | None) -> str:
    size = float(count or 0)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
