"""A Docker Engine of the tests' own: private folders and socket, no default bridge, ended by its pid.

Its images survive between sessions under .cache/; each session has a folder, and a subnet, to itself.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
BASE = "alongside/base:12"
START_S = 30.0
#: of all checkouts of this machine: an engine's subnet is its number
LOCKS = Path(tempfile.gettempdir(), "alongside-test-engines")
TURN_S = 60.0


class DockerEngine:
    """One dockerd. `restart` ends it in good order or, with SIGKILL, without any."""

    def __init__(self, folder: Path, socket: Path, subnet: str) -> None:
        self.folder = folder
        self.socket = socket
        #: for `runner.tool_subnet`; each folder's engine has another one
        self.subnet = subnet
        self._pidfile = folder / "docker.pid"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the engine runs"
        return self._process.pid

    def start(self) -> None:
        self._end_leftover()
        with (self.folder / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("dockerd", "--config-file", self._configuration(), "--host", f"unix://{self.socket}"),
                    *("--data-root", self.folder / "data", "--exec-root", self.folder / "exec"),
                    *("--pidfile", self._pidfile, "--bridge", "none", "--ip6tables=false"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while self.docker("version", check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"dockerd did not start; see {self.folder / 'dockerd.log'}")
            time.sleep(0.1)

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        assert self._process is not None
        self._process.send_signal(with_signal)
        self._process.wait(timeout=60)
        self._process = None
        self._wait_for_end_of(self.folder / "exec/containerd/containerd.pid")

    def restart(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        self.stop(with_signal)
        self.start()

    def docker(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["docker", "--host", f"unix://{self.socket}", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
        )
        if check and done.returncode:
            raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
        return done

    def lines(self, *arguments: str) -> list[str]:
        return self.docker(*arguments).stdout.split()

    def base_image(self) -> str:
        """The image of deploy/images/make-base.sh; its root file system is built once per checkout."""
        environment = {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "ALONGSIDE_CACHE": str(CACHE)}
        done = subprocess.run(
            [ROOT / "deploy/images/make-base.sh", BASE], env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"make-base.sh: {done.stderr.strip()}")
        return BASE

    def empty(self) -> None:
        """Remove every container, network and volume, but no image that may be of use again."""
        if found := self.lines("ps", "--all", "--quiet"):
            self.docker("rm", "--force", "--volumes", *found)
        self.docker("network", "prune", "--force")
        if found := self.lines("volume", "ls", "--quiet"):
            self.docker("volume", "rm", "--force", *found)
        self.docker("image", "prune", "--force", "--filter", "until=24h")

    def _configuration(self) -> Path:
        """A file of our own, so that the host's /etc/docker/daemon.json is not read."""
        path = self.folder / "daemon.json"
        path.write_text("{}\n")
        return path

    def _end_leftover(self) -> None:
        """The engine of a session that was killed: it has our folder and nobody uses it."""
        try:
            pid = int(self._pidfile.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_text()
        except (OSError, ValueError):
            return
        if str(self.folder / "data") not in command.split("\0"):
            return
        os.kill(pid, signal.SIGTERM)
        self._wait_for_end_of(self._pidfile)

    def _wait_for_end_of(self, pidfile: Path) -> None:
        """A dockerd that finds the containerd of a killed one still dying waits for it, then gives up."""
        try:
            pid = int(pidfile.read_text())
        except (OSError, ValueError):
            return
        deadline = time.monotonic() + START_S
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)


def missing() -> str:
    """Why no engine can be started here; empty if one can."""
    if os.geteuid() != 0:
        return "a Docker Engine is started for tests only as root"
    lacking = [name for name in ("dockerd", "docker", "mmdebstrap") if shutil.which(name) is None]
    return f"not installed: {', '.join(lacking)} (apt install docker.io mmdebstrap)" if lacking else ""


#: `socket subnet` of an engine that a test session started for another one, of an unprivileged user
GIVEN = "ALONGSIDE_TEST_DOCKER"


@contextmanager
def running_engine() -> Iterator[DockerEngine]:
    """An empty engine with the base image."""
    number, lock = _take_folder()
    # not in the folder: only root can enter that; nor in /tmp, which `unprivileged` covers where the
    # checkout is below it
    sockets = Path(tempfile.mkdtemp(prefix="alongside-engine-", dir="/run"))
    sockets.chmod(0o755)
    engine = DockerEngine(
        CACHE / "engines" / str(number), sockets / "docker.sock", f"10.{200 + number}.0.0/16"
    )
    try:
        engine.start()
        try:
            engine.empty()
            engine.base_image()
            yield engine
        finally:
            with suppress(RuntimeError):
                engine.empty()
            engine.stop()
    finally:
        shutil.rmtree(sockets)
        os.close(lock)


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    """Skips loudly at a desk without Docker; fails where CI=true, because there it must not be missing."""
    if given := os.environ.get(GIVEN):
        socket, subnet = given.split()
        yield DockerEngine(Path(), Path(socket), subnet)
        return
    if reason := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Docker Engine for the tests: {reason}")
        pytest.skip(f"NO DOCKER ENGINE, its executor is not tested: {reason}")
    with running_engine() as engine:
        yield engine


def _take_folder() -> tuple[int, int]:
    """A number that no other session of this machine has, and its lock.

    An engine that starts takes the rules away by which those beside it keep networks apart: sessions take
    turns if that does not take too long.
    """
    LOCKS.mkdir(mode=0o700, exist_ok=True)
    deadline = time.monotonic() + TURN_S
    while (lock := _locked(0)) is None and time.monotonic() < deadline:
        time.sleep(0.5)
    for number in range(50):
        lock = lock or _locked(number)
        if lock is not None:
            (CACHE / "engines" / str(number)).mkdir(mode=0o700, parents=True, exist_ok=True)
            return number, lock
    raise RuntimeError("50 test sessions with a Docker Engine each are running")


def _locked(number: int) -> int | None:
    lock = os.open(LOCKS / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock
    except BlockingIOError:
        os.close(lock)
        return None
