"""Runs a command as a user without rights who can read this checkout.

`python -m support.unprivileged CMD …`, root only. The checkout and its Python may be below folders
that only root can enter, so the command gets a mount namespace in which their parents are open.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from alongside.runner.sandbox import mounts
from alongside.runner.sandbox.command import base_prefix

UID = 60_123
ROOT = Path(__file__).parents[2]


def main(command: list[str]) -> None:
    shown = [ROOT / name for name in ("src", "tests", "pyproject.toml")]
    prefix = Path(sys.prefix)
    shown += [path for path in (prefix, base_prefix(prefix)) if path and not path.is_relative_to("/usr")]
    mounts.own_namespace()
    trees = [(path, path.is_dir(), mounts.clone(path, read_only=True)) for path in shown]
    for top in {Path("/", path.parts[1]) for path in shown}:
        mounts.tmpfs(top)
    for path, folder, tree in trees:
        path.parent.mkdir(parents=True, exist_ok=True)
        if folder:
            path.mkdir(exist_ok=True)
        else:
            path.touch()
        mounts.place(tree, path)
    home = Path("/tmp", f"alongside-unprivileged-{os.getpid()}")
    home.mkdir(mode=0o755)
    os.chown(home, UID, UID)
    os.chdir(ROOT)
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "CI")}
    made = {
        "HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(home / "hypothesis"),
    }
    os.execvpe(command[0], command, kept | made)


if __name__ == "__main__":
    main(sys.argv[1:])
