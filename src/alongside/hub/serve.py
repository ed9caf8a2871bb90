"""Runs the hub's request/response side: granian workers over the WSGI application."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from granian.constants import Interfaces
from granian.server import Server

from alongside import logs
from alongside.config import Config, environment_name
from alongside.errors import Misconfigured
from alongside.hub.app import create_app
from alongside.hub.store import migrate
from alongside.hub.store.database import Database

#: requests that one worker answers at once; each may hold a database connection
THREADS = 8
STOP_WITHIN_S = 10
PR_SET_PDEATHSIG = 1


def main(config: Config) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        Misconfigured: the port is taken, or the database's schema is not this version's.
    """
    logs.configure(config.log, "hub")
    check_port(config.hub.host, config.hub.port, "hub.port")
    _check_schema(config)
    server = Server(
        "alongside.hub.app:create_app",
        address=config.hub.host,
        port=config.hub.port,
        interface=Interfaces.WSGI,
        workers=config.hub.workers,
        blocking_threads=THREADS,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_WITHIN_S,
        log_enabled=False,
    )
    server.serve(target_loader=partial(_application, config, os.getpid()), wrap_loader=False)


def check_port(host: str, port: int, setting: str) -> None:
    """
    Raises:
        Misconfigured: another program listens there; says which setting to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without SO_REUSEPORT, which granian uses: with it two hubs would share the port in silence.
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            what = (
                f"port {port} on {host} is taken by another program"
                if error.errno == errno.EADDRINUSE
                else f"cannot listen on {host}, port {port}: {error.strerror}"
            )
            raise Misconfigured(
                f"{what}; choose another with {setting} ({environment_name(setting)})", setting=setting
            ) from None


def _check_schema(config: Config) -> None:
    # Closed before the workers are forked: a connection does not survive that.
    database = Database(config.database_url)
    try:
        migrate.check(database)
    finally:
        database.close()


def _application(config: Config, parent: int) -> Callable[..., Any]:
    """Called once in each worker."""
    _end_with(parent)
    return create_app(config)


def _end_with(parent: int) -> None:
    """A killed hub must not leave workers behind that keep the port."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
