"""A web server that sends half of every file at once and the rest when it is allowed to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HALF = b"x" * 50_000


class SlowHost(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        #: set while whole files are served
        self.open = threading.Event()
        #: files whose first half was asked for
        self.asked: list[str] = []

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class _Handler(BaseHTTPRequestHandler):
    server: SlowHost

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(2 * len(HALF)))
        self.end_headers()
        try:
            self.wfile.write(HALF)
            self.server.asked.append(self.path.strip("/"))
            self.server.open.wait(60)
            self.wfile.write(HALF)
        except OSError:
            # whoever fetched it was killed
            return

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def slow_host() -> Iterator[SlowHost]:
    host = SlowHost()
    thread = threading.Thread(target=host.serve_forever, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        host.open.set()
        host.shutdown()
        thread.join()
        host.server_close()
