"""Save as dataset: a folder of a home or an output, copied into the site's own store and sealed there.

datasets/<id>/<name>        what was saved: read-only, the runner's, seen by tools through mounts alone
datasets/<id>/SHA256SUMS    as `sha256sum -c` reads it; written last but for the name of the folder
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alongside.runner.copying import Copier, CopyStopped
from alongside.runner.disk import is_full, read_json
from alongside.runner.errands import ErrandFailed, Tell
from alongside.runner.seeing import Eyes
from alongside.runner.staging import measured
from alongside.spec.files import PARTIAL
from alongside.spec.wire import Errand

STORE = "datasets"
SUMS = "SHA256SUMS"


@dataclass
class _Work:
    stop: threading.Event = field(default_factory=threading.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Sealing:
    def __init__(self, work_dir: Path) -> None:
        self._work_dir = work_dir
        self._store = work_dir / STORE
        self._store.mkdir(mode=0o700, exist_ok=True)
        self._under_way: dict[str, _Work] = {}

    async def seal(self, errand: Errand, tell: Tell) -> dict[str, Any]:
        """Errand `seal`: {dataset, folder: {kind, name}, path} → {path, kind, files, size_bytes, sha256}."""
        key = _plain(errand.body["dataset"])
        work = self._under_way.setdefault(key, _Work())
        loop = asyncio.get_running_loop()

        def told(percent: float, message: str) -> None:
            loop.call_soon_threadsafe(tell, percent, message)

        copying = asyncio.ensure_future(asyncio.to_thread(self._seal, errand, key, work, told))
        try:
            return await asyncio.shield(copying)
        except asyncio.CancelledError:
            work.stop.set()
            with contextlib.suppress(Exception):
                await copying
            raise
        finally:
            self._under_way.pop(key, None)
            work.over.set()

    async def unseal(self, errand: Errand, _tell: Tell) -> dict[str, Any]:
        """Errand `unseal`: {dataset}: stop saving it, and take away what was saved."""
        key = _plain(errand.body["dataset"])
        if work := self._under_way.get(key):
            work.stop.set()
            await work.over.wait()
        await asyncio.to_thread(_remove, self._store / key)
        return {}

    def _seal(
        self, errand: Errand, key: str, work: _Work, tell: Callable[[float, str], None]
    ) -> dict[str, Any]:
        base, parts, eyes = self._source(errand)
        source = base.joinpath(*parts)
        final, partial = self._store / key, self._store / f".{key}.part"
        if not final.exists():
            _remove(partial)
            try:
                self._copy(base, parts, eyes, partial, work, tell)
                partial.rename(final)
            except CopyStopped:
                _remove(partial)
                raise ErrandFailed("canceled_by_owner", "the saving was canceled") from None
            except ErrandFailed:
                _remove(partial)
                raise
            except OSError as error:
                _remove(partial)
                if is_full(error):
                    raise
                reason = f"{source.name} cannot be copied: {error.strerror}"
                raise ErrandFailed("data_missing", reason) from None
        return _described(final, source.name)

    def _source(self, errand: Errand) -> tuple[Path, list[str], Eyes]:
        """The folder, the way from there, and who has to be allowed to read what is at its end."""
        folder, path = errand.body["folder"], errand.body["path"]
        parts = path.split("/") if path else []
        if any(part in ("", ".", "..") for part in parts):
            raise ErrandFailed("data_missing", f"{path!r} is no path in a folder")
        base, eyes = self._base(errand, folder["kind"], folder["name"])
        if base is None or not base.is_dir():
            raise ErrandFailed("data_missing", "the folder is not at this site (any more)")
        return base.resolve(), parts, eyes

    def _base(self, errand: Errand, kind: str, name: str) -> tuple[Path | None, Eyes]:
        if kind == "outputs":
            run, _, attempt = name.partition("/")
            return self._work_dir / "outputs" / _plain(run) / _plain(attempt), Eyes()
        book: dict[str, Any] = read_json(self._work_dir / "identities.json") or {}
        who = book.get(errand.owner.account) if errand.owner else None
        if who is None:
            return None, Eyes()
        eyes = Eyes(who["uid"], who["gid"], who["groups"])
        if kind == "home":
            return Path(who["home"]), eyes
        shared = [item["path"] for item in who["folders"] if item["group"] == name]
        return Path(shared[0]) if kind == "group" and shared else None, eyes

    def _copy(
        self,
        base: Path,
        parts: list[str],
        eyes: Eyes,
        partial: Path,
        work: _Work,
        tell: Callable[[float, str], None],
    ) -> None:
        """Copied first, which shares blocks where the disk can; then hashed, when nobody can change it."""
        source = base.joinpath(*parts)
        total = max(1, measured(source) or 1)
        partial.mkdir(mode=0o700)
        target = partial / source.name

        def copied(done: int) -> None:
            tell(min(50.0, 50.0 * done / total), f"copying {source.name}")

        Copier(os.getuid(), os.getgid(), copied, work.stop, eyes).copy_below(base, parts, target)
        if not os.path.lexists(target) or target.is_symlink():
            raise ErrandFailed("data_missing", f"{source.name} is neither a file nor a folder")
        lines: list[str] = []
        done = 0
        for file in sorted(_files(target)):
            if work.stop.is_set():
                raise CopyStopped
            with file.open("rb") as opened:
                lines.append(
                    f"{hashlib.file_digest(opened, 'sha256').hexdigest()}  {_shown(file, partial)}\n"
                )
                done += opened.tell()
            file.chmod(0o444)
            tell(min(99.0, 50.0 + 50.0 * done / total), f"checksums of {source.name}")
        _close(target)
        with (partial / SUMS).open("w") as sums:
            sums.writelines(lines)
            sums.flush()
            os.fsync(sums.fileno())
        partial.chmod(0o755)


def _files(target: Path) -> Iterator[Path]:
    """Regular files; what an unfinished upload left is taken away."""
    if target.is_file():
        yield target
        return
    for folder, _, names in os.walk(target):
        for name in names:
            path = Path(folder, name)
            if name.startswith(PARTIAL):
                path.unlink()
            elif stat.S_ISREG(path.lstat().st_mode):
                yield path


def _close(target: Path) -> None:
    if target.is_dir():
        for folder, _, _ in os.walk(target, topdown=False):
            Path(folder).chmod(0o555)


def _described(final: Path, name: str) -> dict[str, Any]:
    """From what lies there, so an errand that is done again says the same."""
    target, sums = final / name, (final / SUMS).read_bytes()
    single = target.is_file()
    return {
        "path": str(target),
        "kind": "file" if single else "folder",
        "files": sums.count(b"\n"),
        "size_bytes": sum(file.lstat().st_size for file in _files(target)),
        "sha256": sums[:64].decode() if single else hashlib.sha256(sums).hexdigest(),
    }


def _shown(file: Path, base: Path) -> str:
    """A line per file, whatever its name is: as sha256sum escapes it."""
    text = str(file.relative_to(base)).encode(errors="replace").decode()
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _remove(path: Path) -> None:
    if not path.exists():
        return
    for folder, _, _ in os.walk(path):
        Path(folder).chmod(0o700)
    shutil.rmtree(path)


def _plain(name: str) -> str:
    if not name.isalnum() or len(name) > 64:
        raise ErrandFailed("internal", f"{name!r} is not an id")
    return name
