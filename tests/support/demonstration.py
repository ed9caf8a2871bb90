"""What `./up` shows: the demonstration's environment and data, prepared once per checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from alongside.cli.up.demo import Demo
from alongside.client import Client

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65_534


def prepared() -> Demo:
    """The demonstration in a folder that a tool's uid can reach; takes a minute the first time."""
    folder = next(place for place in _places() if _reachable(place.parent))
    subprocess.run(
        [sys.executable, ROOT / "deploy" / "tools" / "prepare.py", folder], check=True, timeout=540
    )
    return Demo(folder)


def runner_settings(demo: Demo) -> dict[str, Any]:
    """The `runner` section of an installation that has the demonstration's data and environment."""
    return {key.removeprefix("runner."): value for key, value in demo.settings((), ()).items()}


def publish(demo: Demo, client: Client) -> None:
    """Its tools and datasets, as `./up` adds them."""
    demo.publish(client, ROOT / "deploy" / "tools")


def _places() -> tuple[Path, ...]:
    (ROOT / ".cache").mkdir(exist_ok=True)
    return (ROOT / ".cache" / "demo", Path("/var/tmp/alongside-tests-demo"))


def _reachable(folder: Path) -> bool:
    """Whether another uid may enter: as root, tools run under one of their own."""
    if os.geteuid() != 0:
        return True
    try:
        return (
            subprocess.run(
                ["/bin/sh", "-c", 'cd -- "$0"', folder], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/"
            ).returncode
            == 0
        )
    except OSError:
        return False
