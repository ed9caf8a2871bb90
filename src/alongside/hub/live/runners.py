"""Doors for runners: session, sync, wait, and what attempts send while they run."""

from __future__ import annotations

import json
from functools import partial

from aiohttp import web

from alongside import values
from alongside.errors import BadRequest, TooLarge
from alongside.hub import artifacts, grants, runs, sites
from alongside.hub.clockwork import Incoming
from alongside.hub.live import desk as live
from alongside.hub.live.broadcast import Hint
from alongside.spec.wire import VERSION, Session, Sync


async def open_session(request: web.Request) -> web.Response:
    """Begin a runner's next epoch. Calls of an older epoch get 409 from now on."""
    desk, runner, token = live.desk(request), request.match_info["id"], live.bearer(request)
    sent = await _json_object(request)
    version = sent.get("version", VERSION)
    if not isinstance(version, int):
        raise BadRequest("version must be a number")
    now = desk.hub.clock()
    opened = await desk.write(lambda tx: sites.open_session(tx, runner, token, version, now))
    settings = desk.hub.config.dispatcher
    return live.answer(
        Session(
            epoch=opened.epoch,
            site=opened.site,
            lease_ttl_s=settings.lease_ttl_s,
            sync_every_s=settings.sync_every_s,
            unreachable_grace_s=settings.unreachable_grace_s,
            hub_public_key=desk.hub.keyring.public_pem,
            stage_max_bytes=settings.stage_max_bytes,
        )
    )


async def sync(request: web.Request) -> web.Response:
    """Offer, holdings, reports and acknowledgements in; outbox, verdicts and answers out. Never parked."""
    runner, token = request.match_info["id"], live.bearer(request)
    sent = values.load_json(Sync, await request.read())
    return live.answer(await live.desk(request).sync(Incoming(runner, token, sent)))


async def wait(request: web.Request) -> web.Response:
    """Parked until the runner's outbox reaches beyond `after`, or a few seconds. It takes nothing out."""
    desk, runner, token = live.desk(request), request.match_info["id"], live.bearer(request)
    after = live.number(request, "after", 0)
    await desk.read(lambda tx: sites.authenticate(tx, runner, token))
    seq = await desk.newest(runner, after, desk.hub.config.dispatcher.wait_s)
    return web.json_response({"seq": seq})


async def put_log(request: web.Request) -> web.Response:
    """Bytes of an attempt's log from `offset` on. What is there already is skipped."""
    desk = live.desk(request)
    run, attempt = await _attempt(request)
    offset = live.number(request, "offset")
    data = await request.read()
    folder = desk.hub.config.data_dir / "logs"
    size = await desk.file(partial(runs.add_log, folder, run, attempt, offset, data))
    desk.broadcast.publish(Hint("log", f"log:{run}"))
    return web.json_response({"size": size})


async def put_artifact(request: web.Request) -> web.Response:
    """The hub's copy of a small artifact."""
    desk = live.desk(request)
    run, attempt = await _attempt(request)
    path = request.match_info["path"]
    if (request.content_length or 0) >= artifacts.COPY_MAX_BYTES:
        raise TooLarge(f"the hub keeps copies below {artifacts.COPY_MAX_BYTES} bytes")
    data = await request.read()
    now, config = desk.hub.clock(), desk.hub.config
    await desk.write(lambda tx: artifacts.receive(tx, run, attempt, path, data, now, config=config))
    return web.Response(status=204)


ROUTES = (
    web.post("/live/v1/runners/{id}/session", open_session),
    web.post("/live/v1/runners/{id}/sync", sync),
    web.get("/live/v1/runners/{id}/wait", wait),
    web.put(r"/live/v1/attempts/{run}/{attempt:\d{1,9}}/log", put_log),
    web.put(r"/live/v1/attempts/{run}/{attempt:\d{1,9}}/artifacts/{path:.+}", put_artifact),
)


async def _attempt(request: web.Request) -> tuple[str, int]:
    """The attempt that the address names, if the token is its own and it still exists."""
    desk, token = live.desk(request), live.bearer(request)
    run, attempt = request.match_info["run"], int(request.match_info["attempt"])
    now, keyring = desk.hub.clock(), desk.hub.keyring
    await desk.read(lambda tx: grants.admit_attempt(tx, run, attempt, token, now, keyring))
    return run, attempt


async def _json_object(request: web.Request) -> dict[str, object]:
    text = await request.read()
    try:
        sent = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(sent, dict):
        raise BadRequest("the body must be a JSON object")
    return sent
