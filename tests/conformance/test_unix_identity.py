"""Whose the files are that a tool writes, on every executor: its account's, and its group's in theirs.

The group's folder is exported by this machine's NFS server and mounted from it, where the kernel has
one; where it has none the folder is a bind mount, and the test says so. Root only: nobody else can
be somebody else.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alongside.config import RunnerSettings
from alongside.runner.executors import Job
from alongside.runner.homes import Homes
from alongside.runner.programs import Program
from alongside.spec.wire import Owner
from conformance.conftest import Bench
from support.endpoints import ready, request

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root gives uids")

TABLE = ("alice:5001:5000:lab=6001 archive=6002", "bob:5002:5000:lab=6001", "eve:5003:5000")


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, timeout=60)


@pytest.fixture
def shared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Path]:
    """A folder on a file system of its own: NFS if that can be had."""
    exported, mounted = tmp_path / "exported", tmp_path / "mounted"
    for folder in (exported, mounted):
        folder.mkdir()
    served = "nfsd" in Path("/proc/filesystems").read_text() and shutil.which("exportfs")
    if served:
        _run("mount", "-t", "nfsd", "nfsd", "/proc/fs/nfsd")
        _run("rpc.nfsd", "1")
        _run("exportfs", "-o", "rw,no_root_squash,no_subtree_check,fsid=7001", f"127.0.0.1:{exported}")
        _run("mount", "-t", "nfs4", f"127.0.0.1:{exported}", str(mounted))
    else:
        with capsys.disabled():
            sys.stdout.write(
                f"\n*** NO NFS SERVER in kernel {os.uname().release}: shown for a bind mount only ***\n"
            )
        _run("mount", "--bind", str(exported), str(mounted))
    try:
        yield mounted
    finally:
        _run("umount", "--lazy", str(mounted))
        if served:
            _run("exportfs", "-u", f"127.0.0.1:{exported}")
            _run("rpc.nfsd", "0")


class Site:
    def __init__(self, bench: Bench, shared: Path) -> None:
        for name, gid in (("lab", 6001), ("archive", 6002)):
            (shared / name).mkdir()
            os.chown(shared / name, 0, gid)
            (shared / name).chmod(0o2770)
        self.bench = bench
        self.homes = Homes(
            RunnerSettings(
                identity="table",
                identity_table=TABLE,
                group_folders=(f"lab={shared}/lab", f"archive={shared}/archive:ro"),
                homes_dir=str(shared / "home"),
            ),
            bench.work_dir,
        )

    def job(self, name: str, *groups: str) -> Job:
        job = self.bench.job(self.bench.server())
        owner = Owner(f"01k{name}", name, groups)
        places = self.homes.places(replace(job.assignment, owner=owner))
        return replace(
            job,
            assignment=replace(job.assignment, owner=owner),
            uid=places.uid,
            gid=places.gid,
            gids=places.gids,
            home=places.home,
            folders=places.folders,
        )


def whose(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_uid, found.st_gid


async def test_files_belong_to_the_mapped_uid_and_gid_and_groups_hold(bench: Bench, shared: Path) -> None:
    site = Site(bench, shared)
    job = site.job("alice", "lab", "archive")
    assert job.home is not None
    assert whose(job.home) == (5001, 5000)
    tool = await ready(bench.executor, await bench.start(job))
    assert (await request(tool, "/uid"))[1] == "5001"
    assert (await request(tool, "/note", method="PUT", body="mine"))[0] == 200
    assert whose(job.home / "note") == (5001, 5000)
    assert (await request(tool, "/groups/lab/result", method="PUT", body="ours"))[0] == 200
    assert whose(shared / "lab" / "result") == (5001, 6001)
    assert (await request(tool, "/shared/archive/x", method="PUT", body="no"))[0] == 403
    assert list((shared / "archive").iterdir()) == []
    for entry in (job.home, *job.home.rglob("*")):
        assert entry.lstat().st_uid == 5001, f"{entry} belongs to somebody else"
        assert stat.S_IMODE(job.home.stat().st_mode) == 0o700

    other = await ready(bench.executor, await bench.start(site.job("bob", "lab")))
    assert await request(other, "/groups/lab/result") == (200, "ours")
    assert (await request(other, "/groups/lab/second", method="PUT", body="too"))[0] == 200
    assert whose(shared / "lab" / "second") == (5002, 6001)


async def test_the_file_system_refuses_who_the_site_has_in_no_group(bench: Bench, shared: Path) -> None:
    """The hub says that eve is in the group; the site, whose word counts for its files, does not."""
    job = Site(bench, shared).job("eve", "lab")
    assert job.gids == ()
    tool = await ready(bench.executor, await bench.start(job))
    assert (await request(tool, "/groups/lab/x", method="PUT", body="no"))[0] == 403
    assert list((shared / "lab").iterdir()) == []


async def test_a_program_beside_the_tool_has_its_groups_too(bench: Bench, shared: Path) -> None:
    job = Site(bench, shared).job("alice", "lab")
    handle = await bench.start(job)
    await ready(bench.executor, handle)
    beside = await bench.executor.enter(
        handle, job, Program(argv=("/bin/sh", "-c", "echo x > groups/lab/by-shell"))
    )
    while await beside.read() is not None:
        pass
    assert await beside.wait() == 0
    await beside.close()
    assert whose(shared / "lab" / "by-shell") == (5001, 6001)
