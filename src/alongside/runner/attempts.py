"""One attempt from its assignment to its last report; may begin anywhere in between after a restart."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from alongside.errors import Problem, Unavailable
from alongside.runner import artifacts, components, homes, probing
from alongside.runner.executors import CannotMount, CannotStart, Executor, Exit, Handle, Job, Mount
from alongside.runner.homes import Homes, Places
from alongside.runner.hub_client import HubClient
from alongside.runner.logs import AWAY_S, LOOK_S, LogPump
from alongside.runner.spool import AttemptRecord, Ending
from alongside.runner.staging import Staging
from alongside.spec.runs import ReasonCode, State
from alongside.spec.tools import Probe
from alongside.spec.wire import DatasetMount, Report

log = structlog.get_logger()

PROGRESS_EVERY_S = 0.5
STOP_GRACE_S = 10.0
#: what a hub takes in one piece
ARTIFACTS_PER_REPORT = 200
#: longest wait for the hub to take the end of a log before the end itself is reported
FLUSH_S = 5.0
#: an executor holds time limits itself; this is for the ones that cannot
LIMIT_SLACK_S = 5.0
BACKOFF_MAX_S = 60.0
#: deaths further back than this do not count against a tool's restarts
RESTARTS_WITHIN = timedelta(hours=1)


class Ways(Protocol):
    """How people get to interactive tools: the edge's routes, as far as an attempt is concerned."""

    async def open(self, run: str, endpoint: str, open_path: str) -> None: ...

    async def close(self, run: str, *, keep_secrets: bool) -> None: ...

    async def serve_tree(self, name: str, path: Any) -> None: ...


@dataclass(frozen=True)
class Surroundings:
    """What every attempt of a runner shares."""

    hub: HubClient
    staging: Staging
    homes: Homes
    ways: Ways
    #: something is to be told to the hub
    speak: Callable[[], None]


@dataclass(frozen=True)
class Outcome:
    state: State
    reason_code: ReasonCode | None = None
    reason: str = ""
    exit_code: int | None = None


