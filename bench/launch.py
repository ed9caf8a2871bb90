"""From asking for a tool to its first answer: Alongside beside `docker run` and beside JupyterHub.

One light tool (a web server of ten lines in Python) from one image on one Docker Engine, three ways in turn:

- `docker run -d`, and asking the container's address until it answers;
- POST /api/v1/runs, waiting for `ready` on the progress stream, and opening the tool through the edge as a
  browser does (hub, ticket, cookie, tool);
- JupyterHub + DockerSpawner + configurable-http-proxy: POST …/server, then asking through the proxy.

Then the same launch on a dataset of 1 MB and on one of 10 GB (sparse).

Claims (issue 3): the median overhead over `docker run` is at most 150 ms; ahead of JupyterHub; a launch on
10 GB takes no longer than one on 1 MB.

    python bench/launch.py [--rounds 15] [--steps]

Needs root, dockerd and mmdebstrap; JupyterHub comes from PyPI and its proxy from npm, as locked.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import urllib3

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import peers

from alongside.spec.runs import Run
from alongside.spec.tools import Component, Probe, Resources, ToolSpec
from support.docker_engine import BASE, DockerEngine, missing, running_engine
from support.installation import PARTS, Installation, opened
from support.web_tools import free_port

OVERHEAD_MAX_MS = 150.0
#: a launch on 10 GB against one on 1 MB: within this, or within FLAT_MS
FLAT_RATIO, FLAT_MS = 1.1, 30.0
ASK_S = 0.003
WITHIN_S = 60.0
PORT = 8888
NETWORK = "bench"
SMALL, LARGE = 10**6, 10**10
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")

#: answers 200 to whatever is asked; says when it began to listen
SERVER = """
import socket, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", int(sys.argv[1]))); s.listen(64)
print("listening", time.time(), flush=True)
while True:
    c, _ = s.accept()
    try:
        while b"\\r\\n\\r\\n" not in c.recv(65536): pass
        c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nConnection: close\\r\\n\\r\\nhere\\n")
    except OSError: pass
    c.close()
