"""Mounts by file descriptor: made read-only before they are attached anywhere, in any namespace.

Also a program, because entering a user namespace needs a process with a single thread:
`python -m alongside.runner.sandbox.mounts attach|detach …`. Linux 5.12 or newer; stdlib only.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import os
import platform
import stat
import sys
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000

_MS_REC, _MS_SLAVE = 0x4000, 1 << 19
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH = 4
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
# one number on every architecture
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def clone(source: Path, *, read_only: bool) -> int:
    """A detached copy of the tree at `source`, without setuid programs or devices, as a descriptor.

    No link is followed, wherever in the path it is: who may write beside a dataset could put one there
    after the dataset's place was checked.
    """
    place = exactly(source)
    try:
        tree = _call(
            _libc.syscall,
            _SYS_OPEN_TREE,
            place,
            b"",
            _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_RECURSIVE | _AT_EMPTY_PATH,
            what=str(source),
        )
    finally:
        os.close(place)
    attributes = _MountAttr(attr_set=_ATTR_NOSUID | _ATTR_NODEV | (_ATTR_RDONLY if read_only else 0))
    try:
        _call(
            _libc.syscall,
            _SYS_MOUNT_SETATTR,
            tree,
            b"",
            _AT_EMPTY_PATH | _AT_RECURSIVE,
            ctypes.byref(attributes),
            ctypes.c_size_t(ctypes.sizeof(attributes)),
            what=str(source),
        )
    except OSError:
        os.close(tree)
        raise
    return tree


def exactly(path: Path) -> int:
    """What is at this very path, as a descriptor that only names it."""
    found = os.open("/", os.O_PATH | os.O_DIRECTORY)
    *parents, name = path.absolute().parts[1:] or (".",)
    try:
        for part in parents:
            below = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=found)
            os.close(found)
            found = below
        last = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=found)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        os.close(found)
    if stat.S_ISLNK(os.fstat(last).st_mode):
        os.close(last)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return last


def place(tree: int, target: Path) -> None:
    """Attach a detached tree at an existing file or folder of this process's mount namespace."""
    _call(
        _libc.syscall,
        _SYS_MOVE_MOUNT,
        tree,
        b"",
        _AT_FDCWD,
        os.fsencode(target),
        _MOVE_MOUNT_F_EMPTY_PATH,
        what=str(target),
    )


def take_away(target: Path) -> None:
    """Unmount, also while files are open below; not a mount is no error."""
    try:
        _call(_libc.umount2, os.fsencode(target), _MNT_DETACH | _UMOUNT_NOFOLLOW, what=str(target))
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOENT):
            raise


def tmpfs(target: Path) -> None:
    _call(_libc.mount, b"tmpfs", os.fsencode(target), b"tmpfs", 0, b"mode=0755", what=str(target))


def own_namespace() -> None:
    """Move this process into a mount namespace where it may mount; one of its own users too if not root.

    What the host mounts later still arrives here; nothing made here is seen by the host.
    """
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        _unshare(CLONE_NEWNS)
    else:
        _unshare(CLONE_NEWUSER | CLONE_NEWNS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    _call(_libc.mount, b"none", b"/", None, _MS_REC | _MS_SLAVE, None, what="/")


def another_namespace() -> None:
    """A further mount namespace below the one of `own_namespace`, whose view stays as it is."""
    _unshare(CLONE_NEWNS)


def attach(keeper: int, inside: int, source: Path, target: Path) -> None:
    """Show `source` read-only at `target` in the sandbox whose first process is `inside`.

    The source is looked up where the keeper sees it, which is the host's view of its files.
    """
    destination = _namespace(inside, "mnt")
    _enter_view_of(keeper)
    tree = clone(source, read_only=True)
    _call(_libc.setns, destination, CLONE_NEWNS, what="mount namespace")
    take_away(target)
    place(tree, target)


def detach(keeper: int, inside: int, target: Path) -> None:
    destination = _namespace(inside, "mnt")
    _enter_view_of(keeper)
    _call(_libc.setns, destination, CLONE_NEWNS, what="mount namespace")
    take_away(target)


def _enter_view_of(keeper: int) -> None:
    users, view = _namespace(keeper, "user"), _namespace(keeper, "mnt")
    if os.fstat(users).st_ino != Path("/proc/self/ns/user").stat().st_ino:
        _call(_libc.setns, users, CLONE_NEWUSER, what="user namespace")
    _call(_libc.setns, view, CLONE_NEWNS, what="mount namespace")


def _namespace(pid: int, kind: str) -> int:
    return os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)


def _unshare(flags: int) -> None:
    _call(_libc.unshare, flags, what=f"a namespace of its own ({platform.release()})")


def _call(function: object, *arguments: object, what: str) -> int:
    result: int = function(*arguments)  # pyright: ignore[reportCallIssue]
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
    return result


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Attach a dataset to a sandbox, or take it away.")
    parser.add_argument("act", choices=("attach", "detach"))
    parser.add_argument("--keeper", type=int, required=True)
    parser.add_argument("--inside", type=int, required=True)
    parser.add_argument("--target", type=Path, required=True)
    parser.add_argument("--source", type=Path)
    given = parser.parse_args(arguments)
    try:
        if given.act == "attach":
            attach(given.keeper, given.inside, given.source, given.target)
        else:
            detach(given.keeper, given.inside, given.target)
    except OSError as error:
        sys.stderr.write(f"{error.strerror}: {error.filename}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