class Attempt:
    def __init__(self, record: AttemptRecord, executor: Executor, around: Surroundings) -> None:
        self.record = record
        self.assignment = record.assignment
        self.tool = record.assignment.tool
        self.executor = executor
        self.around = around
        self.job: Job | None = None
        #: where the tool answers, while it is ready
        self.ready_at: str | None = None
        #: the tool exists (again), so datasets can be attached to it
        self.begun = asyncio.Event()
        #: no process is left and the last report is on its way
        self.ended = asyncio.Event()
        self._ending = asyncio.Event()
        if record.ending:
            self._ending.set()
        self._starting: asyncio.Future[Handle] | None = None
        self._mounting = asyncio.Lock()
        self._told = 0.0
        self.pump = LogPump(
            around.hub,
            self.assignment,
            record.log,
            self._task_progress if self.tool.kind == "task" else None,
        )

    @property
    def interactive(self) -> bool:
        return self.tool.kind == "interactive"

    async def run(self) -> None:
        """Carry it out. Canceling this leaves processes running; a later call goes on with them."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(_cancel, asyncio.create_task(self.pump.run()))
            stack.push_async_callback(_cancel, asyncio.create_task(self._listen()))
            if self.record.final is None:
                outcome = await self._outcome()
                await self._finish(outcome)
            self.ended.set()
            await self._deliver()

    def end(self, ending: Ending) -> None:
        """Order the end; durable at once, carried out by `run`."""
        self.record.end(ending)
        self._ending.set()

    async def attach(self, wanted: DatasetMount, action: str) -> None:
        """Bring a dataset into the running tool, mounted or else copied, and report how it went."""
        async with self._mounting:
            try:
                staged, detail = await self._attached(wanted)
            except CannotStart as failure:
                self._dataset(wanted.name, "failed", wanted.mode, failure.reason)
                self._action(action, False, failure.reason)
                return
            self._dataset(wanted.name, "mounted" if staged.mode == "mount" else "copied", staged.mode, detail)
            self._action(action, True, detail)

    async def detach(self, name: str, action: str) -> None:
        async with self._mounting:
            try:
                await self._detached(name)
            except (CannotMount, CannotStart) as failure:
                self._action(action, False, str(failure))
                return
            self._dataset(name, "detached", "mount", "")
            self._action(action, True, "")

    async def _outcome(self) -> Outcome:
        """How it ends: by itself, or by order."""
        work = asyncio.create_task(self._work())
        order = asyncio.create_task(self._ending.wait())
        try:
            await asyncio.wait({work, order}, return_when=asyncio.FIRST_COMPLETED)
            if not order.done() or (work.done() and self.record.ending is None):
                return work.result()
            if work.done() and not work.exception() and self._ended_before_order(work.result()):
                return work.result()
            await _cancel(work)
            await self._stop()
            return self._ordered()
        except CannotStart as failure:
            await self._stop()
            return Outcome("system_error", failure.reason_code, failure.reason)
        except Exception as error:
            log.exception("attempt failed", run=self.assignment.run, attempt=self.assignment.attempt)
            await self._stop()
            return Outcome("system_error", "internal", f"the runner failed: {type(error).__name__}: {error}")
        finally:
            await _cancel(work)
            await _cancel(order)

    def _ended_before_order(self, outcome: Outcome) -> bool:
        """A task that completed in the moment it was canceled has its result."""
        return not self.interactive and outcome.state == "complete"

    def _ordered(self) -> Outcome:
        ending = self.record.ending
        assert ending is not None, "an order came first"
        if ending.kind == "stop":
            return Outcome("paused" if self.interactive else "preempted", ending.reason_code, ending.reason)
        return Outcome("canceled", ending.reason_code, ending.reason)

    async def _stop(self) -> None:
        """Nothing is left afterwards, also when the order came in the middle of a start."""
        if self._starting and not self._starting.done():
            await asyncio.wait({self._starting})
        if self.record.handle is None:
            return
        kill = self.record.ending is not None and self.record.ending.kind == "kill"
        if kill:
            await self.executor.kill(self.record.handle)
        else:
            await self.executor.stop(self.record.handle, STOP_GRACE_S)

    async def _work(self) -> Outcome:
        if self.record.ending:
            return self._ordered()
        handle = self.record.handle
        if handle is None:
            handle = await self._begin()
        else:
            self.job = self._make_job(self._places(), await self._stage(again=True, forgiving=True))
            adopted = await self.executor.adopt(handle)
            if adopted is None and not self.interactive:
                return Outcome("system_error", "lost", "it was gone when the runner came back")
            if adopted is None:
                handle = await self._restart(handle, Exit(None, reason_code="lost", reason="it was gone"))
            else:
                handle = adopted
                if not any(item.state == "running" for item in self.record.reports):
                    self._state("running", "starting" if self.interactive else None)
        self.begun.set()
        if self.interactive:
            return await self._serve(handle)
        return await self._finished_task(handle)

    async def _begin(self) -> Handle:
        self._state("initializing", "staging", "bringing the data" if self.assignment.datasets else "")
        places = self._places()
        job = self.job = self._make_job(places, await self._stage())
        if any(component.image for component in self.tool.components) and self.executor.kind != "process":
            self._state("initializing", "pulling_image")
        await self.executor.prepare(job, self._prepare_progress)
        self._state("initializing", "starting")
        handle = await self._start(job, 1)
        self._state("running", "starting" if self.interactive else None)
        return handle

    async def _start(self, job: Job, number: int) -> Handle:
        """Start, to its end: what is half started could not be stopped."""
        self._starting = asyncio.ensure_future(self.executor.start(job, self.record.keep, number))
        return await asyncio.shield(self._starting)

    def _places(self) -> Places:
        return self.around.homes.places(self.assignment)

    def _datasets(self) -> dict[str, DatasetMount]:
        every = {item.name: item for item in (*self.assignment.datasets, *self.record.attached)}
        return {name: item for name, item in every.items() if name not in self.record.detached}

    async def _stage(self, *, again: bool = False, forgiving: bool = False) -> list[Mount]:
        """All datasets of the attempt; those of one that goes on are not reported again.

        A running tool does not end because a dataset that it has open cannot be found any more.
        """
        mounts: list[Mount] = []
        places = self._places()
        datasets = list(self._datasets().values())
        for number, wanted in enumerate(datasets):

            def told(percent: float | None, message: str, number: int = number) -> None:
                whole = None if percent is None else 50 * (number + percent / 100) / len(datasets)
                self._progress(whole, message)

            mode = None
            if not (await self.executor.status()).can_mount and self.interactive:
                mode = "copy"
            try:
                staged = await self.around.staging.stage(wanted, places, told, mode)
            except CannotStart as failure:
                if not forgiving:
                    raise
                self._dataset(wanted.name, "failed", wanted.mode, failure.reason)
                continue
            mounts.append(staged.mount)
            if not again:
                status = "mounted" if staged.mount.mode == "mount" else "copied"
                self._dataset(wanted.name, status, staged.mount.mode, staged.detail)
        return mounts

    def _make_job(self, places: Places, mounts: list[Mount]) -> Job:
        return Job(
            assignment=self.assignment,
            attempt_dir=self.record.folder.absolute(),
            log=self.record.log.absolute(),
            uid=places.uid,
            gid=places.gid,
            home=places.home,
            data=places.data,
            output=places.output,
            mounts=tuple(mounts),
        )

    async def _finished_task(self, handle: Handle) -> Outcome:
        limit = self.assignment.time_limit_s or self.tool.time_limit_s
        try:
            async with asyncio.timeout(self._left(limit + LIMIT_SLACK_S) if limit else None):
                ended = await self.executor.wait(handle)
        except TimeoutError:
            await self.executor.stop(handle, STOP_GRACE_S)
            ended = Exit(
                None, reason_code="time_limit", reason=f"ran longer than its time limit of {limit:g} s"
            )
        if ended.reason_code == "engine_restarted" or (ended.exit_code is None and not ended.reason_code):
            reason = ended.reason or "nobody knows how it ended"
            return Outcome("system_error", ended.reason_code or "lost", reason)
        if ended.exit_code == 0 and not ended.oom and ended.reason_code in (None, "exited"):
            return Outcome("complete", exit_code=0)
        if ended.reason_code == "exited" and ended.exit_code is None:
            return Outcome("system_error", "lost", ended.reason)
        return Outcome("executor_error", *_why(ended, self.assignment.resources.memory_gb), ended.exit_code)

    def _left(self, limit_s: float) -> float:
        """Of a limit that counts from when it began to run, across restarts of the runner."""
        begun = next((item.at for item in self.record.reports if item.state == "running"), _now())
        return max(0.0, limit_s - (_now() - begun).total_seconds())

    async def _serve(self, handle: Handle) -> Outcome:
        """Keep an interactive tool going: ready, dead, started again, until its restarts are used up."""
        while True:
            ended, failure = await self._until_it_ends(handle)
            if failure:
                await self.executor.kill(handle)
                return Outcome("executor_error", failure.reason_code, failure.reason)
            self.ready_at = None
            if ended.exit_code == 0 and not ended.reason_code:
                return Outcome("paused", "exited", "the tool ended by itself", 0)
            if ended.reason_code in ("sandbox_unavailable", "environment_missing", "probe_timeout"):
                return Outcome("executor_error", ended.reason_code, ended.reason, ended.exit_code)
            used = self._restarts()
            if used >= self.tool.restart.times:
                code, reason = _why(ended, self.assignment.resources.memory_gb)
                times = f"started {used + 1} times; the last time: {reason}" if used else reason
                if used and code in ("exit_code", "exited"):
                    code = "restarts_exhausted"
                return Outcome("executor_error", code, times, ended.exit_code)
            handle = await self._restart(handle, ended)

    async def _restart(self, handle: Handle, ended: Exit) -> Handle:
        number = self._restarts() + 1
        delay_s = min(BACKOFF_MAX_S, self.tool.restart.backoff_s * 2 ** (number - 1))
        code, reason = _why(ended, self.assignment.resources.memory_gb)
        message = f"started again in {delay_s:g} s ({number} of {self.tool.restart.times})"
        body = {"number": number, "of": self.tool.restart.times, "delay_s": delay_s}
        self._say("restart", reason_code=code, reason=f"{reason}; {message}", message=message, body=body)
        await self.executor.clean(handle)
        await asyncio.sleep(delay_s)
        job = self.job = self._make_job(self._places(), await self._stage(again=True))
        await self.executor.prepare(job, self._prepare_progress)
        return await self._start(job, handle.start + 1)

    def _restarts(self) -> int:
        since = _now() - RESTARTS_WITHIN
        return sum(1 for item in self.record.reports if item.kind == "restart" and item.at > since)

    async def _until_it_ends(self, handle: Handle) -> tuple[Exit, CannotStart | None]:
        waiting = asyncio.create_task(self.executor.wait(handle))
        becoming = asyncio.create_task(self._become_ready(handle))
        try:
            await asyncio.wait({waiting, becoming}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done() and (error := becoming.exception()):
                if isinstance(error, CannotStart):
                    return Exit(None), error
                raise error
            return await waiting, None
        finally:
            await _cancel(becoming)
            await _cancel(waiting)

    async def _become_ready(self, handle: Handle) -> None:
        """Probe until the tool answers, open the way to it, and say so.

        Raises:
            CannotStart: probe_timeout.
        """
        probe = self.tool.front.probe or Probe(type="tcp")
        self._progress(90.0, "waiting for the tool to answer")
        try:
            async with asyncio.timeout(probe.timeout_s):
                endpoint = await self._answering(handle, probe)
        except TimeoutError:
            where = f" on {probe.path}" if probe.type == "http" else ""
            raise CannotStart(
                "probe_timeout", f"the tool did not answer{where} within {probe.timeout_s:g} s"
            ) from None
        open_path = components.open_path(self.assignment)
        while True:
            try:
                await self.around.ways.open(self.assignment.run, endpoint, open_path)
                break
            except Unavailable as error:
                self._progress(95.0, f"waiting for the edge: {error.detail}")
                await asyncio.sleep(1.0)
        self.ready_at = endpoint
        if not self._said_ready(handle):
            self._say("ready", body={"open_path": open_path, "start": handle.start})

    def _said_ready(self, handle: Handle) -> bool:
        """A tool that was ready before its runner was restarted has not become ready again."""
        return any(
            item.kind == "ready" and item.body.get("start") == handle.start for item in self.record.reports
        )

    async def _answering(self, handle: Handle, probe: Probe) -> str:
        while True:
            with contextlib.suppress(CannotStart):
                endpoint = await self.executor.endpoint(handle)
                if await probing.answers(endpoint, probe):
                    return endpoint
            await asyncio.sleep(probe.interval_s)

    async def _attached(self, wanted: DatasetMount) -> tuple[Mount, str]:
        places = self._places()
        running = self.record.handle if self.job else None
        if wanted.mode == "mount" and running and self.job:
            staged = await self.around.staging.stage(wanted, places, self._progress)
            try:
                await self.executor.attach(running, self.job, staged.mount)
            except CannotMount as refusal:
                # the seat is empty and makes room for the copy
                staged = await self.around.staging.stage(wanted, places, self._progress, "copy")
                detail = f"copied, because it cannot be mounted while the tool runs: {refusal}"
                self.record.attach(replace(wanted, mode="copy"))
                return staged.mount, detail
        else:
            staged = await self.around.staging.stage(wanted, places, self._progress)
        self.record.attach(wanted)
        return staged.mount, staged.detail

    async def _detached(self, name: str) -> None:
        places = self._places()
        homes.checked_name(name)
        if self.record.handle and self.job:
            await self.executor.detach(self.record.handle, self.job, name)
        self.record.detach(name)
        if places.data:
            await asyncio.to_thread(homes.unseat, places.data, name)

    async def _finish(self, outcome: Outcome) -> None:
        """What is left to do when no process is left, the last report at the end."""
        self.ready_at = None
        if self.interactive:
            await self._close_way(outcome)
        if self.record.handle:
            await self.executor.clean(self.record.handle)
        if outcome.reason_code == "deleted":
            await asyncio.to_thread(self.around.homes.remove, self.assignment)
        elif self.job and self.job.output:
            await self._list_artifacts(self.job)
        self.pump.look()
        with contextlib.suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(FLUSH_S):
                await self.pump.flush()
                await self._send_artifacts()
        self._say(
            "state",
            state=outcome.state,
            reason_code=outcome.reason_code,
            reason=outcome.reason,
            exit_code=outcome.exit_code,
        )

    async def _close_way(self, outcome: Outcome) -> None:
        with contextlib.suppress(Unavailable):
            await self.around.ways.close(self.assignment.run, keep_secrets=outcome.state != "canceled")

    async def _list_artifacts(self, job: Job) -> None:
        assert job.output is not None
        found, cut = await asyncio.to_thread(artifacts.manifest, job.output)
        await asyncio.to_thread(artifacts.seal, job.output)
        if not found:
            return
        message = f"only the first {artifacts.FILES_MAX} files are listed" if cut else ""
        for first in range(0, len(found), ARTIFACTS_PER_REPORT):
            piece = found[first : first + ARTIFACTS_PER_REPORT]
            self._say("artifacts", message=message, body={"artifacts": piece})
        with contextlib.suppress(Unavailable):
            await self.around.ways.serve_tree(self.record.key, job.output)

    async def _send_artifacts(self) -> None:
        """Copies of small files for the hub; those it has already are sent again after a restart only."""
        listed = [
            item
            for report in self.record.reports
            if report.kind == "artifacts"
            for item in report.body["artifacts"]
        ]
        sent_mark = self.record.folder / "artifacts.sent"
        if not listed or sent_mark.exists() or (output := self._places().output) is None:
            return
        for item in listed:
            if item["size_bytes"] < artifacts.COPY_BYTES_MAX:
                content = await asyncio.to_thread(artifacts.content, output, item["path"])
                try:
                    await self.around.hub.artifact(self.assignment, item["path"], content)
                except Unavailable:
                    raise
                except Problem as refusal:
                    # the site keeps the file
                    log.warning("artifact not taken", path=item["path"], reason=refusal.detail)
        sent_mark.touch()

    async def _deliver(self) -> None:
        """Stay until the hub has heard and got everything; the runner then forgets the attempt."""
        await self.record.heard.wait()
        while True:
            try:
                await self.pump.flush()
                await self._send_artifacts()
                return
            except Unavailable:
                await asyncio.sleep(AWAY_S)

    async def _listen(self) -> None:
        while True:
            self.pump.look()
            await asyncio.sleep(LOOK_S)

    def _prepare_progress(self, percent: float | None, message: str) -> None:
        self._progress(None if percent is None else 50 + percent * 0.35, message)

    def _task_progress(self, percent: float, message: str) -> None:
        if self.record.final is None:
            self._progress(percent, message)

    def _progress(self, percent: float | None, message: str) -> None:
        """Tell how far it is, not more often than people can read."""
        now = asyncio.get_running_loop().time()
        if now - self._told < PROGRESS_EVERY_S and percent not in (0.0, 100.0):
            return
        self._told = now
        self._say("progress", progress=percent, message=message)

    def _state(self, state: State, reason_code: ReasonCode | None = None, reason: str = "") -> None:
        self._say("state", state=state, reason_code=reason_code, reason=reason)

    def _dataset(self, name: str, status: str, mode: str, detail: str) -> None:
        self._say("dataset", body={"name": name, "status": status, "mode": mode, "detail": detail})

    def _action(self, action: str, ok: bool, detail: str) -> None:
        self._say("action", body={"action": action, "ok": ok, "detail": detail})

    def _say(self, kind: Any, **members: Any) -> None:
        report = Report(self.assignment.run, self.assignment.attempt, 0, kind, _now(), **members)
        self.record.report(report)
        self.around.speak()


def _why(ended: Exit, memory_gb: float) -> tuple[ReasonCode, str]:
    if ended.oom:
        return "out_of_memory", ended.reason or f"used more than its memory limit of {memory_gb:g} GB"
    if ended.reason_code:
        return ended.reason_code, ended.reason
    if ended.exit_code is None:
        return "exited", ended.reason or "nobody knows how it ended"
    return "exit_code", f"ended with exit code {ended.exit_code}"


async def _cancel(task: asyncio.Future[Any]) -> None:
    """Cancel and see it end, without swallowing that somebody cancels us meanwhile."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


def _now() -> datetime:
    return datetime.now(UTC)
