"""Drives: folders that WebDAV clients mount, each with a password of its own, told by the site's runners."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

from alongside import values
from alongside.edge.records import replace_file
from alongside.errors import Unauthenticated
from alongside.spec.files import Drive, Folder


class Drives:
    """Kept on disk, without the passwords."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._drives: dict[str, Drive] = {}
        if path.exists():
            known = (values.load(Drive, item) for item in json.loads(path.read_text()))
            self._drives = {drive.id: drive for drive in known}

    def put(self, drive: Drive, now: float) -> None:
        self._drives = {key: known for key, known in self._drives.items() if known.expires_at > now}
        self._drives[drive.id] = drive
        self._write()

    def remove(self, drive_id: str) -> None:
        if self._drives.pop(drive_id, None):
            self._write()

    def open(self, drive_id: str, user: str, password: str, now: float) -> Folder:
        """
        Raises:
            Unauthenticated: whatever is wrong; a stranger does not learn what.
        """
        drive = self._drives.get(drive_id)
        digest = hashlib.sha256(password.encode(errors="replace")).hexdigest()
        right = hmac.compare_digest(digest, drive.secret_hash if drive else "")
        if drive is None or not right or drive.expires_at < now or drive.folder.account_name != user:
            raise Unauthenticated("name or password of this drive are wrong, or it was taken back")
        return drive.folder

    def _write(self) -> None:
        items = [values.dump(drive) for drive in self._drives.values()]
        replace_file(self._path, json.dumps(items).encode())
