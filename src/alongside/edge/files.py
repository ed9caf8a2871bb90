"""The site's file server: what the hub signed may be read from, or written to, a registered folder.

Tools write into these folders, so every step of a path is opened without following links: a link to
/etc/shadow in an output folder leads nowhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import mimetypes
import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from alongside.edge import replies
from alongside.edge.records import replace_file
from alongside.edge.replies import problems
from alongside.edge.tickets import Trust
from alongside.errors import ArtifactUnknown, Conflict, Fault, Forbidden, Invalid, NameTaken

CHUNK_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
#: the links are signed, no cookie is read here, and pages of the hub fetch from it
_OPEN_TO_PAGES = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Range, Content-Length, ETag, Upload-Offset, Upload-Complete",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_INERT = {**replies.INERT, "Cache-Control": "private, no-cache"}


@dataclass(frozen=True)
class Tree:
    """A folder that signed links may name."""

    name: str
    path: str
    writable: bool = False


class Trees:
    """The registered folders, kept on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._trees: dict[str, Tree] = {}
        if path.exists():
            self._trees = {item["name"]: Tree(**item) for item in json.loads(path.read_text())}

    def add(self, tree: Tree) -> None:
        """
        Raises:
            Invalid: the name or the folder cannot be used.
        """
        faults: list[Fault] = []
        if not _NAME.fullmatch(tree.name):
            faults.append(Fault("name", "letters, digits, dot, dash and underscore only"))
        if not Path(tree.path).is_absolute() or not Path(tree.path).is_dir():
            faults.append(Fault("path", "must be an existing folder, as an absolute path"))
        if faults:
            raise Invalid(faults)
        self._trees[tree.name] = tree
        self._write()

    def remove(self, name: str) -> None:
        if self._trees.pop(name, None):
            self._write()

    def get(self, name: str) -> Tree | None:
        return self._trees.get(name)

    def _write(self) -> None:
        items = [{"name": t.name, "path": t.path, "writable": t.writable} for t in self._trees.values()]
        replace_file(self._path, json.dumps(items).encode())


