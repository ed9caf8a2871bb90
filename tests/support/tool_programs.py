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

#: says "began" once, then runs until the file named by its argument {"gate"} appears in its first
#: dataset; asked to end, it takes a second over it
GATED = """
import json, os, pathlib, signal, sys, time
def bye(*_):
    print("asked to end", file=sys.stderr, flush=True)
    time.sleep(1)
    os._exit(143)
signal.signal(signal.SIGTERM, bye)
gate = pathlib.Path(os.environ["ALONGSIDE_DATA"], "gates", json.load(sys.stdin)["gate"])
print("began", file=sys.stderr, flush=True)
while not gate.exists():
    time.sleep(0.02)
with open(os.environ["ALONGSIDE_OUTPUT"] + "/done.txt", "a") as done:
    done.write("done")
"""

#: a web server on a Unix socket (first argument contains a slash) or a port; see its paths below.
#: /ws echoes and sends a numbered beat every 0.2 s; /connect/<host>/<port> and /connect/unix/<path>
#: try to reach something; /of/<component>/<path> passes on what that component answers
SERVER = """
import base64, hashlib, http.client, http.server, json, os, pathlib, signal, socket, socketserver, sys
import threading, time
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
        if self.path == "/ws":
            return self.talk()
        if self.path.startswith("/connect/"):
            return self.answer(200, self.connected(*self.path.split("/", 3)[2:]))
        if self.path.startswith("/of/"):
            _, _, name, path = self.path.split("/", 3)
            host, port = (os.environ[name.upper() + part] for part in ("_HOST", "_PORT"))
            there = http.client.HTTPConnection(host, int(port))
            there.request("GET", "/" + path)
            found = there.getresponse()
            return self.answer(found.status, found.read().decode())
        try:
            path = home / self.path.lstrip("/")
            self.answer(200, "\\n".join(sorted(os.listdir(path))) if path.is_dir() else path.read_text())
        except OSError as error:
            self.answer(404, str(error))
    def connected(self, host, rest):
        try:
            if host == "unix":
                socket.socket(socket.AF_UNIX).connect("/" + rest)
            else:
                socket.create_connection((host, int(rest)), timeout=1).close()
            return "connected"
        except OSError as error:
            return "refused: " + str(error)
    def talk(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest())
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept.decode())
        self.end_headers()
        lock = threading.Lock()
        def say(text):
            with lock:
                self.wfile.write(bytes([0x81, len(text)]) + text.encode())
        def beat():
            number = 0
            try:
                while True:
                    number += 1
                    say("beat %d" % number)
                    time.sleep(0.2)
            except (OSError, ValueError):
                pass
        threading.Thread(target=beat, daemon=True).start()
        self.close_connection = True
        while len(head := self.rfile.read(2)) == 2 and head[0] & 15 == 1:
            mask, data = self.rfile.read(4), self.rfile.read(head[1] & 127)
            say("echo " + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)).decode())
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
