"""Single containers: how they end, and how they are ended. Ones that are gone are no error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiodocker import Docker
from aiodocker.exceptions import DockerError

from alongside.runner.executors import CannotStart, Exit
from alongside.runner.executors.docker.body import KEY, RUNNER
from alongside.runner.executors.docker.engine import Engine, EngineAway
from alongside.runner.executors.docker.launch import Launch, Part

SIGKILLED = 128 + 9
NOT_FOUND = 127
GONE = (304, 404, 409)


@dataclass(frozen=True)
class Found:
    id: str
    name: str
    labels: dict[str, str]


async def ended(engine: Engine, plan: Launch, part: Part, ending: Callable[[], bool]) -> Exit:
    """Returns once the container runs no more, through any number of engine restarts."""
    while True:
        try:
            async with engine.asked() as docker:
                await docker.containers.container(part.container).wait()
            # an engine that shuts down ends its containers first: then it does not answer anew
            await engine.info()
            state = await engine.inspect(part.container)
            if state is None:
                return Exit(None, reason_code="exited", reason="its container was removed by someone else")
            if state["State"]["Status"] == "created":
                # the engine counts it as ended, with exit code 0
                return Exit(None, reason_code="exited", reason="its container was never started")
            if not state["State"]["Running"]:
                restarted = not ending() and await engine.restarted_since(state)
                return _exit(state, plan, part, ending=ending(), restarted=restarted)
        except EngineAway:
            await engine.back()
        except DockerError as error:
            if error.status == 404:
                return Exit(None, reason_code="exited", reason="its container was removed by someone else")
            await asyncio.sleep(0.5)


def _exit(state: dict[str, Any], plan: Launch, part: Part, *, ending: bool, restarted: bool) -> Exit:
    code = state["State"]["ExitCode"]
    where = f"component {part.component}: " if len(plan.parts) > 1 else ""
    if plan.time_limit_s is not None and not ending and _ran_s(state["State"]) > plan.time_limit_s:
        reason = f"ran longer than its time limit of {plan.time_limit_s:g} s"
        return Exit(code, reason_code="time_limit", reason=reason)
    # the flag also stands for a child that was killed long ago, and an interactive tool lived on
    killed = code == SIGKILLED or (plan.task and code != 0)
    if state["State"].get("OOMKilled") and killed and not ending:
        reason = f"{where}it needed more memory than its limit of {plan.memory_gb:g} GB"
        return Exit(code, oom=True, reason_code="out_of_memory", reason=reason)
    # many tools end with 0 when asked to, which an engine does that shuts down in good order
    if restarted and (code != 0 or not plan.task):
        return Exit(code, reason_code="engine_restarted", reason="this site's Docker Engine was restarted")
    if code == NOT_FOUND:
        return Exit(code, reason=f"{where}exit code 127: a command was not found in the image; see the log")
    return Exit(code, reason=f"{where}it ended with exit code {code}" if where and not ending else "")


async def overdue(engine: Engine, plan: Launch) -> None:
    """Returns once a container has run for longer than the time limit; never without one.

    Counted by the engine's clock from the container's own start: a runner that was away meanwhile ends
    it as soon as it is back.
    """
    if plan.time_limit_s is None:
        await asyncio.Event().wait()
        return
    while True:
        try:
            states = [await engine.inspect(part.container) for part in plan.parts]
        except EngineAway:
            await engine.back()
            continue
        except DockerError:
            await asyncio.sleep(0.5)
            continue
        left = [plan.time_limit_s - _ran_s(state["State"]) for state in states if state]
        if any(seconds < 0 for seconds in left):
            return
        await asyncio.sleep(max(0.05, min(left, default=1.0)))


def _ran_s(state: dict[str, Any]) -> float:
    """How long a container has run, until now if it still does; 0 for one that never started."""
    if state["StartedAt"].startswith("0001"):
        return 0.0
    until = datetime.now(UTC) if state["Running"] else datetime.fromisoformat(state["FinishedAt"])
    return (until - datetime.fromisoformat(state["StartedAt"])).total_seconds()


async def stop(docker: Docker, container: str, *, deadline: float) -> None:
    """TERM (or the image's STOPSIGNAL), and KILL when the deadline of the loop's clock is over."""
    left = max(1, round(deadline - asyncio.get_running_loop().time()))
    await _quietly(docker.containers.container(container).stop(t=left))


async def kill(docker: Docker, container: str) -> None:
    found = docker.containers.container(container)
    await _quietly(found.kill())
    # also returns at once for one that was created and never started
    await _quietly(found.wait(condition="not-running"))


async def remove(docker: Docker, container: str) -> None:
    """With its anonymous volumes: those outlive a container that is removed without saying so."""
    await _quietly(docker.containers.container(container).delete(force=True, v=True))


async def end_all(docker: Docker, runner: str, key: str) -> None:
    for container in await _of_attempt(docker, runner, key):
        await kill(docker, container.id)


async def remove_all(docker: Docker, runner: str, key: str) -> None:
    for container in await _of_attempt(docker, runner, key):
        await remove(docker, container.id)


async def of_runner(docker: Docker, runner: str) -> list[Found]:
    return await _labelled(docker, [f"{RUNNER}={runner}"])


def refusal(message: str) -> CannotStart:
    """The engine's refusal to create or start a container, as a reason a person can act on."""
    if "no space left" in message:
        return CannotStart("disk_full", "no space left on the engine's disk")
    if "executable file not found" in message or "exec format error" in message:
        return CannotStart("environment_missing", f"the image cannot run this command: {message}")
    if "bind source path does not exist" in message:
        return CannotStart("data_missing", message)
    return CannotStart("internal", f"the Docker Engine refused: {message}")


async def _of_attempt(docker: Docker, runner: str, key: str) -> list[Found]:
    return await _labelled(docker, [f"{RUNNER}={runner}", f"{KEY}={key}"])


async def _labelled(docker: Docker, labels: list[str]) -> list[Found]:
    listed = await docker.containers.list(all=1, filters=json.dumps({"label": labels}))
    return [Found(item.id, item["Names"][0].lstrip("/"), item["Labels"]) for item in listed]


async def _quietly(call: Any) -> None:
    try:
        await call
    except DockerError as error:
        if error.status not in GONE:
            raise
