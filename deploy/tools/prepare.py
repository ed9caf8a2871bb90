"""Prepares the demonstration: an environment for its tools and a lidar dataset, below one folder.

`prepare.py FOLDER` makes FOLDER/environment (a Python prefix that every account's tools may read)
and FOLDER/data/lidar, and does nothing that was done before. Run by `./up`, with the Python and
the uv of the checkout's own environment.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
TOOLS = ROOT / "deploy" / "tools"
#: a uid that owns nothing, to try what a tool's uid may read
NOBODY = 65_534
SYSTEM_PYTHONS = ("python3.13", "python3.12", "python3.11", "python3.14", "python3")
LIDAR_ENDINGS = (".las", ".laz")


def main() -> None:
    os.umask(0o022)
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    environment(folder / "environment")
    lidar(folder / "data" / "lidar")


def environment(prefix: Path) -> None:
    """JupyterLab, laspy and the tools' own programs, in a prefix that any uid can use."""
    wanted = _fingerprint(REQUIREMENTS / "demo.txt", *_sources())
    stamp = prefix / ".made-of"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    _say("Making the environment of the demonstration tools (JupyterLab, laspy)")
    stamp.unlink(missing_ok=True)
    python = prefix / "bin" / "python"
    if not _works(python):
        shutil.rmtree(prefix, ignore_errors=True)
        _make_prefix(prefix)
    _uv("pip", "install", "--python", python, "--require-hashes", "--requirement", REQUIREMENTS / "demo.txt")
    with tempfile.TemporaryDirectory() as scratch:
        source = shutil.copytree(TOOLS, Path(scratch) / "tools")
        build = ["--no-deps", "--no-build-isolation", "--wheel-dir", scratch]
        _run(sys.executable, "-m", "pip", "wheel", "--quiet", *build, source)
        wheel = next(Path(scratch).glob("*.whl"))
        _uv("pip", "install", "--python", python, "--no-deps", "--reinstall", wheel)
    _run(python, "-m", "compileall", "-q", "-j", "0", prefix / "lib", check=False)
    stamp.write_text(wanted)


def lidar(folder: Path) -> None:
    """The LAS and LAZ files of laspy's source distribution, as they are."""
    stamp = folder.parent / ".made-of"
    wanted = _fingerprint(REQUIREMENTS / "data.txt")
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    _say("Fetching the lidar files (from laspy's source distribution)")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        options = ["-qq", "--no-deps", "--no-binary=:all:", "--no-build-isolation", "--require-hashes"]
        _run(
            *(sys.executable, "-m", "pip", "download", *options, "--dest", scratch),
            *("--requirement", REQUIREMENTS / "data.txt"),
        )
        with tarfile.open(next(Path(scratch).glob("*.tar.gz"))) as archive:
            for member in archive.getmembers():
                name = Path(member.name)
                if member.isfile() and name.parent.name == "data" and name.suffix in LIDAR_ENDINGS:
                    content = archive.extractfile(member)
                    assert content is not None
                    (folder / name.name).write_bytes(content.read())
    stamp.write_text(wanted)


def _make_prefix(prefix: Path) -> None:
    """An environment of a Python below /usr where there is one; otherwise of a copy of our own.

    A Python in somebody's home cannot be read by the uid of another account's tool, and is not in
    the sandbox either; the copy is inside the prefix, so whoever may read the prefix can run it.
    """
    for name in SYSTEM_PYTHONS:
        for folder in ("/usr/bin", "/usr/local/bin"):
            candidate = Path(folder) / name
            if candidate.exists() and _suitable(candidate):
                _uv("venv", "--python", candidate, prefix)
                return
    _say("No Python 3.11 below /usr: copying this one for the tools")
    copy = prefix / "python"
    base = Path(sys.base_prefix)
    shutil.copytree(base, copy, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "test"))
    _run("chmod", "-R", "go+rX", copy)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    _uv("venv", "--allow-existing", "--python", copy / "bin" / version, prefix)


def _suitable(python: Path) -> bool:
    """Whether a tool's uid, which may be another than ours, can run it, and it is new enough."""
    try:
        done = subprocess.run(
            [python, "-c", "import sys, ssl, sqlite3, venv; sys.exit(sys.version_info < (3, 11))"],
            **_as_nobody(),
            capture_output=True,
            cwd="/",
        )
    except OSError:
        return False
    return done.returncode == 0 and str(python.resolve()).startswith("/usr/")


def _works(python: Path) -> bool:
    try:
        return subprocess.run([python, "-c", "import sys"], **_as_nobody(), cwd="/").returncode == 0
    except OSError:
        return False


def _as_nobody() -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def _sources() -> Iterator[Path]:
    for folder in (TOOLS / "pointcloud", TOOLS / "notebooks"):
        yield from sorted(path for path in folder.iterdir() if path.is_file())
    yield TOOLS / "pyproject.toml"


def _fingerprint(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _uv(*arguments: object) -> None:
    _run(Path(sys.executable).with_name("uv"), "--quiet", *arguments)


def _run(*command: object, check: bool = True) -> None:
    done = subprocess.run([str(part) for part in command], cwd=ROOT)
    if check and done.returncode:
        raise SystemExit(f"the demonstration was not prepared: {command[0]} failed, see above")


def _say(text: str) -> None:
    sys.stdout.write(f"› {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
