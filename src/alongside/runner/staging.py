"""Bringing datasets to a run: in place and read-only at their site, from the cache, or as a copy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from alongside.config import RunnerSettings
from alongside.runner import homes
from alongside.runner.copying import CopyStopped
from alongside.runner.downloads import Downloads
from alongside.runner.executors import CannotStart, Mount
from alongside.runner.homes import Places
from alongside.spec.runs import Mode
from alongside.spec.wire import DatasetMount, Source

#: (per cent or None, message)
Progress = Callable[[float | None, str], None]
Kind = Literal["file", "folder"]

#: a size is nice to know, and nobody waits for it longer than this
MEASURED_ENTRIES_MAX = 100_000
MEASURED_WITHIN_S = 1.0


@dataclass(frozen=True)
class Staged:
    """A dataset at its place; `detail` says what people should know about how it got there."""

    mount: Mount
    detail: str = ""
    #: the path or address that it was taken from, and what that has in bytes if nobody has stated it yet
    location: str = ""
    size_bytes: int | None = None
    #: what was brought to this place for it, by download or as a copy
    staged_bytes: int = 0


@dataclass(frozen=True)
class Found:
    path: Path
    kind: Kind
    source: Source
    fetched_bytes: int = 0


class Staging:
    def __init__(self, settings: RunnerSettings, downloads: Downloads, store: Path | None = None) -> None:
        """`store` holds what people saved as datasets of this site."""
        self.downloads = downloads
        self.roots = tuple(Path(root).expanduser().resolve() for root in settings.data_roots)
        self._open = self.roots if store is None else (*self.roots, store.resolve())

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
        found = await self.find(wanted, progress)
        size_bytes = None
        if found.source.size_bytes is None:
            size_bytes = await asyncio.to_thread(measured, found.path)
        staged_bytes = found.fetched_bytes
        mount, detail = Mount(wanted.dataset, wanted.name, found.kind, found.path), ""
        if places.data is None:
            detail = "tasks read their inputs in place" if mode == "copy" else ""
        elif mode == "mount":
            homes.seat(places.data, wanted.name, found.kind)
        else:
            await self._copy(found.path, places, wanted.name, progress)
            mount = replace(mount, source=places.data / wanted.name, mode="copy")
            detail = "a writable copy"
            staged_bytes += size_bytes or found.source.size_bytes or 0
        return Staged(mount, detail, found.source.path or found.source.url or "", size_bytes, staged_bytes)

    async def find(self, wanted: DatasetMount, progress: Progress) -> Found:
        """The first source that can be had."""
        failures: list[CannotStart] = []
        for source in wanted.sources:
            try:
                if source.path is not None:
                    return Found(*await asyncio.to_thread(self._in_place, source, source.path), source)
                if source.url is not None:
                    path, fetched = await self._download(source, source.url, wanted.name, progress)
                    return Found(path, "file", source, fetched)
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
        if not any(real.is_relative_to(root) for root in self._open):
            where = "" if real == given else f" (it leads to {real})"
            raise CannotStart(
                "data_missing",
                f"{path}{where} is not below a folder that this site opens (runner.data_roots)",
            )
        kind: Kind = "folder" if real.is_dir() else "file"
        if kind != source.kind:
            raise CannotStart("data_missing", f"{path} is registered as a {source.kind} but is a {kind}")
        return real, kind

    async def _download(self, source: Source, url: str, name: str, progress: Progress) -> tuple[Path, int]:
        """The file, and how much of it had to be fetched."""
        fetched = 0

        def told(done: int, total: int | None) -> None:
            nonlocal fetched
            fetched = max(fetched, done)
            total = total or source.size_bytes
            percent = 100.0 * done / total if total else None
            progress(percent, f"fetching {name}: {_bytes(done)}" + (f" of {_bytes(total)}" if total else ""))

        path = await self.downloads.fetch(url, source.sha256, told, source.size_bytes)
        return path, fetched

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
            with contextlib.suppress(CopyStopped, CannotStart):
                await work
            raise


def measured(path: Path, entries_max: int = MEASURED_ENTRIES_MAX) -> int | None:
    """Bytes of a file, or of the files in a folder; None for a folder that takes too long to walk through."""
    total, entries, until = 0, 0, time.monotonic() + MEASURED_WITHIN_S
    try:
        if not path.is_dir():
            return path.stat().st_size
        folders = [path]
        while folders:
            with os.scandir(folders.pop()) as inside:
                for entry in inside:
                    entries += 1
                    if entries > entries_max or time.monotonic() > until:
                        return None
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
    except OSError:
        return None
    return total


def _bytes(count: int | None) -> str:
    size = float(count or 0)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
