"""What was deleted: kept in a hidden folder beside people's files for a week, and put back on request."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import time
from typing import Any

from alongside.edge.hand import below
from alongside.edge.hand.below import Refused
from alongside.spec.files import TRASH

KEPT_S = 7 * 86_400
_ID = re.compile(r"\d{10,12}-[0-9a-f]{8}")
_RECORD = "record.json"


def delete(root: int, paths: list[str]) -> dict[str, Any]:
    """Move things away, all under one id with which `restore` brings them back."""
    now = time.time()
    key = f"{int(now)}-{secrets.token_hex(4)}"
    named = [(path, *below.named(path)) for path in paths]
    with _bin(root) as kept:
        os.mkdir(key, 0o700, dir_fd=kept)
        with below.folder(kept, [key]) as here:
            done: list[str] = []
            for number, (path, parents, name) in enumerate(named):
                with below.folder(root, parents) as holder:
                    try:
                        os.rename(name, str(number), src_dir_fd=holder, dst_dir_fd=here)
                    except OSError as error:
                        if not done:
                            os.rmdir(key, dir_fd=kept)
                        raise below.refused(error, path) from None
                done.append(path)
                _note(here, {"deleted_at": now, "paths": done})
    return {"trash": key, "paths": done}


def restore(root: int, key: str) -> dict[str, Any]:
    """Put back what one deletion took; what has a new namesake gets ` (restored)` in its name."""
    _check(key)
    back: list[str] = []
    with _bin(root) as kept, below.folder(kept, [key]) as here:
        for number, path in enumerate(_read(here)["paths"]):
            parents, name = below.named(path)
            _folders(root, parents)
            with below.folder(root, parents) as holder:
                free = name
                while below.look(holder, free) is not None:
                    free = f"{free} (restored)"
                try:
                    os.rename(str(number), free, src_dir_fd=here, dst_dir_fd=holder)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise below.refused(error, path) from None
            back.append("/".join([*parents, free]))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_RECORD, dir_fd=here)
        os.rmdir(key, dir_fd=kept)
    return {"paths": back}


def listing(root: int) -> dict[str, Any]:
    """Newest first."""
    items: list[dict[str, Any]] = []
    with contextlib.suppress(Refused), _bin(root, make=False) as kept:
        for key in sorted(filter(_ID.fullmatch, below.names(kept)), reverse=True):
            with contextlib.suppress(Refused, OSError, ValueError), below.folder(kept, [key]) as here:
                items.append({"trash": key, **_read(here)})
    return {"items": items[:200]}


def purge(root: int, older_than_s: float = KEPT_S) -> None:
    """Take away for good what was deleted so long ago; 0 empties it."""
    with contextlib.suppress(Refused), _bin(root, make=False) as kept:
        for key in filter(_ID.fullmatch, below.names(kept)):
            if int(key.partition("-")[0]) <= time.time() - older_than_s:
                shutil.rmtree(key, ignore_errors=True, dir_fd=kept)


def _check(key: str) -> None:
    if not _ID.fullmatch(key):
        raise Refused("invalid", "this is not the id of a deletion")


@contextlib.contextmanager
def _bin(root: int, *, make: bool = True) -> Any:
    if make:
        try:
            os.mkdir(TRASH, 0o700, dir_fd=root)
        except FileExistsError:
            pass
        except OSError as error:
            raise below.refused(error, "trash") from None
    with below.folder(root, [TRASH]) as kept:
        yield kept


def _folders(root: int, parents: list[str]) -> None:
    for depth, part in enumerate(parents):
        with below.folder(root, parents[:depth]) as holder, contextlib.suppress(FileExistsError):
            os.mkdir(part, 0o777, dir_fd=holder)


def _note(here: int, record: dict[str, Any]) -> None:
    descriptor = os.open(_RECORD, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600, dir_fd=here)
    with os.fdopen(descriptor, "w") as file:
        json.dump(record, file)


def _read(here: int) -> dict[str, Any]:
    try:
        with os.fdopen(os.open(_RECORD, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=here)) as file:
            found = json.load(file)
    except FileNotFoundError:
        raise Refused("not_found", "this was put back, or is gone") from None
    return {"deleted_at": float(found["deleted_at"]), "paths": [str(path) for path in found["paths"]]}
