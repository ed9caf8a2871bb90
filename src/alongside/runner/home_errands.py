"""What the hub asks about homes: made, mended, measured, copied, given back.

Everything in a home is done by programs that run as its owner: whatever a tool put there, a link
included, it leads nowhere that its owner may not go, and a file system that refuses root lets them in.
Each act does the same once or twice: an errand that was interrupted is begun again.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import shutil
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alongside.runner.errands import ErrandFailed, Tell
from alongside.runner.homes import Homes
from alongside.runner.jobs import CannotStart
from alongside.spec.identities import Identity
from alongside.spec.wire import Errand, Owner

FICLONE = 0x40049409
#: between looks whether the tools of who left are gone
LOOK_S = 1.0
#: a copy leaves the file system so much room
ROOM_BYTES = 256 << 20
#: the walk over a large home leaves the disk to those who work
GENTLY = ("nice", "-n", "19")
#: both in one program: a class that arrives at nine makes hundreds of homes
SIZE = "du -sx --block-size=1 . && du -sx --inodes ."


class HomeErrands:
    """`busy`: whether an account has interactive tools under way."""

    def __init__(self, homes: Homes, busy: Callable[[str], bool]) -> None:
        self.homes = homes
        self.busy = busy

    async def carry_out(self, errand: Errand, tell: Tell) -> dict[str, Any]:
        """
        Raises:
            ErrandFailed
        """
        owner, body = errand.owner, errand.body
        if owner is None:
            raise ErrandFailed("home_unusable", "it is not said whose home")
        if body["act"] == "remove":
            return await self._remove(owner)
        try:
            home = await asyncio.to_thread(self._made, owner, body["act"] == "repair")
            work = _Work(self.homes.identities.of(owner), home, self.homes.snapshots(owner), tell)
        except CannotStart as refusal:
            raise ErrandFailed(refusal.reason_code, refusal.reason) from None
        match body["act"]:
            case "make" | "repair":
                await work.furnish(body.get("folders") or [])
                if fault := body.get("fault"):
                    raise ErrandFailed("home_unusable", fault)
            case "measure":
                pass
            case "snapshot":
                return await work.measured() | await work.snapshot(body["snapshot"])
            case "restore":
                return await self._restore(owner, work, body)
            case "forget":
                await work.forget(body["snapshot"])
            case other:
                raise ErrandFailed("unknown_kind", f"this runner knows no {other!r} of homes")
        return await work.measured()

    async def _restore(self, owner: Owner, work: _Work, body: dict[str, Any]) -> dict[str, Any]:
        if self.busy(owner.account):
            raise ErrandFailed("home_unusable", "a tool uses this home: stop it first")
        undo = await work.snapshot(body["undo"])
        try:
            await work.fill(body["snapshot"])
        except ErrandFailed as failure:
            raise ErrandFailed(failure.reason_code, failure.reason, {"undo": undo}) from None
        return {**await work.measured(), "undo": undo}

    async def _remove(self, owner: Owner) -> dict[str, Any]:
        """Of who left for good; a home on a file system of the site's own is the site's to remove."""
        while True:
            if not self.busy(owner.account):
                break
            await asyncio.sleep(LOOK_S)
        await asyncio.to_thread(self.homes.remove_account, owner.account)
        return {}

    def _made(self, owner: Owner, repair: bool) -> Path:
        if repair:
            self.homes.give_back(owner)
        return self.homes.make(owner)


class _Work:
    """One home under one errand."""

    def __init__(self, who: Identity, home: Path, snapshots: Path, tell: Tell) -> None:
        self.who = who
        self.home = home
        self.snapshots = snapshots
        self.tell = tell

    async def furnish(self, folders: list[str]) -> None:
        if folders:
            await self._as_owner(self.home, "mkdir", "-p", "--", *folders)

    async def measured(self) -> dict[str, Any]:
        self.tell(None, "measuring")
        size, files = await self._size(self.home)
        return {"uid": self.who.uid, "gid": self.who.gid, "size_bytes": size, "files": files}

    async def snapshot(self, name: str) -> dict[str, Any]:
        """A copy beside the home, complete or not at all; blocks are shared where the file system can."""
        target, partial = self._place(name), self._place(f"{name}.part")
        shares = await asyncio.to_thread(self._shares_blocks)
        if not target.exists():
            size, _ = await self._size(self.home)
            free = _free(self.snapshots)
            if not shares and size + ROOM_BYTES > free:
                raise ErrandFailed(
                    "disk_full", f"a copy takes {size / 1e9:.3g} GB, and {free / 1e9:.3g} GB are free"
                )
            self.tell(None, f"copying {size / 1e9:.3g} GB")
            await asyncio.to_thread(self._emptied, partial)
            await self._copy(self.home, partial)
            partial.rename(target)
        size, files = await self._size(target)
        return {"size_bytes": size, "files": files, "shares_blocks": shares}

    async def fill(self, name: str) -> None:
        """Make the home what a snapshot is. The folder stays the same: others may have it open."""
        source = self._place(name)
        if not source.is_dir():
            raise ErrandFailed("home_unusable", "the site does not have this snapshot any more")
        self.tell(None, "restoring")
        everything = ("find", ".", "-mindepth", "1", "-xdev")
        await self._as_owner(self.home, *everything, "-type", "d", "-exec", "chmod", "u+rwx", "{}", "+")
        await self._as_owner(self.home, *everything, "-delete")
        await self._copy(source, self.home)

    async def forget(self, name: str) -> None:
        for place in (self._place(name), self._place(f"{name}.part")):
            if place.is_dir():
                with contextlib.suppress(ErrandFailed):
                    await self._as_owner(place, "chmod", "-R", "u+rwX", ".")
                await asyncio.to_thread(shutil.rmtree, place)

    async def _copy(self, source: Path, target: Path) -> None:
        """What is in one folder to another, both of the owner, wherever these are."""
        opened = os.open(source, os.O_PATH | os.O_DIRECTORY)
        copy = ("cp", "--archive", "--reflink=auto", "--one-file-system", "--no-target-directory", "--")
        try:
            await self._as_owner(
                target, *copy, f"/proc/self/fd/{opened}/.", ".", opened=(opened,), moving=True
            )
        finally:
            os.close(opened)

    async def _size(self, folder: Path) -> tuple[int, int]:
        """Bytes on the disk, and how many files and folders."""
        said = await self._as_owner(folder, *GENTLY, "sh", "-c", SIZE, moving=True)
        size, files = (int(line.split(None, 1)[0]) for line in said.splitlines())
        return size, max(0, files - 1)

    async def _as_owner(
        self, folder: Path, *argv: str, opened: tuple[int, ...] = (), moving: bool = False
    ) -> str:
        """Run a program of the system in a folder as the home's owner.

        `moving`: what goes meanwhile is no failure. The folder is entered by the runner, as its owner
        may not get through those above it; or, where a file system lets no root in, by the owner.

        Raises:
            ErrandFailed: with its last words.
        """
        how: dict[str, Any] = {}
        if os.getuid() == 0:
            how = {"user": self.who.uid, "group": self.who.gid, "extra_groups": list(self.who.gids)}
        how |= {"env": {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, "pass_fds": opened}
        how |= {"stdin": DEVNULL, "stdout": PIPE, "stderr": PIPE}
        try:
            running = await asyncio.create_subprocess_exec(*argv, cwd=folder, **how)
        except PermissionError:
            enter = ("sh", "-c", 'cd -- "$0" && exec "$@"', str(folder))
            running = await asyncio.create_subprocess_exec(*enter, *argv, cwd="/", **how)
        try:
            out, err = await running.communicate()
        except asyncio.CancelledError:
            running.kill()
            await running.wait()
            raise
        words = err.decode(errors="replace").strip().splitlines()
        if moving:
            words = [line for line in words if not line.endswith("No such file or directory")]
        if running.returncode and (words or not moving):
            last = words[-1] if words else f"{argv[0]} ended with {running.returncode}"
            full = any("No space left" in line or "quota exceeded" in line for line in words)
            raise ErrandFailed("disk_full" if full else "home_unusable", last)
        return out.decode(errors="replace")

    def _place(self, name: str) -> Path:
        plain = name.removesuffix(".part")
        if not plain.isascii() or not plain.isalnum():
            raise ErrandFailed("home_unusable", f"{name!r} is no snapshot")
        return self.snapshots / name

    def _emptied(self, partial: Path) -> None:
        shutil.rmtree(partial, ignore_errors=True)
        self.snapshots.mkdir(parents=True, exist_ok=True, mode=0o711)
        partial.mkdir(mode=0o700)
        if os.getuid() == 0:
            os.chown(partial, self.who.uid, self.who.gid)

    def _shares_blocks(self) -> bool:
        """Whether a copy from the home to its snapshots takes no room, by trying it."""
        self.snapshots.mkdir(parents=True, exist_ok=True, mode=0o711)
        if self.snapshots.stat().st_dev != self.home.stat().st_dev:
            return False
        with (
            tempfile.TemporaryFile(dir=self.snapshots) as one,
            tempfile.TemporaryFile(dir=self.snapshots) as other,
        ):
            one.write(b"x" * 65_536)
            one.flush()
            try:
                fcntl.ioctl(other.fileno(), FICLONE, ctypes.c_int(one.fileno()).value)
            except OSError:
                return False
        return True


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
