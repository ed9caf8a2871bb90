"""What benches measure Alongside against, installed under .cache/bench: JupyterHub and its proxy.

From the lock files requirements/bench.txt and bench/peers/package-lock.json. The first installation needs
PyPI and npm; a peer that cannot be had is said loudly by whoever asks for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".cache/bench"
INSTALL_MAX_S = 300


class NotHere(Exception):
    """A peer cannot be had; the message says why."""


def jupyterhub() -> Path:
    """The folder of programs of a Python with JupyterHub and DockerSpawner.

    Raises:
        NotHere
    """
    programs, lock = FOLDER / "venv/bin", ROOT / "requirements/bench.txt"
    if not _is_current(FOLDER / "venv/lock", lock):
        shutil.rmtree(FOLDER / "venv", ignore_errors=True)
        uv = Path(sys.executable).with_name("uv")
        _run(uv, "venv", "--quiet", "--python", sys.executable, FOLDER / "venv")
        _run(uv, "pip", "install", "--quiet", "--python", programs / "python", "--require-hashes", "-r", lock)
        shutil.copy(lock, FOLDER / "venv/lock")
    return programs


def configurable_http_proxy() -> Path:
    """The program `configurable-http-proxy`.

    Raises:
        NotHere
    """
    there, lock = FOLDER / "peers", ROOT / "bench/peers/package-lock.json"
    if not _is_current(there / "lock", lock):
        there.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(lock.with_name(name), there)
        _run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=there)
        shutil.copy(lock, there / "lock")
    return there / "node_modules/.bin/configurable-http-proxy"


def _is_current(stamp: Path, lock: Path) -> bool:
    return stamp.exists() and stamp.read_bytes() == lock.read_bytes()


def _run(*command: str | Path, cwd: Path = ROOT) -> None:
    environment = {"UV_SYSTEM_CERTS": "true", **os.environ}
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=INSTALL_MAX_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHere(f"{Path(command[0]).name}: {error}") from None
    if done.returncode:
        raise NotHere(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-500:]}")
