"""Who this runner is at its hub: registered once with the site's token, known by its own from then on."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from alongside import values
from alongside.config import RunnerSettings
from alongside.errors import Misconfigured, NameTaken, Problem, Unavailable, code_of
from alongside.runner.disk import read_json, write_json
from alongside.runner.hub_client import HubClient
from alongside.spec.wire import Registration

log = structlog.get_logger()

AGAIN_S = 1.0
#: a runner that was lost holds its name until its lease ends
NAMESAKE_MAX_S = 60.0


@dataclass(frozen=True)
class Credentials:
    id: str
    token: str


async def credentials(settings: RunnerSettings, work_dir: Path, hub: HubClient) -> Credentials:
    """Waits for a hub that does not answer yet, and for a lost runner whose place this one takes.

    Raises:
        Misconfigured: there is no registration token, or the hub refuses it or the name.
    """
    path = work_dir / "credentials.json"
    if known := read_json(path):
        return Credentials(known["id"], known["token"])
    if not settings.registration_token:
        raise Misconfigured(
            "this runner is not registered yet: set runner.registration_token to a token of its site"
        )
    name = settings.name or socket.gethostname()
    registration = Registration(settings.registration_token, name, settings.labels)
    give_up = time.monotonic() + NAMESAKE_MAX_S
    while True:
        try:
            registered = await hub.register(registration)
            break
        except Unavailable as error:
            log.info("waiting for the hub", reason=error.detail)
            await asyncio.sleep(AGAIN_S)
        except Problem as error:
            if error.extra.get("code") == code_of(NameTaken) and time.monotonic() < give_up:
                log.info("waiting for the runner of this name to be given up", reason=error.detail)
                await asyncio.sleep(AGAIN_S)
                continue
            raise Misconfigured(f"the hub does not register this runner: {error.detail}") from error
    write_json(path, values.dump(registered) | {"hub_url": settings.hub_url})
    log.info("registered", runner=registered.id, site=registered.site)
    return Credentials(registered.id, registered.token)
