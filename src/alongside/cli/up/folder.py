"""The data folder of an installation: one owner at a time, and never on a network file system."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from alongside.errors import Misconfigured

LOCK = "up.lock"

NETWORK_FILE_SYSTEMS = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs"}
    | {"fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs"}
    | {"smb3", "smbfs", "virtiofs"}
)
"""Where SQLite's locks or its write-ahead log cannot be relied on."""


class DataFolder:
    """Held while an installation runs, so that a second one on the same folder is refused."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    def __enter__(self) -> DataFolder:
        """
        Raises:
            Misconfigured: another process holds it (naming its pid), or it cannot be used.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(
                f"the data folder {self.path} cannot be made ({error.strerror}); choose another: --data-dir"
            ) from None
        kind = filesystem_of(self.path)
        if kind in NETWORK_FILE_SYSTEMS:
            raise Misconfigured(
                f"the data folder {self.path} is on a network file system ({kind}), which would lose data; "
                "choose a local folder: --data-dir"
            )
        if os.geteuid() == 0:
            # Tools run under other uids and must reach their homes below; they cannot list it.
            self.path.chmod(0o711)
        self._lock = self._take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take(self) -> int:
        descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise Misconfigured(
                f"{self.path} is in use by process {holder}: stop that one first (kill {holder}), "
                "or choose another folder: --data-dir"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return descriptor


def filesystem_of(path: Path, mounts: str | None = None) -> str:
    """The type of the file system that holds `path`, as the kernel names it; `unknown` elsewhere."""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text()
        except OSError:
            return "unknown"
    best, kind = -1, "unknown"
    resolved = str(path.resolve())
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4].encode().decode("unicode_escape")
        inside = resolved == point or resolved.startswith(point.rstrip("/") + "/")
        # of mounts on the same point the last one is what is seen
        if inside and len(point) >= best:
            best, kind = len(point), after.split()[0]
    return kind
