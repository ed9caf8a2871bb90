"""The hub's WSGI application over a fresh store, and people who use it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from alongside.config import Config
from alongside.hub import accounts
from alongside.hub.app import create_app
from alongside.hub.doors import Hub
from alongside.hub.store import migrate
from alongside.spec.accounts import ROLE_SCOPES, Account, Caller, Role, Scope
from support.clocks import Clock

V1 = "/api/v1"


class Person:
    """Someone with a browser session or a token; paths are below /api/v1."""

    def __init__(self, client: FlaskClient, account: Account, headers: dict[str, str]) -> None:
        self.client = client
        self.account = account
        self.headers = headers

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        address = path if path.startswith(("/open/", "/badge")) else f"{V1}{path}"
        return self.client.open(address, method=method, json=body, headers={**self.headers, **named})

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.ask("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.ask("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.ask("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> TestResponse:
        return self.ask("DELETE", path, **headers)


class Api:
    """One hub. Make people with `person` (browser) and `program` (token)."""

    def __init__(self, folder: Path, clock: Clock, config: Config | None = None) -> None:
        self.config = config or Config(data_dir=folder)
        self.clock = clock
        migrate.migrate(self.config.database_url)
        self.app: APIFlask = create_app(self.config, clock=clock)
        self.hub: Hub = self.app.extensions["alongside"]

    def close(self) -> None:
        self.hub.database.close()

    def account(self, name: str, role: Role = "user", password: str | None = None) -> Account:
        stored = self.hub.passwords.hashed(password) if password else None
        with self.hub.database.write() as tx:
            found = accounts.by_name(tx, name)
            return found or accounts.create(tx, self.clock(), name=name, role=role, password_hash=stored)

    def person(self, name: str, role: Role = "user") -> Person:
        account = self.account(name, role)
        with self.hub.database.write() as tx:
            session = accounts.open_session(tx, account, 14, self.clock())
        client = self.app.test_client()
        client.set_cookie(self.hub.session_cookie, session.secret)
        return Person(client, account, {"X-CSRF-Token": session.csrf})

    def program(self, name: str, role: Role = "user", scopes: Iterable[Scope] = ("read",)) -> Person:
        account = self.account(name, role)
        caller = Caller(account, ROLE_SCOPES[role], "session", "none")
        with self.hub.database.write() as tx:
            token = accounts.create_token(tx, caller, "test", tuple(scopes), 1, self.clock())
        return Person(self.app.test_client(), account, {"Authorization": f"Bearer {token.secret}"})

    def nobody(self) -> Person:
        account = Account("", "", "guest", "", None, False, None, self.clock())  # type: ignore[arg-type]
        return Person(self.app.test_client(), account, {})
