"""A whole installation to test against: hub, dispatcher, edge and runner as real processes.

    with Installation(tmp_path, data=tmp_path / "data") as place:
        run = place.client.launch("summary", "doi:10.5072/x")
        place.kill("runner")
        place.start("runner")

Every process listens on a free port of loopback, and everything that the installation started, tools
included, is gone when the block ends. `leftovers` says what is still there.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import pytest
import urllib3

from alongside import values
from alongside.cli.up.installation import environment
from alongside.client import Client
from alongside.client.errors import CallFailed, Refused
from alongside.config import (
    Config,
    DispatcherSettings,
    EdgeSettings,
    HubSettings,
    LogSettings,
    RunnerSettings,
)
from alongside.hub.bootstrap import Started, bootstrap
from alongside.spec.runs import Run, word
from alongside.spec.tools import Component, Probe, ToolSpec
from support import tool_programs
from support.visitors import Visitor
from support.web_tools import free_port

T = TypeVar("T")

PARTS = ("hub", "dispatcher", "edge", "runner")
#: name of the process executor's environment: the Python that runs the tests
ENVIRONMENT = "python"
START_MAX_S = 60.0
STOP_MAX_S = 60.0
TOLD_LINES = 25


class Installation:
    """One data folder and its processes; use it in `with`.

    `data` may be mounted as datasets. `settings` are sections of the configuration by name
    (`dispatcher={"lease_ttl_s": 2.0}`), laid over ones that suit tests: leases of 2 s and JSON logs.
    """

    def __init__(
        self, folder: Path, *, data: Path | None = None, site: str = "local", **settings: Mapping[str, Any]
    ) -> None:
        self.config = _config(_short(folder / "alongside"), data, settings)
        self._elsewhere = not self.config.data_dir.is_relative_to(folder)
        self.site = site
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        #: runners beyond the first, with what each reads instead
        self._more: dict[str, tuple[Config, str]] = {}
        self._visitors: list[Visitor] = []
        self._client: Client | None = None
        self._started: Started | None = None

    def __enter__(self) -> Installation:
        _require("haproxy", "bwrap")
        try:
            self.prepare()
            self.start(*PARTS)
            self.until(lambda: self._all_alive() and self.answers(), "the hub answers through the edge")
            self.until(lambda: self._all_alive() and self.online(), "the runner has joined")
        except BaseException:
            self._tell()
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._tell()
        self.close()

    def _tell(self) -> None:
        for name in (*PARTS, *self._more):
            sys.stderr.write(f"\n--- {name}\n{self.words(name)}\n")

    # What there is to talk to

    @property
    def url(self) -> str:
        return self.config.hub.url

    @property
    def client(self) -> Client:
        """As the administrator."""
        if self._client is None:
            self._client = Client(self.url, self.started.api_token)
        return self._client

    @property
    def started(self) -> Started:
        assert self._started is not None, "the installation has not been prepared"
        return self._started

    def person(self, name: str, role: str = "user") -> Client:
        """A client signed in as a new account of this name."""
        self.client.admin.add_account(name, role, password=f"{name}-password")
        client = Client(self.url)
        client.sign_in(name, f"{name}-password")
        return client

    def visitor(self, name: str | None = None) -> Visitor:
        """A browser; signed in by a one-time link when an account is named."""
        visitor = Visitor()
        self._visitors.append(visitor)
        if name is not None:
            token = self.client.admin.sign_in_link(name).url.partition("token=")[2]
            page = visitor.request(
                "POST",
                f"{self.url}/api/v1/sign-in/link",
                body=f'{{"token": "{token}"}}'.encode(),
                headers={"Content-Type": "application/json"},
            )
            assert page.status == 200, page.text
        return visitor

    # The processes

    def prepare(self) -> None:
        """What `alongside up` does before it starts anything; also after a stop, for fresh secrets."""
        self._started = bootstrap(self.config, datetime.now(UTC), site=self.site)

    def start(self, *names: str) -> None:
        """Start processes that are not running; does not wait for them."""
        folder = self.config.data_dir / "processes"
        folder.mkdir(exist_ok=True)
        for name in names:
            assert not self.running(name), f"the {name} runs already"
            config, token = self._more.get(name, (self.config, self.started.registration_token or ""))
            part = "runner" if name in self._more else name
            with (folder / f"{name}.log").open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "alongside.cli", "serve", part],
                    env=environment(config, token),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def add_runner(self, name: str, site: str | None = None, **settings: Any) -> None:
        """Start one more runner, at this site or a new one; returns when it has joined.

        `settings` are members of `RunnerSettings`. From now on its name is that of a process.
        """
        site = site or self.site
        if all(found.name != site for found in self.client.admin.sites()):
            self.client.admin.add_site(site, edge_url=self.config.edge.url)
        own = replace(self.config.runner, name=name, work_dir=str(self.config.data_dir / name))
        config = replace(self.config, runner=replace(own, **settings))
        self._more[name] = (config, self.client.admin.registration_token(site).secret)
        self.start(name)
        self.until(
            lambda: any(it.name == name and it.state == "online" for it in self.client.admin.runners()),
            f"the runner {name} has joined",
        )

    def stop(self, name: str) -> int:
        """SIGTERM, and the exit code."""
        process = self._processes[name]
        process.terminate()
        return process.wait(STOP_MAX_S)

    def kill(self, name: str) -> None:
        """SIGKILL: nothing can be tidied up."""
        process = self._processes[name]
        process.kill()
        process.wait(STOP_MAX_S)

    def strike(self, *names: str, pause_s: float = 0.0) -> None:
        """SIGKILL, start again after a pause, and wait until all parts work together again."""
        before = {runner.id: runner.epoch for runner in self.client.admin.runners()}
        for name in names:
            self.kill(name)
        time.sleep(pause_s)
        self.start(*names)
        begun = before if "runner" in names else {}
        self.until(lambda: self.well(begun), f"all is well after the death of {', '.join(names)}")

    def well(self, since: Mapping[str, int] | None = None) -> bool:
        """Whether every part answers, and runners have begun a session after these epochs."""
        try:
            return self.client.status()["dispatcher"]["alive"] and all(
                runner.state == "online" and runner.epoch > (since or {}).get(runner.id, -1)
                for runner in self.client.admin.runners()
            )
        except CallFailed:
            return False

    def running(self, name: str) -> bool:
        process = self._processes.get(name)
        return process is not None and process.poll() is None

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def words(self, name: str) -> str:
        """The end of what a process has written."""
        try:
            text = (self.config.data_dir / "processes" / f"{name}.log").read_text(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-TOLD_LINES:])

    def close(self) -> None:
        """End every run and every process of this installation."""
        if self.running("hub") and self.running("dispatcher") and self.running("runner"):
            with suppress(CallFailed, AssertionError):
                self.delete_runs()
        order = [*reversed(self._more), *reversed(PARTS)]
        for name in order:
            if self.running(name):
                self._processes[name].terminate()
        for name in order:
            if name in self._processes:
                try:
                    self._processes[name].wait(STOP_MAX_S)
                except subprocess.TimeoutExpired:
                    self.kill(name)
        for pid in self.leftovers():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for visitor in self._visitors:
            visitor.close()
        if self._client is not None:
            self._client.close()
        if self._elsewhere:
            shutil.rmtree(self.config.data_dir, ignore_errors=True)

    def delete_runs(self) -> None:
        """Delete every run for good and wait until its processes are gone."""
        deleted = [run.id for run in self.client.runs.list(all=True)]
        for run in deleted:
            self.client.runs.delete(run)
        self.until(lambda: not any(map(self.knows, deleted)), "every run is gone")

    def knows(self, run: str) -> bool:
        try:
            self.client.runs.show(run)
        except Refused as error:
            if error.code != "run_unknown":
                raise
            return False
        return True

    def leftovers(self) -> list[int]:
        """Processes, whoever their parent is, that name this installation's folder."""
        return list(_naming(str(self.config.data_dir.absolute())))

    # Waiting

    def until(self, look: Callable[[], T], what: str, *, within_s: float = START_MAX_S) -> T:
        """What `look` returns as soon as it is true; a process that died in the meantime is told."""
        deadline = time.monotonic() + within_s
        while not (found := look()):
            if time.monotonic() > deadline:
                dead = [name for name in self._processes if not self.running(name)]
                raise AssertionError(f"waited {within_s:g} s, but not: {what} (not running: {dead})")
            time.sleep(0.05)
        return found

    def answers(self) -> bool:
        try:
            return urllib3.request("GET", f"{self.url}/healthz", retries=False, timeout=2.0).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def _all_alive(self) -> bool:
        for name in PARTS:
            assert self.running(name), f"the {name} ended while the installation was starting"
        return True

    def online(self) -> bool:
        try:
            return any(runner.state == "online" for runner in self.client.admin.runners())
        except CallFailed:
            return False

    def word(self, run: str, *words: str, within_s: float = START_MAX_S) -> Run:
        """The run as soon as people would read one of these words for it."""
        return self.until(
            lambda: next((found for found in [self.client.runs.show(run)] if _word(found) in words), None),
            f"{run} is {' or '.join(words)}",
            within_s=within_s,
        )

    # Tools and data to begin with

    def publish(self, spec: ToolSpec) -> None:
        """Make a tool known, with its command in the environment of the tests' own Python."""
        self.client.tools.publish(values.dump_json(spec).decode())


