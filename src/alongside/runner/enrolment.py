"""Who this runner is at its hub: registered once with the site's token, known by its own from then on."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path

import structlog

from alongside import values
from alongside.config import RunnerSettings
from alongside.errors import Misconfigured, Problem, Unavailable
from alongside.runner.disk import read_json, write_json
from alongside.runner.hub_client import HubClient
from alongside.spec.wire import Registration

log = structlog.get_logger()

AGAIN_S = 1.0


@dataclass(frozen=True)
class Credentials:
    id: str
    token: str


async def credentials(settings: RunnerSettings, work_dir: Path, hub: HubClient) -> Credentials:
    """Waits for a hub that does not answer yet.

    Raises:
        Misconfigured: there is no registration token, or the hub refuses it.
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
    while True:
        try:
            registered = await hub.register(registration)
            break
        except Unavailable as error:
            log.info("waiting for the hub", reason=error.detail)
            await asyncio.sleep(AGAIN_S)
        except Problem as error:
            raise Misconfigured(f"the hub does not register this runner: {error.detail}") from error
    write_json(path, values.dump(registered) | {"hub_url": settings.hub_url})
    log.info("registered", runner=registered.id, site=registered.site)
    return Credentials(registered.id, registered.token)
