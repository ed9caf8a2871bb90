"""The hub's request/response side: Flask, the store and all doors, joined in one place.

`python -m alongside.hub.app` prints the OpenAPI document.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from apiflask import APIFlask

from alongside import __version__
from alongside.config import Config
from alongside.hub import keyring
from alongside.hub.accounts import Passwords
from alongside.hub.api import (
    account_classes,
    accounts,
    actions,
    addresses,
    artifacts,
    banners,
    classroom,
    datasets,
    departures,
    docs,
    files,
    groups,
    guard,
    health,
    homes,
    images,
    invitations,
    launch,
    live,
    notices,
    openapi,
    resource_classes,
    runners,
    runs,
    shares,
    signin,
    sites,
    status,
    tags,
    tokens,
    tools,
    usage,
    web,
)
from alongside.hub.doors import Hub
from alongside.hub.store import migrate
from alongside.hub.store.database import Database

API = "/api/v1"
DOORS = (
    signin.doors,
    addresses.doors,
    departures.doors,
    tokens.doors,
    accounts.doors,
    invitations.doors,
    groups.doors,
    tags.doors,
    sites.doors,
    images.doors,
    runners.doors,
    datasets.doors,
    tools.doors,
    resource_classes.doors,
    account_classes.doors,
    runs.doors,
    shares.doors,
    actions.doors,
    artifacts.doors,
    files.doors,
    homes.doors,
    notices.doors,
    usage.doors,
    banners.doors,
    classroom.doors,
    status.doors,
    docs.doors,
)


def create_app(config: Config, *, clock: Callable[[], datetime] | None = None) -> APIFlask:
    """The WSGI application over the database that `config` names.

    Raises:
        Misconfigured: the database's schema is not the one of this version.
    """
    database = Database(config.database_url)
    migrate.check(database)
    return assemble(
        Hub(
            config=config,
            database=database,
            clock=clock or (lambda: datetime.now(UTC)),
            keyring=keyring.opened(config.data_dir / "keys"),
            passwords=Passwords(),
        )
    )


def assemble(hub: Hub) -> APIFlask:
    """Flask with every door and the doorkeeper; does not touch the database."""
    app = APIFlask(
        "alongside.hub",
        title="Alongside",
        version=__version__,
        spec_path=None,
        docs_path=None,
        static_folder=None,  # type: ignore[arg-type]
    )
    app.config.update(
        MAX_CONTENT_LENGTH=hub.config.hub.body_max_bytes,
        OPENAPI_VERSION="3.1.0",
        AUTO_404_RESPONSE=False,
        AUTO_SERVERS=False,
        SECURITY_SCHEMES=openapi.SECURITY_SCHEMES,
        DESCRIPTION="Runs tools, tasks and workflows beside the data they need.",
    )
    app.extensions["alongside"] = hub
    guard.install(app)
    app.spec_processor(lambda document: openapi.completed(app, cast(dict[str, Any], document), live.DOORS))
    for doors in DOORS:
        app.register_blueprint(doors, url_prefix=API)
    health.install(app)
    web.install(app, hub.config)
    app.register_blueprint(launch.doors)
    return app


def describe() -> str:
    """The OpenAPI document of this version, as JSON text; needs no installation."""
    with TemporaryDirectory() as folder:
        hub = Hub(
            config=Config(data_dir=Path(folder)),
            database=Database(f"sqlite:///{folder}/none.sqlite"),
            clock=lambda: datetime.now(UTC),
            keyring=keyring.opened(Path(folder) / "keys"),
            passwords=Passwords(),
        )
        return json.dumps(assemble(hub).spec, indent=2, sort_keys=True, ensure_ascii=False)


if __name__ == "__main__":
    sys.stdout.write(describe() + "\n")
