"""Shows the files below $ALONGSIDE_DATA, as the smallest example of an interactive tool."""

import functools
import http.server
import os
import signal
import sys

folder = os.environ.get("ALONGSIDE_DATA", ".")
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
# the engine asks with TERM; without this, Python's own end would be exit code 143
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), handler).serve_forever()
