"""Whether the ports of an installation are free, and which setting moves each."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Sequence

from alongside.config import Config
from alongside.errors import Misconfigured

#: what an installation that is just ending may still need
PATIENCE_S = 5.0


def needed(config: Config) -> list[tuple[str, int, str]]:
    """(address, port, setting) of everything that will listen."""
    return [
        (config.edge.host, config.edge.port, "edge.port"),
        (config.hub.host, config.hub.port, "hub.port"),
        (config.dispatcher.host, config.dispatcher.port, "dispatcher.port"),
    ]


def taken(wanted: Sequence[tuple[str, int, str]]) -> list[str]:
    """One sentence per port that cannot be listened on."""
    sentences = []
    for host, port, setting in wanted:
        try:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind((host, port))
        except OSError as error:
            why = {
                errno.EADDRINUSE: "is taken by another program",
                errno.EACCES: "may only be used by root",
                errno.EADDRNOTAVAIL: "is not an address of this machine",
            }.get(error.errno or 0, error.strerror or str(error))
            sentences.append(f"{host}:{port} {why}; choose another: --set {setting}={port + 100}")
    return sentences


def require_free(config: Config, patience_s: float = PATIENCE_S) -> None:
    """
    Raises:
        Misconfigured: naming each port that is taken and the setting that moves it.
    """
    deadline = time.monotonic() + patience_s
    while sentences := taken(needed(config)):
        if time.monotonic() > deadline:
            raise Misconfigured("; ".join(sentences))
        time.sleep(0.2)
