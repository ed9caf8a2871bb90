"""What a hand does: each operation takes the folder's descriptor and a question, and answers with facts."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, cast

from alongside.edge.hand import below, frames
from alongside.edge.hand.below import Refused
from alongside.spec.files import PARTIAL

LIST_MAX = 500
_UPLOAD = re.compile(r"[A-Za-z0-9_-]{8,64}")
_SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "name": lambda entry: entry["name"].casefold(),
    "size": lambda entry: (entry["size_bytes"] or 0, entry["name"].casefold()),
    "modified": lambda entry: (entry["modified_at"], entry["name"].casefold()),
}


def listing(
    root: int, path: str, *, after: int, limit: int, sort: str, descending: bool, only: str = ""
) -> dict[str, Any]:
    """Folders first; `after` entries are passed over."""
    key = _SORTS.get(sort)
    if key is None:
        raise Refused("invalid", "sort is name, size or modified")
    with below.folder(root, below.parts_of(path)) as here:
        try:
            names = [name for name in below.names(here) if not below.is_ours(name) and only in ("", name)]
            entries = [_entry(here, name) for name in names]
        except OSError as error:
            raise below.refused(error, path) from None
    found = sorted((entry for entry in entries if entry), key=key, reverse=descending)
    found.sort(key=lambda entry: entry["kind"] != "folder")
    shown = found[after : after + min(limit, LIST_MAX)]
    more = after + len(shown)
    return {"items": shown, "total": len(found), "next": more if more < len(found) else None}


def facts(root: int, path: str) -> dict[str, Any]:
    if not below.parts_of(path):
        return below.described("", os.fstat(root))
    parents, name = below.named(path)
    with below.folder(root, parents) as holder:
        entry = _entry(holder, name)
    if entry is None:
        raise Refused("not_found", f"{path}: there is no such file or folder")
    return entry


def read(
    root: int, path: str, start: int, end: int | None, begin: Callable[[dict[str, Any]], None]
) -> Iterator[bytes]:
    """Bytes from `start` to before `end`; `begin` is told what is coming before the first of them."""
    with below.file(root, path) as descriptor:
        found = os.fstat(descriptor)
        stop = found.st_size if end is None else min(end, found.st_size)
        begin(below.described(path.rpartition("/")[2], found))
        while start < stop and (piece := os.pread(descriptor, min(frames.CHUNK_BYTES, stop - start), start)):
            start += len(piece)
            yield piece


def offset(root: int, path: str, upload: str) -> dict[str, Any]:
    """How much of an upload is here."""
    parents, _ = below.named(path)
    with below.folder(root, parents) as holder:
        found = below.look(holder, _partial(upload))
    return {"offset": found.st_size if found else 0}


def write(root: int, question: dict[str, Any], pieces: Iterator[bytes]) -> dict[str, Any]:
    """Append to an upload, and put it in its place when it is whole. What came before a break stays.

    `total` None: whole when its bytes end. Of what is not `resumable` nothing stays.
    """
    path, total = question["path"], question["total"]
    parents, name = below.named(path)
    partial = _partial(question["upload"])
    with below.folder(root, parents) as holder:
        _may_replace(holder, name, path, question)
        try:
            descriptor = os.open(
                partial, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666, dir_fd=holder
            )
        except OSError as error:
            raise below.refused(error, path) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            have = os.fstat(descriptor).st_size
            if question["start"] != have:
                raise Refused("wrong_offset", str(have))
            for piece in pieces:
                if total is not None and have + len(piece) > total:
                    raise Refused("invalid", "more bytes came than were said")
                have += _write_all(descriptor, piece)
            if total is not None and have < total:
                return {"offset": have, "complete": False}
            _may_replace(holder, name, path, question)
            _put(holder, descriptor, partial, name)
            found = os.fstat(descriptor)
            return {"offset": have, "complete": True, "entry": below.described(name, found)}
        except BlockingIOError:
            raise Refused("conflict", "another upload of this file is going on") from None
        except OSError as error:
            raise below.refused(error, path) from None
        finally:
            # after success there is nothing of this name any more
            if not question.get("resumable") or os.fstat(descriptor).st_size == 0:
                with contextlib.suppress(OSError):
                    os.unlink(partial, dir_fd=holder)
            os.close(descriptor)


def make_folder(root: int, path: str) -> dict[str, Any]:
    parents, name = below.named(path)
    with below.folder(root, parents) as holder:
        try:
            os.mkdir(name, 0o777, dir_fd=holder)
        except OSError as error:
            raise below.refused(error, path) from None
        return below.described(name, os.stat(name, dir_fd=holder, follow_symlinks=False))


def move(root: int, path: str, to: str, *, overwrite: bool) -> dict[str, Any]:
    """Also renames. A folder is never replaced."""
    parents, name = below.named(path)
    new_parents, new_name = below.named(to)
    with below.folder(root, parents) as holder, below.folder(root, new_parents) as new_holder:
        there = below.look(new_holder, new_name)
        if there is not None and (not overwrite or stat.S_ISDIR(there.st_mode)):
            raise Refused("exists", f"{to} is already there")
        try:
            os.rename(name, new_name, src_dir_fd=holder, dst_dir_fd=new_holder)
        except OSError as error:
            raise below.refused(error, path) from None
        return below.described(new_name, os.stat(new_name, dir_fd=new_holder, follow_symlinks=False))


def zipped(root: int, paths: list[str], send: Callable[[bytes], None]) -> None:
    """A ZIP archive of files and folders as it is made; links and what may not be read are left out."""
    with zipfile.ZipFile(cast(Any, _Sink(send)), "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for path in paths:
            parts = below.parts_of(path)
            with below.folder(root, parts[:-1]) as holder:
                _into_zip(archive, holder, parts[-1] if parts else ".", "" if not parts else parts[-1], 0)


def _into_zip(archive: zipfile.ZipFile, holder: int, name: str, shown: str, depth: int) -> None:
    found = below.look(holder, name)
    if found is None or below.is_ours(name) or depth > below.DEPTH_MAX:
        return
    try:
        if stat.S_ISDIR(found.st_mode):
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=holder)
            try:
                inside = sorted(below.names(inner))
                if shown and not inside:
                    archive.writestr(shown + "/", b"")
                for entry in inside:
                    _into_zip(archive, inner, entry, f"{shown}/{entry}" if shown else entry, depth + 1)
            finally:
                os.close(inner)
        elif stat.S_ISREG(found.st_mode):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=holder)
            with os.fdopen(descriptor, "rb") as source:
                member = zipfile.ZipInfo(shown.encode(errors="replace").decode())
                member.external_attr = (found.st_mode & 0xFFFF) << 16
                with archive.open(member, "w", force_zip64=True) as target:
                    while piece := source.read(frames.CHUNK_BYTES):
                        target.write(piece)
    except PermissionError:
        return


class _Sink:
    """A file that only takes: zipfile then writes sizes behind each member."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send

    def write(self, data: bytes) -> int:
        self._send(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""


def _entry(holder: int, name: str) -> dict[str, Any] | None:
    try:
        found = below.look(holder, name)
        if found is None:
            return None
        target = os.readlink(name, dir_fd=holder) if stat.S_ISLNK(found.st_mode) else None
    except OSError:
        return None
    return below.described(name, found, target)


def _may_replace(holder: int, name: str, path: str, question: dict[str, Any]) -> None:
    there, wanted = below.look(holder, name), question.get("version")
    if wanted is not None and (there is None or below.version(there) != wanted):
        raise Refused("changed", f"{path} was changed since you opened it")
    if there is None:
        return
    if stat.S_ISDIR(there.st_mode):
        raise Refused("exists", f"{path} is a folder")
    if wanted is None and not question.get("overwrite"):
        raise Refused("exists", f"{path} is already there")


def _put(holder: int, descriptor: int, partial: str, name: str) -> None:
    """The permissions of a file that is replaced stay."""
    there = below.look(holder, name)
    if there is not None and stat.S_ISREG(there.st_mode):
        os.fchmod(descriptor, stat.S_IMODE(there.st_mode) & 0o777)
    os.fsync(descriptor)
    os.rename(partial, name, src_dir_fd=holder, dst_dir_fd=holder)


def _write_all(descriptor: int, piece: bytes) -> int:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    return len(piece)


def _partial(upload: str) -> str:
    if not _UPLOAD.fullmatch(upload):
        raise Refused("invalid", "an upload has a name of 8 to 64 letters and digits")
    return PARTIAL + upload
