"""Every door with every role: the generated table of `permissions.toml` against the hub that serves it.

Requests are tried without a trace: each transaction is rolled back, so that what one may delete is still
there for the next. Bodies are empty where a door refuses strangers before it reads them, and real where it
looks at the thing first.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from alongside.config import AccountSettings, Config, DispatcherSettings, MailSettings, OidcSettings
from alongside.hub import accounts, sites
from alongside.hub.app import describe
from alongside.hub.store import accounts as accounts_store
from alongside.hub.store.database import Database, Tx
from alongside.spec.wire import Registration
from support.api import Api, Person
from support.clocks import Clock
from support.dispatchers import leading
from support.furnished import asked, furnished
from support.permissions import ROLES, Role, Rule, rules

METHODS = {"get", "head", "post", "put", "patch", "delete"}
DENIED = {401, 403, 404}
NOWHERE = "01aaaaaaaaaaaaaaaaaaaaaaaa"


def operations() -> set[str]:
    paths: dict[str, dict[str, Any]] = json.loads(describe())["paths"]
    return {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method in methods
        if method in METHODS
    }


class World:
    """A hub with one of most things, and somebody for each role."""

    def __init__(self, folder: Path) -> None:
        config = Config(
            data_dir=folder,
            dispatcher=DispatcherSettings(port=0, wait_s=0.05),
            accounts=AccountSettings(
                registration="open", sign_in=("password", "link", "email", "oidc", "open")
            ),
            mail=MailSettings(host="mail.example.org"),
            oidc=OidcSettings(issuer="http://127.0.0.1:9", client_id="alongside"),
        )
        self.api = api = Api(folder, Clock(datetime.now(UTC)), config)
        self.owner = furnished(api)
        self.root = api.person("root", "admin")
        self._people()
        self._things()
        for name in ("read token", "write token", "admin's read token", "admin token"):
            assert self.people[name].get("/me").status_code == 200, "a first use is noted once"
        self.credentials = self._credentials()
        api.hub.database._connected_to_write = lambda: _forgotten(api.hub.database)  # type: ignore[method-assign]

    def _people(self) -> None:
        api = self.api
        locked, waiting = api.person("locked"), api.person("waiting")
        expired = api.program("owner-of-old", scopes=("read", "run", "publish"))
        with api.hub.database.write() as tx:
            accounts_store.change(tx, locked.account.id, {"active": False})
            accounts_store.change(tx, waiting.account.id, {"standing": "waiting"})
            guest = accounts.guests.arrive(tx, api.config, None, "192.0.2.1", api.clock())
            tx.exec_driver_sql(
                "UPDATE tokens SET expires_at = '2020-01-01T00:00:00.000000Z' WHERE account_id = ?",
                (expired.account.id,),
            )
            secret = sites.create_registration_token(tx, "lab", "", 1, api.clock()).secret
            self.runner = sites.register(tx, Registration(secret, "two"), api.clock())
        looker = api.person("looker", "admin")
        assert looker.post(f"/accounts/{self.owner.account.id}/look").status_code == 200
        bearer = {"Authorization": f"Bearer {self.runner.token}"}
        everything = ("read", "run", "publish", "admin")
        self.people = {
            "nobody": api.nobody(),
            "locked": locked,
            "waiting": waiting,
            "expired": expired,
            "runner": replace_headers(api.nobody(), bearer),
            "guest": api.person(guest.name, "guest"),
            "user": api.person("user"),
            "owner": self.owner,
            "shared": api.person("shared"),
            "member": api.person("member"),
            "manager": api.person("manager"),
            "admin": self.root,
            "read token": api.program("ann", scopes=("read",)),
            "write token": api.program("ann", scopes=("read", "run", "publish")),
            "admin's read token": api.program("root", "admin", scopes=("read",)),
            "admin token": api.program("root", "admin", scopes=everything),
            "look": looker,
        }

    def _things(self) -> None:
        owner, root, people = self.owner, self.root, self.people
        self.run = asked(owner)["id"]
        group = made(root, "/groups", {"name": "course"})
        for name in ("owner", "member", "manager"):
            body = {"manager": name == "manager"}
            path = f"/groups/{group}/members/{people[name].account.id}"
            assert root.put(path, body).status_code == 200
        share = {"kind": "person", "name": "shared"}
        answer = owner.post(f"/runs/{self.run}/shares", share)
        assert answer.status_code == 201, answer.json
        #: by the place where they stand in a path
        self.things = {
            "/runs/{run_id}": self.run,
            "/runs/{id}": self.run,
            "/shared-runs/{run_id}": self.run,
            "/shares/{share_id}": answer.json["share"]["id"],
            "/groups/{id}": group,
            "/groups/{group_id}": group,
            "/accounts/{id}": people["user"].account.id,
            "/accounts/{account_id}": people["user"].account.id,
            "/tags/{id}": made(root, "/tags", {"name": "lidar"}),
            "/sites/{name}": "lab",
            "/runners/{id}": self.runner.id,
            "/datasets/{dataset_id}": owner.get("/datasets").json["items"][0]["id"],
            "/tools/{name}": "lab",
            "/versions/{version}": "1.0",
            "/open/{run_id}": self.run,
        }

    def _credentials(self) -> dict[str, dict[str, str]]:
        """What each sends; kept by hand, so that signing out changes nothing for the next request."""
        sent: dict[str, dict[str, str]] = {}
        for name, person in self.people.items():
            cookie = person.client.get_cookie(self.api.hub.session_cookie)
            sent[name] = {**person.headers, **({"Cookie": f"{cookie.key}={cookie.value}"} if cookie else {})}
        return sent

    def path_of(self, rule: Rule) -> tuple[str, bool]:
        """The address, and whether every thing in it exists."""
        path, whole = rule.path, True
        while "{" in path:
            before, _, rest = path.partition("{")
            name, _, after = rest.partition("}")
            place = f"/{before.rstrip('/').rpartition('/')[2]}/{{{name}}}"
            value = self.things.get(place)
            whole = whole and value is not None
            path = before + (value or NOWHERE) + after
        return path, whole


#: where a stranger is told apart from an owner only after the body was read
BODIES: dict[str, Any] = {
    "POST /api/v1/runs/{run_id}/extend": {"seconds": 60},
    "POST /api/v1/runs/{run_id}/datasets": {"id": "10.5072/AUTZEN"},
    "POST /api/v1/runs/{run_id}/shares": {"kind": "code"},
    "POST /api/v1/groups/{id}/class": {"kind": "stop"},
    "PATCH /api/v1/datasets/{dataset_id}": {"title": "another"},
    "POST /live/v1/runners/{id}/sync": {
        "epoch": 1,
        "offer": {"labels": [], "executors": [], "capacity": {"cpus": 1, "memory_gb": 1}},
    },
    "POST /api/v1/tokens": {"name": "t", "scopes": ["read"]},
    "POST /api/v1/me/leave": {"confirm": "nobody at all"},
    "POST /api/v1/datasets/{dataset_id}/locations": {"site": "lab", "path": "/data/other.laz"},
    "PUT /api/v1/me/password": {"new": "x", "current": "x"},
}


def made(person: Person, path: str, body: Any) -> str:
    answer = person.post(path, body)
    assert answer.status_code == 201, answer.json
    return answer.json["id"]


def replace_headers(person: Person, headers: dict[str, str]) -> Person:
    return Person(person.client, person.account, headers)


@contextmanager
def _forgotten(database: Database) -> Iterator[Tx]:
    with database.engine.connect() as connection:
        connection = connection.execution_options(alongside_write=True)
        transaction = connection.begin()
        try:
            yield connection
        finally:
            with suppress(Exception):
                transaction.rollback()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("permissions"))
    yield world
    world.api.close()


def fault(rule: Rule, role: Role, status: int, *, whole: bool) -> str:
    """What is wrong with this answer; empty: nothing."""
    asked = f"{rule.method} {rule.path} as {role.name}: {status}"
    if rule.allows(role):
        refused = status in {401, 403} or (status == 404 and whole)
        return f"{asked}, and should pass" if refused or status >= 500 else ""
    # Where the thing itself is not there, nobody can be told from its owner.
    unseen = rule.is_about_things and not whole and status == 404
    return "" if status in DENIED or unseen else f"{asked}, and should be refused"


def test_every_door_has_a_row_and_every_row_a_door() -> None:
    table = set(rules())
    assert not operations() - table, "write down who may pass, in tests/api/permissions.toml"
    assert not table - operations(), "take out what is not served any more"


def test_the_document_says_of_each_door_what_the_table_says() -> None:
    paths = json.loads(describe())["paths"]
    for operation, rule in rules().items():
        described = paths[rule.path][rule.method.lower()]
        needs = described.get("x-scope") or next(
            (name for kind in described["security"] for name in kind), "anyone"
        )
        assert rule.needs == needs, operation


def test_the_hub_lets_pass_whom_the_table_names_and_nobody_else(world: World) -> None:
    faults: list[str] = []
    client = world.api.app.test_client(use_cookies=False)
    for operation, rule in rules().items():
        if rule.path.startswith("/live/"):
            continue
        path, whole = world.path_of(rule)
        body = None if rule.method in {"GET", "DELETE"} else BODIES.get(operation, {})
        for role in ROLES:
            headers = {**world.credentials[role.name], "If-Match": '"1"'}
            answer = client.open(path, method=rule.method, json=body, headers=headers)
            faults.append(fault(rule, role, answer.status_code, whole=whole))
            answer.close()
    assert not (wrong := [text for text in faults if text]), "\n" + "\n".join(wrong)


async def test_the_live_doors_let_pass_whom_the_table_names_and_nobody_else(tmp_path: Path) -> None:
    world = await asyncio.to_thread(World, tmp_path)
    api, faults = world.api, []
    # The dispatcher itself has to write.
    del api.hub.database._connected_to_write
    async with leading(api.hub) as url, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        for operation, rule in rules().items():
            if not rule.path.startswith("/live/"):
                continue
            path, whole = world.path_of(rule)
            for role in ROLES:
                headers = world.credentials[role.name]
                async with http.request(
                    rule.method,
                    url + path,
                    headers=headers,
                    json=BODIES.get(operation),
                    allow_redirects=False,
                ) as answer:
                    status = 200 if answer.status == 503 and rule.needs == "anyone" else answer.status
                    faults.append(fault(rule, role, status, whole=whole))
    assert not (wrong := [text for text in faults if text]), "\n" + "\n".join(wrong)
    api.close()
