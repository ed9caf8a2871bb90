"""Programs beside a tool, inside its run: shells, commands, files and ports, on every executor."""

from __future__ import annotations

import asyncio
import struct

import pytest

from alongside.runner.executors import CannotEnter, Handle, Inside, Job, Program
from alongside.runner.programs import ERRORS, OUTPUT, REFUSED, Terminal
from alongside.runner.sandbox import sftp
from conformance.conftest import Bench
from support.endpoints import ready, until

WAIT_S = 60
COUNT = "ps -A -o args= 2>/dev/null || cat /proc/[0-9]*/cmdline | tr '\\0' ' '"

WAITS_FOR_CTRL_C = (
    'import signal, time; signal.signal(2, lambda *_: exit(print("cau" + "ght"))); '
    'print("wai" + "ting", flush=True); time.sleep(600)'
)


async def everything(program: Inside) -> tuple[bytes, bytes, int]:
    """What it wrote, what it complained, and how it ended."""
    said = {OUTPUT: b"", ERRORS: b""}
    async with asyncio.timeout(WAIT_S):
        while piece := await program.read():
            said[piece[0]] += piece[1]
        code = await program.wait()
    await program.close()
    return said[OUTPUT], said[ERRORS], code


async def until_said(program: Inside, words: bytes) -> bytes:
    said = b""
    async with asyncio.timeout(WAIT_S):
        while words not in said:
            piece = await program.read()
            assert piece is not None, said
            said += piece[1]
    return said


async def served(bench: Bench) -> tuple[Handle, Job]:
    job = bench.job(bench.server())
    handle = await bench.start(job)
    await ready(bench.executor, handle)
    return handle, job


def command(text: str) -> Program:
    return Program(argv=("/bin/sh", "-c", text))


async def test_a_command_is_the_tools_user_in_the_tools_home(bench: Bench) -> None:
    handle, job = await served(bench)

    async def asked(text: str, input: bytes = b"") -> tuple[bytes, bytes, int]:
        program = await bench.executor.enter(handle, job, command(text))
        await program.write(input)
        await program.end_input()
        return await everything(program)

    said, complained, code = await asked(
        "id -u; pwd; echo $ALONGSIDE_RUN; cat; echo no >&2; exit 7", b"given"
    )
    assert said.decode().splitlines() == [str(job.uid), "/home/alice", job.assignment.run, "given"]
    assert (complained, code) == (b"no\n", 7)
    # no rights, and no way to get any
    said, _, _ = await asked("grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status")
    assert said.split()[1::2] == [b"0000000000000000", b"0000000000000000", b"1"]
    assert job.home is not None
    await asked("echo kept > note.txt")
    assert (job.home / "note.txt").stat().st_uid == job.uid
    # more than any buffer between here and there
    said, _, code = await asked("head -c 3000000 /dev/zero")
    assert (len(said), code) == (3_000_000, 0)
    assert (await asked("there-is-no-such-program"))[2] == 127


async def test_a_terminal_has_a_size_and_passes_ctrl_c_on(bench: Bench) -> None:
    handle, job = await served(bench)
    shell = await bench.executor.enter(handle, job, Program(terminal=Terminal(100, 30, "xterm")))
    await shell.write(b"echo $((40+2)) $TERM; stty size; tty\n")
    said = await until_said(shell, b"/dev/")
    assert b"42 xterm" in said
    assert b"30 100" in said
    await shell.resize(111, 33)
    await shell.write(f"stty size; python3 -c '{WAITS_FOR_CTRL_C}'\n".encode())
    assert b"33 111" in await until_said(shell, b"waiting")
    await shell.write(b"\x03")
    await until_said(shell, b"caught")
    await shell.write(b"echo again $((1+1))\n")
    await until_said(shell, b"again 2")
    await shell.write(b"exit 3\n")
    assert (await everything(shell))[2] == 3


async def test_who_hangs_up_leaves_nothing_behind(bench: Bench) -> None:
    handle, job = await served(bench)
    for terminal in (None, Terminal()):
        program = await bench.executor.enter(
            handle, job, Program(argv=("/bin/sh", "-c", "echo on; sleep 98765"), terminal=terminal)
        )
        await until_said(program, b"on")
        await program.close()

    async def is_quiet() -> bool:
        looking = await bench.executor.enter(handle, job, command(COUNT))
        return b"sleep 98765" not in (await everything(looking))[0].replace(COUNT.encode(), b"")

    await until(is_quiet, within_s=WAIT_S)


async def test_a_program_ends_with_its_run(bench: Bench) -> None:
    handle, job = await served(bench)
    program = await bench.executor.enter(
        handle, job, command("trap '' HUP TERM; echo on; sleep 600; sleep 600")
    )
    await until_said(program, b"on")
    await bench.executor.stop(handle)
    assert (await everything(program))[2] != 0
    with pytest.raises(CannotEnter):
        await bench.executor.enter(handle, job, command("true"))


async def test_ports_are_reached_as_from_inside(bench: Bench) -> None:
    handle, job = await served(bench)
    # on loopback alone, where nobody outside gets
    listening = await bench.executor.enter(
        handle, job, Program(argv=("python3", "-m", "http.server", "--bind", "127.0.0.1", "9123"))
    )
    head = b"GET / HTTP/1.0\r\n\r\n"

    async def answers() -> bool:
        program = await bench.executor.enter(handle, job, Program(kind="port", port=9123))
        await program.write(head)
        said, _, code = await everything(program)
        return b"200 OK" in said and b"</html>" in said and code == 0

    await until(answers, within_s=WAIT_S)
    program = await bench.executor.enter(handle, job, Program(kind="port", port=9))
    assert (await everything(program))[2] == REFUSED
    await listening.close()


async def test_files_are_those_of_the_tools_user(bench: Bench) -> None:
    handle, job = await served(bench)
    program = await bench.executor.enter(handle, job, Program(kind="files"))
    await program.write(struct.pack(">IBI", 5, sftp.INIT, 3))
    async with asyncio.timeout(WAIT_S):
        piece = await program.read()
    assert piece is not None
    assert piece[1][4:9] == struct.pack(">BI", sftp.HELLO, 3)
    await program.end_input()
    assert (await everything(program))[2] == 0
