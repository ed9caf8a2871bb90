"""Places in a folder that a tool may write to, made by a runner that must not be led elsewhere."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from alongside.runner.jobs import CannotStart


def below(folder: Path, place: str, uid: int, gid: int, mode: int = 0o755) -> None:
    """Make `place`, a path below `folder`, with what leads to it; no link is followed, what is there stays.

    Raises:
        CannotStart: home_unusable: a link or a file is in the way.
    """
    inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        for name in place.split("/"):
            try:
                os.mkdir(name, mode, dir_fd=inside)
                made = True
            except FileExistsError:
                made = False
            found = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=inside)
            os.close(inside)
            inside = found
            # what was opened, not its name: by now that may be another's
            if made and os.geteuid() == 0 and os.fstat(inside).st_uid == 0:
                os.fchown(inside, uid, gid)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        raise CannotStart(
            "home_unusable", f"~/{place} must be a folder, and a file or a link is in its way"
        ) from None
    finally:
        os.close(inside)
