"""A server of scripted event streams: each request gets the next script, then the connection breaks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class EventSource:
    """`scripts[n]` is the body of the n-th answer, or a status without a body; `asked` are the paths."""

    def __init__(self, scripts: Sequence[str | int]) -> None:
        self.asked: list[str] = []
        self._scripts = list(scripts)
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source.asked.append(self.path)
                script = source._scripts.pop(0)
                self.send_response(script if isinstance(script, int) else 200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                if isinstance(script, str):
                    self.wfile.write(script.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator[EventSource]:
        thread = threading.Thread(target=self._server.serve_forever, name="event source")
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()
