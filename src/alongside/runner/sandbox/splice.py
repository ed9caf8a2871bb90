"""Joins standard input and output with a port of the machine, as it is seen from inside.

Also a program for containers that have Python 3.8 or newer: `python3 -c <this file> <port>`. Stdlib only.
"""

import os
import socket
import sys
import threading

CHUNK = 65536
REFUSED = 111


def connect(port, source, sink):
    """Copy both ways until both are over; REFUSED when nobody listens at the port."""
    connection, why = None, ""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.connect((host, port))
            break
        except OSError as error:
            connection = None
            why = str(error)
    if connection is None:
        os.write(2, f"nothing listens on port {port}: {why}\n".encode())
        return REFUSED
    threading.Thread(target=_send, args=(source, connection), daemon=True).start()
    try:
        while True:
            data = connection.recv(CHUNK)
            if not data:
                return 0
            while data:
                data = data[os.write(sink, data) :]
    except OSError:
        return 1


def _send(source, connection):
    try:
        while True:
            data = os.read(source, CHUNK)
            if not data:
                break
            connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        connection.close()


if __name__ == "__main__":
    sys.exit(connect(int(sys.argv[1]), 0, 1))
