"""Builds the web app from web/ into the package; skips the build when no input changed.

Run by `./up`, by `make web` and by the hook that makes wheels (`hatch_build.py`). Needs only the
standard library: where the system has no Node.js, or an old one, a wheel of it goes into a build
environment of its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SOURCE = ROOT / "web"
TARGET = ROOT / "src" / "alongside" / "web"
STAMP = TARGET / ".inputs"
NODE_ENVIRONMENT = ROOT / ".cache" / "node"
NODE_MIN = (20, 19)
_NOT_INPUTS = {"node_modules", "dist", "test-results", "e2e", "playwright-report"}


def build(*, force: bool = False) -> bool:
    """Bring the built web app up to date; tells whether anything had to be built."""
    if not (SOURCE / "package.json").is_file():
        raise SystemExit(f"{SOURCE} holds no web app: is this a complete checkout?")
    wanted = _fingerprint()
    if not force and STAMP.is_file() and STAMP.read_text() == wanted:
        return False
    npm, environ = _npm()
    if not _installed():
        _say("Installing the web app's packages")
        _run([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], environ)
    _say("Building the web app")
    _run([*npm, "run", "--silent", "build", "--", "--outDir", "dist", "--emptyOutDir"], environ)
    _publish(wanted)
    return True


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in _inputs():
        digest.update(str(path.relative_to(SOURCE)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _inputs() -> Iterator[Path]:
    for folder, names, files in os.walk(SOURCE):
        names[:] = sorted(name for name in names if name not in _NOT_INPUTS and not name.startswith("."))
        for name in sorted(files):
            if not name.endswith(".tsbuildinfo"):
                yield Path(folder) / name


def _installed() -> bool:
    marker = SOURCE / "node_modules" / ".package-lock.json"
    lock = SOURCE / "package-lock.json"
    return marker.is_file() and marker.stat().st_mtime >= lock.stat().st_mtime


def _npm() -> tuple[list[str], dict[str, str]]:
    """The command that runs npm, and its environment."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= NODE_MIN:
        return [npm], dict(os.environ)
    scripts = NODE_ENVIRONMENT / "bin"
    if not (scripts / "npm").exists():
        _say("Installing Node.js from a wheel, to build the web app")
        venv.create(NODE_ENVIRONMENT, with_pip=True)
        requirements = ROOT / "requirements" / "node.txt"
        pip = [str(scripts / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "--requirement", str(requirements)], check=True)
    path = f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}"
    return [str(scripts / "npm")], {**os.environ, "PATH": path}


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    return tuple(int(part) for part in said.strip().lstrip("v").split(".") if part.isdigit())


def _run(command: list[str], environ: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=SOURCE, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        raise SystemExit("the web app was not built: npm failed, see above")


def _publish(fingerprint: str) -> None:
    """Put web/dist in place of the old build; the stamp comes last, so half a copy is built again."""
    fresh = TARGET.with_name("web.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(SOURCE / "dist", fresh)
    shutil.rmtree(TARGET, ignore_errors=True)
    fresh.rename(TARGET)
    STAMP.write_text(fingerprint)


def _say(text: str) -> None:
    sys.stdout.write(f"› {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    build(force="--force" in sys.argv[1:])