"""
COMMAND = ("python3", "-I", "-S", "-c", SERVER)

STEPS = (
    "the hub takes the request (POST)",
    "it is placed",
    "the runner has it",
    "the container is made",
    "the container is started",
    "the tool listens",
    "its way through the edge is open",
    "the hub hears that it is ready",
    "the caller hears it",
    "the page is open (hub, ticket, cookie, tool)",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", action="store_true", help="what a launch consists of, in medians")
    parser.add_argument("--alone", action="store_true", help="without JupyterHub")
    options = parser.parse_args()
    if reason := missing():
        say(f"NOT MEASURED: {reason}")
        return 1
    with ExitStack() as stack:
        engine = stack.enter_context(running_engine())
        engine.docker("network", "create", "--subnet", "10.99.0.0/24", NETWORK)
        folder = opened(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))))
        alongside = stack.enter_context(Alongside.begun(folder, engine))
        ways: dict[str, Callable[[], float]] = {
            "docker run": lambda: raw(engine),
            "Alongside": alongside.launch,
            "Alongside, 1 MB": lambda: alongside.launch("doi:10.5072/small"),
            "Alongside, 10 GB": lambda: alongside.launch("doi:10.5072/large"),
        }
        absent = ""
        if not options.alone:
            try:
                ways["JupyterHub"] = stack.enter_context(JupyterHub.begun(folder, engine)).launch
            except peers.NotHere as error:
                absent = str(error)
        took = measure(ways, options.rounds)
        if options.steps:
            alongside.tell_steps()
    return judge(took, absent, alone=options.alone)


def measure(ways: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds per way and round; in turn, so that what else the machine does meets all alike."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, launch in ways.items():
            seconds = launch()
            # the first round fills caches, here and there
            if number:
                took[name].append(seconds * 1e3)
    return took


def judge(took: dict[str, list[float]], absent: str, *, alone: bool) -> int:
    raws = took["docker run"]
    say(f"{'':18} {'median':>9} {'least':>9} {'most':>9}   against docker run, round by round")
    for name, all_ms in took.items():
        more = statistics.median(one - base for one, base in zip(all_ms, raws, strict=True))
        say(
            f"{name:18} {statistics.median(all_ms):6.0f} ms {min(all_ms):6.0f} ms {max(all_ms):6.0f} ms"
            f"   {more:+.0f} ms"
        )
    ours = took["Alongside"]
    overhead = statistics.median(one - base for one, base in zip(ours, raws, strict=True))
    small, large = (statistics.median(took[f"Alongside, {size}"]) for size in ("1 MB", "10 GB"))
    claims = [
        (f"overhead over docker run {overhead:.0f} ms, at most {OVERHEAD_MAX_MS:.0f} ms",
         overhead <= OVERHEAD_MAX_MS),
        (f"flat in the size of the dataset: 10 GB takes {large / small:.2f} times what 1 MB takes",
         large <= small * FLAT_RATIO or large <= small + FLAT_MS),
    ]  # fmt: skip
    if "JupyterHub" in took:
        ratio = statistics.median(there / here for there, here in zip(took["JupyterHub"], ours, strict=True))
        claims.append((f"JupyterHub takes {ratio:.1f} times as long", ratio > 1))
    elif not alone:
        say(f"NOT MEASURED AGAINST JUPYTERHUB: {absent}")
        claims.append(("ahead of JupyterHub", False))
    for claim, holds in claims:
        say(f"{claim}: {'holds' if holds else 'DOES NOT HOLD'}")
    return 0 if all(holds for _, holds in claims) else 1


# Raw


def raw(engine: DockerEngine) -> float:
    """`docker run` of the same image and command on a bridge, until it answers."""
    address, name = "10.99.0.77", f"raw-{secrets.token_hex(4)}"
    begun = time.perf_counter()
    engine.docker(
        *("run", "--detach", "--name", name, "--network", NETWORK, "--ip", address, BASE, *COMMAND, str(PORT))
    )
    until_answered(f"http://{address}:{PORT}/")
    took = time.perf_counter() - begun
    engine.docker("rm", "--force", name)
    return took


# Alongside


class Alongside:
    """A whole installation with the settings of production, and what its launches consisted of."""

    def __init__(self, place: Installation, engine: DockerEngine) -> None:
        self.place = place
        self.engine = engine
        self.visitor = place.visitor("admin")
        self.steps: list[list[float]] = []
        #: processor time of each launch by process, in ms
        self.worked: dict[str, list[float]] = {}

    @classmethod
    @contextmanager
    def begun(cls, folder: Path, engine: DockerEngine) -> Iterator[Alongside]:
        data = folder / "data"
        data.mkdir()
        with Installation(
            folder,
            data=data,
            dispatcher={"lease_ttl_s": 15.0, "sync_every_s": 5.0, "wait_s": 4.0},
            runner={
                "executors": ("alongside.runner.executors.docker",),
                "docker_socket": str(engine.socket),
                "tool_subnet": engine.subnet,
            },
        ) as place:
            place.publish(light("light", ("{port}",)))
            for name, size in (("small", SMALL), ("large", LARGE)):
                with (data / name).open("wb") as file:
                    file.truncate(size)
                place.client.datasets.register(
                    [{"site": "local", "path": str(data / name), "kind": "file"}],
                    identifiers=[f"doi:10.5072/{name}"],
                )
            yield cls(place, engine)

    def launch(self, *datasets: str) -> float:
        before = self._processor_ms()
        clock, begun = time.time(), time.perf_counter()
        run = self.place.client.launch("light", *datasets)
        asked = time.time()
        for step in self.place.client.runs.progress(run.id):
            if step.failed:
                raise RuntimeError(step.message)
        heard = time.time()
        page = self.visitor.get(f"{self.place.url}/open/{run.id}")
        took = time.perf_counter() - begun
        if page.status != 200:
            raise RuntimeError(f"{page.url} answers {page.status}: {page.text[:300]}")
        for name, spent in self._processor_ms().items():
            self.worked.setdefault(name, []).append(spent - before.get(name, 0.0))
        self._note(run, clock, asked, heard, clock + took)
        self.place.client.runs.delete(run.id)
        self.place.until(lambda: not self.place.knows(run.id), f"{run.id} is gone")
        return took

    def _note(self, run: Run, clock: float, asked: float, heard: float, answered: float) -> None:
        """The moments of one launch as hub, runner, engine and tool wrote them down, by one clock."""
        events = list(self.place.client.runs.events(run.id))
        hub = {
            event.kind if event.kind == "ready" else event.state: event.at.timestamp()
            for event in reversed(events)
        }
        folder = self.place.config.data_dir / f"runner/attempts/{run.id}-1"
        reports = [json.loads(line) for line in (folder / "reports.jsonl").read_text().splitlines()]
        told = {item.get("reason_code") or item["kind"]: _seconds(item["at"]) for item in reversed(reports)}
        said = (folder / "log").read_text().split()
        (container,) = self.engine.lines("ps", "--quiet", "--filter", f"label=alongside.run={run.id}")
        made, started = self.engine.docker(
            "inspect", "--format", "{{.Created}} {{.State.StartedAt}}", container
        ).stdout.split()
        taken = (folder / "assignment.json").stat().st_mtime
        moments = [
            asked, hub["initializing"], taken, _seconds(made), _seconds(started), float(said[-1]),
            told["ready"], hub["ready"], heard, answered,
        ]  # fmt: skip
        self.steps.append([moment - clock for moment in moments])

    def tell_steps(self) -> None:
        say("What a launch consists of (medians, ms from the POST; some steps overlap):")
        before = 0.0
        for name, moments in zip(STEPS, zip(*self.steps, strict=True), strict=True):
            at = statistics.median(moments) * 1e3
            say(f"  {name:46} {at:6.0f}  {at - before:+6.0f}")
            before = at
        spent = ", ".join(f"{name} {statistics.median(all_ms):.0f}" for name, all_ms in self.worked.items())
        say(f"Processor time of a launch (medians, ms): {spent}")

    def _processor_ms(self) -> dict[str, float]:
        """Of our processes with their children, and of the engine."""
        of = {self.place.pid(name): name for name in PARTS} | {self.engine.pid: "engine"}
        found: dict[str, float] = dict.fromkeys(of.values(), 0.0)
        parents: dict[int, int] = {}
        spent: dict[int, float] = {}
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
                spent[int(entry.name)] = sum(map(int, fields[11:13])) * TICK_MS
        for pid, ticks in spent.items():
            above: int | None = pid
            while above is not None and above not in of:
                above = parents.get(above)
            if above is not None:
                found[of[above]] += ticks
        return found


def light(name: str, words: tuple[str, ...]) -> ToolSpec:
    component = Component(
        environment="python", image=BASE, command=(*COMMAND, *words), port=PORT, probe=Probe(type="http")
    )
    return ToolSpec(
        name=name,
        version="1",
        kind="interactive",
        components=(component,),
        resources=Resources(cpus=0.5, memory_gb=0.25),
    )


# JupyterHub


class JupyterHub:
    """Hub, proxy and spawner with their own settings, but for addresses and the command."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(retries=False, timeout=WITHIN_S)
        self._headers = {"Authorization": f"token {token}"}

    @classmethod
    @contextmanager
    def begun(cls, folder: Path, engine: DockerEngine) -> Iterator[JupyterHub]:
        programs, proxy = peers.jupyterhub(), peers.configurable_http_proxy()
        there, token, ports = folder / "jupyterhub", secrets.token_hex(16), [free_port() for _ in range(3)]
        there.mkdir()
        (there / "jupyterhub_config.py").write_text(_configuration(proxy, token, ports, engine))
        with (there / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "jupyterhub", "--config", there / "jupyterhub_config.py"],
                cwd=there,
                env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}",
                     "DOCKER_HOST": f"unix://{engine.socket}"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )  # fmt: skip
        try:
            hub = cls(f"http://127.0.0.1:{ports[0]}", token)
            try:
                until_answered(f"{hub.url}/hub/api/")
                hub.call("POST", "/hub/api/users/ada")
            except (TimeoutError, RuntimeError) as error:
                raise peers.NotHere(
                    f"JupyterHub does not answer: {error}; {(there / 'log').read_text()[-800:]}"
                ) from None
            yield hub
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()

    def launch(self) -> float:
        begun = time.perf_counter()
        asking = threading.Thread(target=self.call, args=("POST", "/hub/api/users/ada/server"))
        asking.start()
        until_answered(f"{self.url}/user/ada/api")
        took = time.perf_counter() - begun
        asking.join()
        self.call("DELETE", "/hub/api/users/ada/server")
        deadline = time.monotonic() + WITHIN_S
        while json.loads(self.call("GET", "/hub/api/users/ada")).get("servers"):
            if time.monotonic() > deadline:
                raise TimeoutError("JupyterHub does not stop its server")
            time.sleep(0.1)
        return took

    def call(self, method: str, path: str) -> bytes:
        answer = self._pool.request(method, self.url + path, headers=self._headers)
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.data[:300]!r}")
        return answer.data


