"""Two hundred people launch a light tool within ten seconds: when are they all ready?

One installation on this machine with the settings of production, through its edge; each person has an
account, asks once at some moment of ten seconds and follows the progress stream. Meanwhile somebody looks at
the class page, again and again. The tool is the same on both executors: it listens on a Unix socket and needs
no network. `--listen port` has it listen on a port instead, which costs Docker a bridge and its name server.

Claims (issue 3): all ready and none lost, within 30 s on the process executor and within 60 s on Docker; the
class page counts everybody, all the time.

    python bench/morning.py [--executor process|docker|both] [--people 200] [--listen socket|port]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from alongside.spec.tools import Component, Probe, Resources, ToolSpec
from support import crowds
from support.docker_engine import BASE, missing, running_engine
from support.installation import PARTS, Installation, opened

WITHIN_S = {"process": 30.0, "docker": 60.0}
OVER_S = 10.0
#: how long the bench waits before it calls the rest lost
GIVE_UP_S = 240.0
LOOK_EVERY_S = 2.0
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")

SERVER = """
import os, socket, sys
where = sys.argv[1]
s = socket.socket(socket.AF_UNIX if "/" in where else socket.AF_INET)
s.bind(where if "/" in where else ("0.0.0.0", int(where))); s.listen(16)
while True:
    c, _ = s.accept()
    try:
        while b"\\r\\n\\r\\n" not in c.recv(65536): pass
        c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nConnection: close\\r\\n\\r\\nhere\\n")
    except OSError: pass
    c.close()
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--executor", choices=("process", "docker", "both"), default="both")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--listen", choices=("socket", "port"), default="socket")
    options = parser.parse_args()
    kinds = ("process", "docker") if options.executor == "both" else (options.executor,)
    held = [morning(kind, options.people, options.listen) for kind in kinds]
    return 0 if all(held) else 1


def morning(kind: str, count: int, listen: str) -> bool:
    if kind == "docker" and (reason := missing()):
        say(f"docker: NOT MEASURED: {reason}")
        return False
    with ExitStack() as stack:
        folder = opened(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))))
        place = stack.enter_context(installation(folder, kind, count, listen))
        crowd = crowds.gathered(place, count)
        before = processor_s(place)
        seen, looks = asyncio.run(run(place, crowd, kind))
        spent = {name: seconds - before[name] for name, seconds in processor_s(place).items()}
        return judge(place, kind, seen, looks, spent)


@contextmanager
def installation(folder: Path, kind: str, count: int, listen: str) -> Iterator[Installation]:
    with ExitStack() as stack:
        runner: dict[str, Any] = {
            "executors": (f"alongside.runner.executors.{kind}",),
            "cpus": float(count),
            "memory_gb": float(count),
        }
        if kind == "docker":
            engine = stack.enter_context(running_engine())
            runner |= {"docker_socket": str(engine.socket), "tool_subnet": engine.subnet}
        place = stack.enter_context(
            Installation(
                folder,
                dispatcher={"lease_ttl_s": 15.0, "sync_every_s": 5.0, "wait_s": 4.0},
                runner=runner,
                edge={"slots": 2048},
            )
        )
        component = Component(
            environment="python", image=BASE, port=8000, probe=Probe(type="http"),
            command=("python3", "-I", "-S", "-c", SERVER, f"{{{listen}}}"),
        )  # fmt: skip
        small = Resources(cpus=0.5, memory_gb=0.1)
        place.publish(ToolSpec("light", "1", "interactive", (component,), resources=small))
        yield place


async def run(
    place: Installation, crowd: crowds.Crowd, kind: str
) -> tuple[list[crowds.Launched], list[Counter[str]]]:
    looks: list[Counter[str]] = []
    looking = asyncio.create_task(look(place, crowd, looks))
    seen = await crowds.launching(place, crowd, "light", over_s=OVER_S, within_s=GIVE_UP_S, executor=kind)
    await asyncio.sleep(LOOK_EVERY_S)
    looking.cancel()
    return seen, looks


async def look(place: Installation, crowd: crowds.Crowd, looks: list[Counter[str]]) -> None:
    """The class page as its teacher sees it: how many people in which state."""
    headers = {"Authorization": f"Bearer {place.started.api_token}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        while True:
            async with http.get(f"{place.url}/api/v1/groups/{crowd.id}/class") as answer:
                if answer.status == 200:
                    page = await answer.json()
                    looks.append(Counter(member["standing"] for member in page["members"]))
            await asyncio.sleep(LOOK_EVERY_S)


def judge(
    place: Installation,
    kind: str,
    seen: list[crowds.Launched],
    looks: list[Counter[str]],
    spent: dict[str, float],
) -> bool:
    ready = sorted(item.ready for item in seen if item.ready is not None)
    waits = sorted(item.ready - item.asked for item in seen if item.ready is not None)
    posts = sorted(item.answered - item.asked for item in seen if item.run)
    last = max(item.asked for item in seen)
    say(f"{kind}: {len(seen)} people asked within {last:.1f} s, {len(ready)} are ready")
    if ready:
        half = ready[len(ready) // 2]
        say(f"  the last was ready after {ready[-1]:.1f} s, half of them after {half:.1f} s")
        say(f"  a person waited {statistics.median(waits):.1f} s (median), {waits[-1]:.1f} s at most")
        say(f"  the hub answered in {statistics.median(posts):.2f} s (median), {posts[-1]:.2f} s at most")
    say("  processor seconds: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in spent.items()))
    for trouble, count in Counter(item.trouble for item in seen if item.trouble).most_common(3):
        say(f"  {count} times: {trouble[:200]}")
    again = sum(1 for item in seen if item.run and place.client.runs.show(item.run).attempt != 1)
    counts = sorted({sum(look.values()) for look in looks})
    claims = [
        (f"all ready, none lost ({again} needed another attempt)", len(ready) == len(seen)),
        (f"within {WITHIN_S[kind]:.0f} s", bool(ready) and ready[-1] <= WITHIN_S[kind]),
        (f"the class page shows everybody, at {len(looks)} looks: {counts}", counts == [len(seen)]),
    ]
    for claim, holds in claims:
        say(f"  {claim}: {'holds' if holds else 'DOES NOT HOLD'}")
    return all(holds for _, holds in claims)


def processor_s(place: Installation) -> dict[str, float]:
    """Of the parts with their children, and of the whole machine."""
    found = {"machine": sum(map(int, Path("/proc/stat").read_text().split()[1:4])) * TICK_MS / 1e3}
    for name in PARTS:
        fields = Path(f"/proc/{place.pid(name)}/stat").read_text().rpartition(")")[2].split()
        found[name] = sum(map(int, fields[11:15])) * TICK_MS / 1e3
    return found


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
