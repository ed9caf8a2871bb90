"""The hub's request/response side: Flask, the store and all doors, joined in one place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apiflask import APIFlask

from alongside import __version__
from alongside.config import Config
from alongside.hub import keyring
from alongside.hub.accounts import Limiter, Passwords
from alongside.hub.api import accounts, docs, guard, openapi, signin, tokens
from alongside.hub.doors import Hub
from alongside.hub.store.database import Database

API = "/api/v1"
DOORS = (
    signin.doors,
    tokens.doors,
    accounts.doors,
    docs.doors,
)


def create_app(config: Config, *, clock: Any = None) -> APIFlask:
    """The WSGI application over the database that `config` names.

    Raises:
        Misconfigured: the database's schema is not the one of this version.
    """
    app = APIFlask(
        "alongside.hub",
        title="Alongside",
        version=__version__,
        spec_path=None,
        docs_path=None,
        static_folder=None,  # type: ignore[arg-type]
    )
    app.config.update(
        MAX_CONTENT_LENGTH=config.hub.body_max_bytes,
        OPENAPI_VERSION="3.1.0",
        AUTO_404_RESPONSE=False,
        AUTO_SERVERS=False,
        SECURITY_SCHEMES=openapi.SECURITY_SCHEMES,
        DESCRIPTION="Runs tools, tasks and workflows beside the data they need.",
    )
    app.extensions["alongside"] = Hub(
        config=config,
        database=Database(config.database_url),
        clock=clock or (lambda: datetime.now(UTC)),
        keyring=keyring.opened(config.data_dir / "keys"),
        passwords=Passwords(),
        limiter=Limiter(),
    )
    guard.install(app)
    app.spec_processor(lambda document: openapi.completed(app, document))
    for doors in DOORS:
        app.register_blueprint(doors, url_prefix=API)
    return app
