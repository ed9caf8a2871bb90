"""Files at sites: homes, group folders, outputs of runs and datasets, and saving them as datasets."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alongside.client.answers import Drive, FileEntry, FileGrant, NewDrive, Saving
from alongside.client.errors import SavingFailed
from alongside.client.transport import Transport, loaded, segment

#: of an upload; a connection that breaks costs at most this much again
PIECE_BYTES = 8 << 20
PAGE = 500
POLL_S = 0.5


@dataclass(frozen=True)
class Place:
    """Which folder: `home` or `group` at a site, `outputs` of a run, or a `dataset`."""

    kind: str = "home"
    site: str | None = None
    group: str | None = None
    run: str | None = None
    dataset: str | None = None

    def body(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if value is not None}


class Files:
    def __init__(self, transport: Transport) -> None:
        self._hub = transport

    def open(self, place: Place = Place(), *, write: bool = True) -> Folder:
        """A folder to look and work in; outputs and datasets are only read, whatever is asked."""
        return Folder(self._hub, place, write)

    def save(self, place: Place, path: str = "", **more: Any) -> Saving:
        """Begin to save a file or folder as a dataset; `more`: title, description, tags, identifier, …."""
        body = {"folder": place.body(), "path": path, **more}
        return loaded(Saving, self._hub.post("/datasets/save", body))

    def saving(self, id: str) -> Saving:
        return loaded(Saving, self._hub.get(f"/datasets/save/{segment(id)}"))

    def cancel_saving(self, id: str) -> Saving:
        return loaded(Saving, self._hub.call("DELETE", f"/datasets/save/{segment(id)}"))

    def wait_saved(
        self, id: str, *, timeout_s: float | None = None, told: Callable[[Saving], None] | None = None
    ) -> Saving:
        """
        Raises:
            SavingFailed: nothing was kept; says why.
            TimeoutError
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            found = self.saving(id)
            if told:
                told(found)
            if found.state == "complete":
                return found
            if found.state not in ("queued", "running"):
                raise SavingFailed(found.reason or f"the saving ended as {found.state}")
            if until is not None and time.monotonic() > until:
                raise TimeoutError(f"{found.title} is still being saved")
            time.sleep(POLL_S)

    def drives(self) -> list[Drive]:
        """Your WebDAV addresses."""
        return [loaded(Drive, item) for item in self._hub.get("/files/drives")["items"]]

    def open_drive(
        self, place: Place = Place(), *, name: str = "Drive", days: int = 30, write: bool = True
    ) -> NewDrive:
        """A WebDAV address; its password is in this answer alone."""
        body = {**place.body(), "name": name, "days": days, "write": write}
        return loaded(NewDrive, self._hub.post("/files/drives", body))

    def close_drive(self, id: str) -> None:
        self._hub.call("DELETE", f"/files/drives/{segment(id)}")


class Folder:
    """A folder at a site. Its grant is asked for again when it ends."""

    def __init__(self, transport: Transport, place: Place, write: bool) -> None:
        self._hub = transport
        self._place = place
        self._write = write
        self._grant: FileGrant | None = None

    def list(self, path: str = "") -> Iterator[FileEntry]:
        """Folders first, then by name."""
        after: int | None = 0
        while after is not None:
            page = self._ask("GET", "list", path=path, after=after, limit=PAGE)
            yield from (loaded(FileEntry, item) for item in page["items"])
            after = page["next"]

    def facts(self, path: str) -> FileEntry:
        return loaded(FileEntry, self._ask("GET", "facts", path=path))

    def read(self, path: str) -> Iterator[bytes]:
        return self._hub.stream(self._address("content"), headers=self._headers(), path=path)

    def get(self, path: str, target: Path) -> Path:
        """Download a file."""
        part = target.with_name(target.name + ".part")
        with part.open("wb") as file:
            for piece in self.read(path):
                file.write(piece)
        return part.replace(target)

    def put(
        self, source: Path, path: str, *, overwrite: bool = False, told: Callable[[int], None] | None = None
    ) -> FileEntry:
        """Upload a file; one that broke off goes on where it was, as long as the file is the same."""
        size, upload = source.stat().st_size, _upload(source)
        query = {"path": path, "upload": upload, "overwrite": overwrite}
        have = self._ask("GET", "upload", path=path, upload=upload)["offset"] if size > PIECE_BYTES else 0
        with source.open("rb") as file:
            while True:
                file.seek(have)
                piece = file.read(PIECE_BYTES)
                span = {"Content-Range": f"bytes {have}-{have + len(piece) - 1}/{size}"} if piece else {}
                answer = self._ask("PUT", "content", content=piece, headers=span, **query)
                have = answer["offset"]
                if told:
                    told(have)
                if answer["complete"]:
                    return loaded(FileEntry, answer["entry"])

    def make_folder(self, path: str) -> FileEntry:
        return loaded(FileEntry, self._ask("POST", "folder", {"path": path}))

    def move(self, path: str, to: str, *, overwrite: bool = False) -> FileEntry:
        body = {"path": path, "to": to, "overwrite": overwrite}
        return loaded(FileEntry, self._ask("POST", "move", body))

    def delete(self, *paths: str) -> str:
        """Into the trash, where things are kept for a week; answers what `restore` takes."""
        return self._ask("POST", "delete", {"paths": list(paths)})["trash"]

    def restore(self, trash: str) -> list[str]:
        return self._ask("POST", "restore", {"trash": trash})["paths"]

    def _ask(
        self,
        method: str,
        door: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Any:
        sent = {**self._headers(), **(headers or {})}
        given = body if content is None else content
        return self._hub.call(method, self._address(door), body=given, query=query, headers=sent)

    def _headers(self) -> dict[str, str]:
        grant = self._grant
        if grant is None or grant.expires_at < datetime.now(UTC) + timedelta(seconds=60):
            wanted = {**self._place.body(), "write": self._write}
            grant = self._grant = loaded(FileGrant, self._hub.post("/files/grants", wanted))
        return {"Authorization": f"Bearer {grant.token}"}

    def _address(self, door: str) -> str:
        self._headers()
        assert self._grant is not None, "it was just asked for"
        return f"{self._grant.url}/files/v1/{door}"


def _upload(source: Path) -> str:
    """The same for the same state of the same file."""
    found = source.stat()
    text = f"{source.resolve()}\n{found.st_size}\n{found.st_mtime_ns}\n{os.getuid()}"
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]