def _configuration(proxy: Path, token: str, ports: list[int], engine: DockerEngine) -> str:
    settings: dict[str, Any] = {
        "JupyterHub.bind_url": f"http://127.0.0.1:{ports[0]}",
        "JupyterHub.hub_bind_url": f"http://127.0.0.1:{ports[1]}",
        "ConfigurableHTTPProxy.api_url": f"http://127.0.0.1:{ports[2]}",
        "ConfigurableHTTPProxy.command": [str(proxy)],
        "JupyterHub.authenticator_class": "dummy",
        "Authenticator.allow_all": True,
        "JupyterHub.spawner_class": "dockerspawner.DockerSpawner",
        "JupyterHub.services": [{"name": "bench", "api_token": token, "admin": True}],
        "DockerSpawner.image": BASE,
        "DockerSpawner.cmd": [*COMMAND, str(PORT)],
        "DockerSpawner.port": PORT,
        "DockerSpawner.network_name": NETWORK,
        "DockerSpawner.use_internal_ip": True,
        "DockerSpawner.remove": True,
        "DockerSpawner.notebook_dir": "/tmp",
    }
    return "".join(f"c.{name} = {value!r}\n" for name, value in settings.items())


# Shared


def until_answered(url: str) -> None:
    """Ask until there is a 200.

    Raises:
        TimeoutError
    """
    pool = urllib3.PoolManager(retries=False, timeout=5.0)
    deadline = time.monotonic() + WITHIN_S
    while True:
        with suppress(urllib3.exceptions.HTTPError):
            if pool.request("GET", url, redirect=False).status == 200:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} did not answer within {WITHIN_S:g} s")
        time.sleep(ASK_S)


def _seconds(instant: str) -> float:
    whole, _, rest = instant.rstrip("Z").partition(".")
    fraction = float(f"0.{rest.partition('+')[0] or 0}")
    return datetime.fromisoformat(f"{whole.partition('+')[0]}+00:00").timestamp() + fraction


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
