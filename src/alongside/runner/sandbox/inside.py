"""First process of a sandbox: starts a tool's components in order, reaps, stops them in reverse.

Run by whatever Python the sandbox has (3.8 or newer), with one argument, the plan file; stdlib
only and nothing of ours. Tells what happens as JSON lines on the descriptor that the plan names.
"""

import contextlib
import json
import os
import resource
import signal
import socket
import sys
import threading
import time

CHUNK = 256 * 1024
WATCHED = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}


class Stopped(Exception):
    """The sandbox is to end, with this code."""


def main(plan_path):
    with open(plan_path, encoding="utf-8") as file:
        plan = json.load(file)
    os.sched_setaffinity(0, plan["cpus"])
    tool = Tool(plan)
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    try:
        for component in plan["components"]:
            tool.start(component)
            if component["awaited"]:
                tool.await_ready(component)
        tool.serve()
        while True:
            tool.look(None)
    except Stopped as end:
        code = end.args[0]
    tool.stop_all()
    sys.stdout.flush()
    os._exit(code)


class Tool:
    def __init__(self, plan):
        self.plan = plan
        #: name → pid, in the order of their start
        self.running = {}
        self.events = plan["events_fd"]
        os.set_inheritable(self.events, False)
        if plan["free_ports"]:
            choose_ports(plan["components"])

    def say(self, **event):
        with contextlib.suppress(OSError):
            os.write(self.events, json.dumps(event).encode() + b"\n")

    def start(self, component):
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            become(component, self.plan)
        self.running[component["name"]] = pid
        self.say(event="started", component=component["name"])

    def await_ready(self, component):
        """Others depend on it: they start once it answers, the tool fails if it never does."""
        probe = component["probe"]
        until = time.monotonic() + probe["timeout_s"]
        while not answers(component["host_port"], probe):
            if time.monotonic() > until:
                reason = f"component {component['name']} did not answer on port {component['host_port']}"
                reason += f" within {probe['timeout_s']:g} s"
                self.say(event="failed", reason_code="probe_timeout", reason=reason)
                raise Stopped(1)
            self.look(probe["interval_s"])
        self.say(event="ready", component=component["name"])

    def serve(self):
        """Lead a Unix socket to the front component, unless it listens on one itself."""
        bridge = self.plan["bridge"]
        if bridge:
            port = next(c["host_port"] for c in self.plan["components"] if c["name"] == bridge["component"])
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(bridge["socket"])
            listener.listen(128)
            threading.Thread(target=accept, args=(listener, port), daemon=True).start()

    def look(self, seconds):
        """Wait for a signal, at most so long; raises Stopped when the tool is to end."""
        info = signal.sigwaitinfo(WATCHED) if seconds is None else signal.sigtimedwait(WATCHED, seconds)
        if info is not None and info.si_signo != signal.SIGCHLD:
            raise Stopped(143)
        ended = self.reap()
        if ended:
            raise Stopped(ended[0][1])

    def reap(self):
        ended = []
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return ended
            if pid == 0:
                return ended
            for name, known in list(self.running.items()):
                if known == pid:
                    del self.running[name]
                    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
                    self.say(event="exited", component=name, exit_code=code)
                    ended.append((name, code))

    def stop_all(self):
        """Politely in reverse order, each within its share of the grace, then by force."""
        until = time.monotonic() + self.plan["grace_s"]
        for name, pid in reversed(list(self.running.items())):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGTERM)
            while name in self.running and time.monotonic() < until:
                signal.sigtimedwait({signal.SIGCHLD}, 0.05)
                self.reap()
            if name in self.running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                self.say(event="killed", component=name)
        # whatever detached itself from its component; we are the first process and are spared
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)


def become(component, plan):
    """Turn this child into the component; never returns."""
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
        for name, value in plan["limits"].items():
            limit(getattr(resource, name), value)
        if component["stdin"] is None:
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        env = dict(component["env"])
        for other in plan["components"]:
            if other["host_port"]:
                key = other["name"].upper().replace("-", "_")
                env.setdefault(key + "_HOST", "127.0.0.1")
                env.setdefault(key + "_PORT", str(other["host_port"]))
        port = str(component["host_port"] or "")
        env = {name: value.replace("{port}", port) for name, value in env.items()}
        argv = [part.replace("{port}", port) for part in component["argv"]]
        os.chdir(component["cwd"])
        os.execvpe(argv[0], argv, env)
    except FileNotFoundError:
        reason = f"component {component['name']}: there is no program {component['argv'][0]!r}"
        tell(plan, reason_code="environment_missing", reason=reason)
        os._exit(127)
    except BaseException as error:
        reason = f"component {component['name']} cannot start: {error}"
        tell(plan, reason_code="environment_missing", reason=reason)
        os._exit(126)


def tell(plan, **event):
    os.write(2, (event["reason"] + "\n").encode())
    os.write(plan["events_fd"], json.dumps(dict(event, event="failed")).encode() + b"\n")


def limit(which, value):
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def choose_ports(components):
    """Ports of the host's own network, which others use too: whichever are free."""
    for component in components:
        if component["host_port"]:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                component["host_port"] = probe.getsockname()[1]


def answers(port, probe):
    try:
        with socket.create_connection(("127.0.0.1", probe["port"] or port), timeout=2) as connection:
            if probe["type"] == "tcp":
                return True
            request = f"GET {probe['path']} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            connection.sendall(request.encode())
            words = connection.recv(64).split(None, 2)
            return len(words) > 1 and words[0].startswith(b"HTTP/") and int(words[1]) < 500
    except (OSError, ValueError):
        return False


def accept(listener, port):
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=bridge, args=(client, port), daemon=True).start()


def bridge(client, port):
    try:
        server = socket.create_connection(("127.0.0.1", port))
    except OSError:
        client.close()
        return
    server.settimeout(None)
    there = threading.Thread(target=copy, args=(client, server), daemon=True)
    there.start()
    copy(server, client)
    there.join()
    client.close()
    server.close()


def copy(source, target):
    buffer = memoryview(bytearray(CHUNK))
    try:
        while True:
            count = source.recv_into(buffer)
            if not count:
                break
            target.sendall(buffer[:count])
    except OSError:
        with contextlib.suppress(OSError):
            source.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main(sys.argv[1])
