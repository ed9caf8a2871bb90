"""Programs in runs from outside, on both executors: `alongside exec`, real ssh, scp, sftp and ports."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from alongside.cli.up.installation import environment
from alongside.client.errors import Refused
from alongside.client.shells import NotInside, opened
from alongside.spec.runs import Run
from alongside.spec.shells import OUTPUT, Wish
from alongside.spec.tools import Resources
from support.docker_engine import BASE, missing, running_engine
from support.installation import Installation, server

SMALL = Resources(cpus=0.5, memory_gb=0.5)
#: for a program to be started on a busy machine
WAIT_S = 120


class Place:
    """A run on one executor, and commands of this machine that reach it."""

    def __init__(self, place: Installation, run: Run, folder: Path) -> None:
        self.place = place
        self.run = run
        self.folder = folder
        self.env = {
            **environment(place.config, ""),
            "ALONGSIDE_URL": place.url,
            "ALONGSIDE_TOKEN": place.started.api_token,
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
        }

    def alongside(self, *arguments: str, input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return self.command([sys.executable, "-m", "alongside.cli", *arguments], input)

    def command(self, argv: list[str], input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(argv, input=input, env=self.env, capture_output=True, timeout=WAIT_S)

    def ssh(self, program: str, *arguments: str, input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return self.command([program, "-F", str(self.folder / "ssh_config"), *arguments], input)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    folder = tmp_path_factory.mktemp("shells")
    executors: tuple[str, ...] = ("alongside.runner.executors.process",)
    if why := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Docker Engine for the tests: {why}")
        with Installation(folder, runner={"executors": executors}) as place:
            yield _opened(place, folder, ["process"])
        return
    with running_engine() as engine:
        executors += ("alongside.runner.executors.docker",)
        runner: dict[str, Any] = {"docker_socket": str(engine.socket), "tool_subnet": engine.subnet}
        with Installation(folder, runner={"executors": executors, **runner}) as place:
            yield _opened(place, folder, ["process", "docker"])


def _opened(place: Installation, folder: Path, kinds: list[str]) -> dict[str, Place]:
    place.publish(server("lab", image=BASE, resources=SMALL))
    places: dict[str, Place] = {}
    for kind in kinds:
        run = place.client.launch("lab", executor=kind)
        own = folder / kind
        own.mkdir()
        places[kind] = Place(place, place.word(run.id, "Ready", "Failed", within_s=WAIT_S), own)
        config = places[kind].alongside("ssh-config")
        assert config.returncode == 0, config.stderr
        # the command that ssh runs is the one of these tests
        text = config.stdout.decode()
        assert f"Host {run.id}.alongside" in text
        (own / "ssh_config").write_text(text)
    return places


@pytest.fixture(params=["process", "docker"])
def place(request: pytest.FixtureRequest, installed: dict[str, Place]) -> Place:
    if request.param not in installed:
        pytest.skip(f"NO DOCKER ENGINE: {missing()}")
    return installed[request.param]


def test_exec_passes_streams_and_the_exit_code(place: Place) -> None:
    done = place.alongside(
        "exec",
        place.run.id,
        "--",
        "sh",
        "-c",
        "cat; echo $ALONGSIDE_RUN; echo no >&2; exit 5",
        input=b"given\n",
    )
    assert done.stdout.decode().split() == ["given", place.run.id], done.stderr
    assert (done.stderr, done.returncode) == (b"no\n", 5)


def test_ssh_scp_sftp_and_a_forwarded_port(place: Place) -> None:
    host = f"{place.run.id}.alongside"
    done = place.ssh("ssh", host, "cat; pwd; exit 3", input=b"by ssh\n")
    assert done.returncode == 3, done.stderr
    assert done.stdout.decode().split("\n")[:2] == ["by ssh", "/home/admin"]
    # more than a packet, to and fro
    here, back = place.folder / "file", place.folder / "back"
    here.write_bytes(os.urandom(1_500_000))
    done = place.ssh("scp", "-q", str(here), f"{host}:there")
    assert done.returncode == 0, done.stderr
    done = place.ssh("sftp", "-q", "-b", "-", host, input=f"get there {back}\nls -l\nrm there\n".encode())
    assert done.returncode == 0, done.stderr
    assert b"there" in done.stdout
    assert back.read_bytes() == here.read_bytes()
    # a port that only the run's own loopback has: stdin and stdout are joined with it
    listening = subprocess.Popen(
        [
            *("ssh", "-F", str(place.folder / "ssh_config"), host),
            'exec python3 -c \'import socket; s = socket.create_server(("127.0.0.1", 9321)); '
            'print("on", flush=True); s.accept()[0].sendall(b"through")\'',
        ],
        env=place.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    try:
        assert listening.stdout is not None
        assert listening.stdout.readline() == b"on\n"
        found = place.place.until(
            lambda: [port for port in place.place.client.runs.ports(place.run.id).items if port.port == 9321],
            "the port is listed",
        )
        assert found[0].address == "127.0.0.1"
        done = place.ssh("ssh", "-W", "localhost:9321", host)
        assert done.stdout == b"through", done.stderr
        assert listening.wait(WAIT_S) == 0
    finally:
        listening.kill()
        listening.wait()
        if listening.stdout:
            listening.stdout.close()


def test_a_terminal_of_ours_is_a_terminal_there(place: Place) -> None:
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "alongside.cli", "shell", place.run.id],
            env={**place.env, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.write(ours, b"echo it is $((6*7)); tty; exit 4\n")
        said = b""
        deadline = time.monotonic() + WAIT_S
        while b"it is 42" not in said or b"/dev/pts/" not in said:
            assert time.monotonic() < deadline, said
            if select.select([ours], [], [], 1)[0]:
                said += os.read(ours, 65536)
        assert process.wait(WAIT_S) == 4
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_shell_closes_when_access_is_revoked_and_a_ticket_opens_once(place: Place) -> None:
    client = place.place.client

    async def revoked_after() -> float:
        access = client.runs.shell(place.run.id)
        async with opened(access, Wish(argv=("sh", "-c", "echo on; sleep 600"))) as shell:
            output = shell.output()
            assert await anext(output) == (OUTPUT, b"on\n")
            with pytest.raises(NotInside, match="used before"):
                async with opened(access, Wish()) as second:
                    await anext(second.output())
            edge = place.place.config.control_socket
            async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(edge))) as http:
                url = f"http://edge/routes/{place.run.id}/revoke"
                assert (await http.post(url, json={"grantee": None})).status == 200
                answered = time.monotonic()
                with pytest.raises(NotInside, match="revoked"):
                    await anext(output)
                return time.monotonic() - answered

    def in_time() -> bool:
        return asyncio.run(asyncio.wait_for(revoked_after(), WAIT_S)) < 1

    # A machine that stood still for a second is let off once.
    assert in_time() or in_time()


def test_others_get_no_shell_and_no_ticket_opens_another_door(installed: dict[str, Place]) -> None:
    place = installed["process"]
    with pytest.raises(Refused, match="no run"):
        place.place.person("eve").runs.shell(place.run.id)
    access = place.place.client.runs.shell(place.run.id)
    visitor = place.place.visitor()
    # a ticket for a shell is none for the tool, and the door takes no other site's page
    assert visitor.get(f"{place.run.url}/.alongside/ticket?t={access.ticket}").status == 401
    page = visitor.get(f"{place.run.url}/.alongside/shell", headers={"Origin": "https://evil.example"})
    assert page.status == 403
