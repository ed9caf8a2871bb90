"""The data folder of an installation has one owner at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from alongside.errors import Misconfigured

LOCK = "up.lock"


class DataFolder:
    """Held while an installation runs, so that a second one on the same folder is refused."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    def __enter__(self) -> DataFolder:
        """
        Raises:
            Misconfigured: another process holds it (naming its pid), or it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(
                f"the data folder {self.path} cannot be made ({error.strerror}); choose another: --data-dir"
            ) from None
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
