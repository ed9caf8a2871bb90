"""Small tools for tests, as Python programs passed with -c: stdlib only, any Python 3.8 or newer."""

from __future__ import annotations

#: reads JSON arguments on stdin: {"exit_code", "sleep_s", "text"}; copies its input, tells progress
TASK = """
import json, os, pathlib, sys, time
arguments = json.load(sys.stdin)
print("progress: 10 reading", file=sys.stderr, flush=True)
source = pathlib.Path(os.environ["ALONGSIDE_INPUT"]) if "ALONGSIDE_INPUT" in os.environ else None
time.sleep(arguments.get("sleep_s", 0))
output = pathlib.Path(os.environ["ALONGSIDE_OUTPUT"])
(output / "sub").mkdir()
(output / "sub" / "copy.txt").write_text(source.read_text() if source else arguments.get("text", ""))
print("progress: 100 written", file=sys.stderr, flush=True)
sys.exit(arguments.get("exit_code", 0))
"""

#: a web server on a Unix socket (first argument contains a slash) or a port; see its paths below
SERVER = """
import http.server, json, os, pathlib, signal, socketserver, sys
home = pathlib.Path(os.environ["HOME"])
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def address_string(self):
        return "-"
    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if self.path == "/env":
            return self.answer(200, json.dumps(dict(os.environ)))
        if self.path == "/uid":
            return self.answer(200, str(os.getuid()))
        if self.path == "/die":
            os._exit(9)
        try:
            path = home / self.path.lstrip("/")
            self.answer(200, "\\n".join(sorted(os.listdir(path))) if path.is_dir() else path.read_text())
        except OSError as error:
            self.answer(404, str(error))
    def do_PUT(self):
        try:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            (home / self.path.lstrip("/")).write_bytes(body)
            self.answer(200, "written")
        except OSError as error:
            self.answer(403, error.strerror)
class Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
class Port(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
def bye(*_):
    print("asked to end:", sys.argv[2] if len(sys.argv) > 2 else "server", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, bye)
where = sys.argv[1]
if "/" in where:
    if os.path.exists(where):
        os.unlink(where)
    server = Unix(where, Handler)
else:
    server = Port(("0.0.0.0", int(where)), Handler)
print("listening:", sys.argv[2] if len(sys.argv) > 2 else "server", flush=True)
server.serve_forever()
"""