def opened(folder: Path) -> Path:
    """The folder, such that tools, which run as users of their own, get through to what is below it."""
    for parent in (folder, *folder.parents):
        if parent.is_relative_to("/tmp/") and parent.stat().st_uid == os.getuid():
            parent.chmod(parent.stat().st_mode | 0o011)
    return folder


def task(
    name: str = "summary", program: str = tool_programs.TASK, *, image: str | None = None, **members: Any
) -> ToolSpec:
    """A task that runs a Python program; see `tool_programs.TASK`. With an image, on Docker too."""
    env = {"ALONGSIDE_INPUT": members["input_path"]} if members.get("input_path") else {}
    command = ("python3", "-c", program)
    component = Component(environment=ENVIRONMENT, image=image, command=command, env=env)
    return ToolSpec(name=name, version="1", kind="task", components=(component,), **members)


def server(
    name: str = "lab",
    program: str = tool_programs.SERVER,
    *extra: Component,
    image: str | None = None,
    where: str = "{socket}",
    **members: Any,
) -> ToolSpec:
    """An interactive double; see `tool_programs.SERVER` for its pages. `extra` components come before it."""
    component = Component(
        environment=ENVIRONMENT,
        image=image,
        command=("python3", "-c", program, where, name),
        port=8000,
        depends=tuple(other.name for other in extra),
        probe=Probe(path="/uid", timeout_s=30),
    )
    return ToolSpec(name=name, version="1", kind="interactive", components=(*extra, component), **members)