class FileServer:
    """`/f/<tree>/<path>` to read, `/u/<tree>/<path>` to write in resumable pieces."""

    def __init__(self, trees: Trees, trust: Trust) -> None:
        self._trees = trees
        self._trust = trust

    def app(self) -> web.Application:
        app = web.Application(middlewares=[problems])
        app.router.add_get("/f/{tree}/{path:.+}", self.download)
        app.router.add_put("/u/{tree}/{path:.+}", self.upload)
        app.router.add_route("HEAD", "/u/{tree}/{path:.+}", self.offset)
        app.router.add_route("OPTIONS", "/{door:[fu]}/{any:.*}", _preflight)
        app.on_response_prepare.append(_let_pages_read)
        return app

    async def download(self, request: web.Request) -> web.StreamResponse:
        tree, parts = self._allowed(request, "GET")
        descriptor = await asyncio.to_thread(open_below, tree, parts, os.O_RDONLY | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ArtifactUnknown(f"{'/'.join(parts)} is not a file")
        kind, encoding = mimetypes.guess_type(parts[-1])
        return _OpenFile(
            descriptor,
            headers={
                **_INERT,
                "Content-Type": kind if kind and not encoding else "application/octet-stream",
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(parts[-1], safe='')}",
            },
        )

    async def offset(self, request: web.Request) -> web.StreamResponse:
        """How much of an upload is here."""
        tree, parts = self._allowed(request, "PUT")
        with _folder(tree, parts) as folder:
            for name, complete in ((parts[-1], "?1"), (_partial(parts[-1]), "?0")):
                with contextlib.suppress(FileNotFoundError):
                    size = os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
                    return web.Response(headers={"Upload-Offset": str(size), "Upload-Complete": complete})
        return web.Response(headers={"Upload-Offset": "0", "Upload-Complete": "?0"})

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """A piece (`Content-Range: bytes a-b/total`) or, without that header, the whole file."""
        tree, parts = self._allowed(request, "PUT")
        start, end, total = _range_of(request)
        with _folder(tree, parts) as folder, _partial_file(folder, parts[-1]) as piece:
            have = os.fstat(piece).st_size
            if _exists(folder, parts[-1]):
                raise NameTaken("the file is already here", offset=total)
            if start != have:
                return web.json_response(
                    {"title": "Wrong offset", "status": 409, "code": "conflict", "offset": have},
                    status=409,
                    content_type="application/problem+json",
                    headers={"Upload-Offset": str(have)},
                )
            have = await _write(request, piece, have, end)
            if have == total:
                await asyncio.to_thread(os.fsync, piece)
                os.rename(_partial(parts[-1]), parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
                return web.Response(status=201, headers={"Upload-Offset": str(have), "Upload-Complete": "?1"})
        return web.Response(status=202, headers={"Upload-Offset": str(have), "Upload-Complete": "?0"})

    def _allowed(self, request: web.Request, method: str) -> tuple[Tree, list[str]]:
        """Check the link before saying whether anything is there."""
        name, path = request.match_info["tree"], request.match_info["path"]
        expires, signature = request.query.get("exp", ""), request.query.get("sig", "")
        if not expires.isdecimal() or not self._trust.signed(
            f"{method}\n{name}/{path}\n{expires}", signature
        ):
            raise Forbidden("this link is not signed by the hub")
        if int(expires) < time.time():
            raise Forbidden("this link is too old")
        tree = self._trees.get(name)
        parts = path.split("/")
        if tree is None or any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise ArtifactUnknown()
        if method == "PUT" and not tree.writable:
            raise Forbidden("this folder takes no uploads")
        return tree, parts


class _OpenFile(web.FileResponse):
    """A file by descriptor, so that what was checked is what is sent; ranges are aiohttp's."""

    def __init__(self, descriptor: int, headers: dict[str, str]) -> None:
        super().__init__(f"/proc/self/fd/{descriptor}", chunk_size=CHUNK_BYTES, headers=headers)
        self._descriptor = descriptor

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        try:
            return await super().prepare(request)
        finally:
            os.close(self._descriptor)


def open_below(tree: Tree, parts: list[str], flags: int, mode: int = 0o644) -> int:
    """Open a file below a tree; a symbolic link anywhere on the way is as good as nothing.

    Raises:
        ArtifactUnknown: it is not there.
    """
    try:
        with _folder(tree, parts) as folder:
            return os.open(parts[-1], flags | os.O_NOFOLLOW, mode, dir_fd=folder)
    except (FileNotFoundError, NotADirectoryError, PermissionError, IsADirectoryError):
        raise ArtifactUnknown() from None
    except OSError as error:
        if error.errno in _LINK:
            raise ArtifactUnknown() from None
        raise


@contextlib.contextmanager
def _folder(tree: Tree, parts: list[str]) -> Iterator[int]:
    descriptor = -1
    try:
        descriptor = os.open(tree.path, os.O_RDONLY | os.O_DIRECTORY)
        for part in parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
    except OSError:
        if descriptor >= 0:
            os.close(descriptor)
        raise ArtifactUnknown() from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _partial_file(folder: int, name: str) -> Iterator[int]:
    """The growing file of an upload, with one writer at a time."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    try:
        descriptor = os.open(_partial(name), flags, 0o644, dir_fd=folder)
    except OSError as error:
        if error.errno in _LINK:
            raise ArtifactUnknown() from None
        raise
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Conflict("another upload of this file is going on") from None
    try:
        yield descriptor
    finally:
        if os.fstat(descriptor).st_size == 0:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(_partial(name), dir_fd=folder)
        os.close(descriptor)


async def _write(request: web.Request, descriptor: int, have: int, end: int) -> int:
    """Append what comes; what arrived before a broken connection stays for the next try."""
    async for chunk in request.content.iter_chunked(CHUNK_BYTES):
        if have + len(chunk) > end:
            raise Invalid([Fault("Content-Range", "more bytes came than it says")])
        have += await asyncio.to_thread(_write_all, descriptor, chunk)
    return have


def _write_all(descriptor: int, chunk: bytes) -> int:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    return len(chunk)


def _range_of(request: web.Request) -> tuple[int, int, int]:
    """First byte, byte after the last, and total size."""
    header = request.headers.get("Content-Range")
    if header is None:
        if request.content_length is None:
            raise Invalid([Fault("Content-Length", "say how long the file is")])
        return 0, request.content_length, request.content_length
    match = _RANGE.fullmatch(header.strip())
    if match is None:
        raise Invalid([Fault("Content-Range", "expected bytes first-last/total")])
    first, last, total = (int(part) for part in match.groups())
    if not first <= last < total:
        raise Invalid([Fault("Content-Range", "expected first <= last < total")])
    return first, last + 1, total


def _partial(name: str) -> str:
    return f".{name[:200]}.part"


def _exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


async def _preflight(request: web.Request) -> web.Response:
    return replies.preflight(methods="GET, HEAD, PUT, OPTIONS", headers="Content-Range, Content-Type, Range")


async def _let_pages_read(request: web.Request, response: Any) -> None:
    if request.path.startswith(("/f/", "/u/")):
        response.headers.update(_OPEN_TO_PAGES)


#: O_NOFOLLOW on a link says ELOOP, and ENXIO is what a socket or a FIFO without a reader says
_LINK = {errno.ELOOP, errno.ENXIO}
