"""A real PostgreSQL of the tests' own: a private cluster in a temporary folder, ended by its pid."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

START_S = 60.0
DEBIAN = "/usr/lib/postgresql"


class Postgres:
    """One running cluster; `new_database` gives each test a database of its own."""

    def __init__(self, folder: Path, programs: Path, user: str | None) -> None:
        self._folder = folder
        self._programs = programs
        #: PostgreSQL refuses to run as root
        self._user = user
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(self._programs / "postgres", "-D", data, "-p", str(self._port)),
                    *("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self._folder}"),
                    # Nobody needs these rows after a power cut.
                    *("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=60"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self._folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {(self._folder / 'log').read_text()[-500:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            # SIGQUIT is PostgreSQL's immediate shutdown: nothing is written that nobody reads again.
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(START_S)

    def new_database(self, template: str = "template0") -> str:
        """SQLAlchemy URL of a new database."""
        name = f"t{secrets.token_hex(6)}"
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        engine.dispose()
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://tests@127.0.0.1:{self._port}/{name}"

    def _answers(self) -> bool:
        asked = ["-q", "-h", "127.0.0.1", "-p", str(self._port)]
        return subprocess.run([self._programs / "pg_isready", *asked], check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            user=self._user,
            cwd=self._folder,
            check=True,
            capture_output=True,
        )


def programs() -> Path | None:
    """The folder of PostgreSQL's server programs, which Debian keeps out of PATH; the newest version."""
    on_path = shutil.which("postgres")
    if on_path and shutil.which("initdb"):
        return Path(on_path).resolve().parent
    found = sorted(Path(DEBIAN).glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def running() -> Iterator[Postgres]:
    """A cluster for a test session; where PostgreSQL is missing, tests skip at a desk and fail in CI."""
    found, user = programs(), _unprivileged_user()
    if found is None or (os.geteuid() == 0 and user is None):
        why = "PostgreSQL's server programs are missing: apt-get install postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="alongside-postgres-"))
    if user is not None:
        shutil.chown(folder, user)
    cluster = Postgres(folder, found, user)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged_user() -> str | None:
    """Whom a test run as root starts PostgreSQL as; None when nothing has to change."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
