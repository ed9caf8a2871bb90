"""Doors for people who watch one run: its progress and its log, as they happen."""

from __future__ import annotations

import asyncio
import codecs
from datetime import datetime
from functools import partial
from typing import Any

from aiohttp import web

from alongside.hub import runs
from alongside.hub.doors import Tx
from alongside.hub.live import desk as live
from alongside.spec.accounts import Caller
from alongside.spec.line import Place
from alongside.spec.placement import STARTS_FULL
from alongside.spec.runs import FINAL, Run, word

LOG_PIECE_BYTES = 64 * 1024
LOOK_AGAIN_S = 0.5
LINE_EVERY_S = 5.0


async def progress(request: web.Request) -> web.StreamResponse:
    """Server-sent events with JupyterHub's field names, until the run is ready or has ended."""
    desk, run_id = live.desk(request), request.match_info["id"]
    caller = await live.caller(request)
    with desk.broadcast.listening(run_id) as hints:
        run, line = await desk.read(partial(_seen, caller=caller, run_id=run_id, now=desk.hub.clock()))
        async with live.stream(request) as response:
            last = None
            while True:
                shown = _progress(run, line)
                if shown != last:
                    await live.send(response, shown)
                    last = shown
                if run.ready or run.state in FINAL or run.state == "paused":
                    break
                if not await _next(hints, response, line):
                    break
                caller = await live.caller(request)
                run, line = await desk.read(
                    partial(_seen, caller=caller, run_id=run_id, now=desk.hub.clock())
                )
    return response


async def log(request: web.Request) -> web.StreamResponse:
    """The log of an attempt from `offset` on, and what is added; `event: end` after its last byte."""
    desk, run_id = live.desk(request), request.match_info["id"]
    caller = await live.caller(request)
    offset, wanted = live.number(request, "offset", 0), live.number(request, "attempt", 0)
    folder = desk.hub.config.data_dir / "logs"
    # An attempt that begins later has a log of its own: this one stays with the attempt it began with.
    run = await desk.read(lambda tx: runs.get(tx, caller, run_id))
    attempt = wanted or run.attempt or None

    async def piece() -> runs.Piece:
        now = desk.hub.clock()
        return await desk.read(
            lambda tx: runs.log(
                tx, caller, run_id, folder, now, attempt=attempt, offset=offset, limit=LOG_PIECE_BYTES
            )
        )

    with desk.broadcast.listening(f"log:{run_id}") as grown, desk.broadcast.listening(run_id) as hints:
        found = await piece()
        async with live.stream(request) as response:
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            while True:
                if found.data:
                    text = decoder.decode(found.data)
                    await live.send(
                        response, {"offset": found.offset, "text": text}, event="log", key=str(found.offset)
                    )
                    offset = found.offset + len(found.data)
                elif found.complete:
                    await live.send(response, {"offset": offset}, event="end")
                    break
                else:
                    # Looked at again in any case once the end is no longer waited for.
                    await _either(grown, hints, response, LOOK_AGAIN_S if found.ended else None)
                found = await piece()
    return response


ROUTES = (
    web.get("/live/v1/runs/{id}/progress", progress),
    web.get("/live/v1/runs/{id}/log", log),
)


def _seen(tx: Tx, *, caller: Caller, run_id: str, now: datetime) -> tuple[Run, Place | None]:
    run = runs.get(tx, caller, run_id)
    return run, runs.in_line(tx, run_id, now) if run.state == "queued" else None


def _progress(run: Run, line: Place | None) -> dict[str, Any]:
    shown = word(run.state, ready=run.ready, kind=run.kind)
    failed = run.state in {"executor_error", "system_error"}
    message = run.reason if failed or run.state in {"queued", "paused"} else run.message or run.reason
    data: dict[str, Any] = {
        "progress": 100 if run.ready or run.state in FINAL else min(99, round(run.progress)),
        "message": message or shown,
        "state": run.state,
        "word": shown,
        "reason_code": run.reason_code,
    }
    if line is not None:
        data |= {"position": line.position, "about_s": line.about_s, "line": line.words}
        if line.position > 1 or run.reason.endswith(STARTS_FULL):
            data["message"] = line.words
    if run.ready:
        data |= {"ready": True, "url": f"/open/{run.id}"}
    if failed:
        data["failed"] = True
    return data


async def _next(hints: asyncio.Queue[Any], response: web.StreamResponse, line: Place | None) -> bool:
    """Wait for the next hint, and say now and then that the connection lives; False to close it.

    Who stands in line is told of the place again now and then, the more seldom the further back.
    """
    within_s = max(LINE_EVERY_S, line.position / LINE_EVERY_S) if line else live.KEEPALIVE_S
    while True:
        try:
            hint = await asyncio.wait_for(hints.get(), min(within_s, live.KEEPALIVE_S))
        except TimeoutError:
            if line:
                return True
            await live.keep_alive(response)
            continue
        while hint is not None and not hints.empty():
            hint = hints.get_nowait()
        return hint is not None


async def _either(
    grown: asyncio.Queue[Any],
    hints: asyncio.Queue[Any],
    response: web.StreamResponse,
    within_s: float | None,
) -> None:
    """Wait for a sign from either queue, or until the time is over."""
    waiting = [asyncio.ensure_future(grown.get()), asyncio.ensure_future(hints.get())]
    try:
        done, _ = await asyncio.wait(
            waiting, timeout=within_s or live.KEEPALIVE_S, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for task in waiting:
            task.cancel()
    if any(task.result() is None for task in done):
        raise ConnectionResetError("the dispatcher is closing")
    if not done and within_s is None:
        await live.keep_alive(response)