def _require(*programs: str) -> None:
    """Where a program is missing, tests skip at a desk and fail in CI."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    missing = [program for program in programs if shutil.which(program, path=path) is None]
    if missing:
        told = f"a whole installation needs {' and '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)


def _short(folder: Path) -> Path:
    # A run's sockets live below this folder, and a Unix socket's path has room for 107 bytes.
    return folder if len(str(folder.absolute())) <= 40 else Path(tempfile.mkdtemp(prefix="alongside-"))


def _config(folder: Path, data: Path | None, settings: Mapping[str, Mapping[str, Any]]) -> Config:
    ports = [free_port() for _ in range(3)]
    url = f"http://127.0.0.1:{ports[0]}"
    config = Config(
        data_dir=folder,
        hub=HubSettings(port=ports[1], url=url),
        dispatcher=DispatcherSettings(port=ports[2], lease_ttl_s=2.0, sync_every_s=0.5, wait_s=1.0),
        edge=EdgeSettings(
            port=ports[0],
            url=f"http://{{run}}.localhost:{ports[0]}",
            hub_upstream=f"127.0.0.1:{ports[1]}",
            live_upstream=f"127.0.0.1:{ports[2]}",
            slots=16,
        ),
        runner=RunnerSettings(
            hub_url=url,
            name="runner",
            data_roots=(str(data.absolute()),) if data else (),
            environments=(f"{ENVIRONMENT}={sys.prefix}",),
            executors=("alongside.runner.executors.process",),
            cpus=4.0,
            memory_gb=4.0,
        ),
        log=LogSettings(format="json"),
    )
    for section, members in settings.items():
        config = replace(config, **{section: replace(getattr(config, section), **members)})
    return config


def _word(run: Run) -> str:
    return word(run.state, ready=run.ready, kind=run.kind)


def _naming(folder: str) -> Iterator[int]:
    needle = folder.encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            told = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
            # A zombie has neither: what is dead is not left behind.
            if needle in told:
                yield int(entry.name)
