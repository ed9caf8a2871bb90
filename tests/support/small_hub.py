"""A real hub without dispatcher and runners: the Flask application on a free port, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from werkzeug.serving import make_server

from alongside import logs
from alongside.config import Config, read
from alongside.hub.app import create_app
from alongside.hub.bootstrap import Started, bootstrap


@dataclass(frozen=True)
class SmallHub:
    config: Config
    started: Started

    @property
    def url(self) -> str:
        return self.config.hub.url

    @property
    def token(self) -> str:
        return self.started.api_token


@contextmanager
def small_hub(folder: Path) -> Iterator[SmallHub]:
    """A bootstrapped installation in `folder`, answering until the block ends."""
    config = read(environ={}, flags={"data_dir": folder, "log.level": "error"})
    logs.configure(config.log, "hub")
    started = bootstrap(config, datetime.now(UTC))
    server = make_server("127.0.0.1", 0, create_app(config), threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, name="small hub")
    thread.start()
    try:
        yield SmallHub(replace(config, hub=replace(config.hub, url=url)), started)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
