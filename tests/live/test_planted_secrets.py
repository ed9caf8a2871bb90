"""Secrets that were used in every way an installation knows appear nowhere but where they belong."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from alongside.client import Client
from support.installation import ENVIRONMENT, Installation

#: recognisable, and long enough that nothing else looks like it
PASSWORD = "planted-password-5d41402abc4b2a76"
WRONG = "planted-wrong-7d793037a0760186574b"
FORGED = "als_planted-cookie-b9719d911017c592"
LAB = {
    "name": "lab",
    "version": "1",
    "kind": "interactive",
    "components": [
        {
            "name": "main",
            "environment": ENVIRONMENT,
            "command": ["python", "-m", "http.server", "{port}"],
            "port": 8000,
        }
    ],
}
#: columns in which a secret is kept on purpose, until it is used; a CSRF token opens nothing by itself
KEPT = {("outbox", "body"), ("deliveries", "body"), ("sessions", "csrf")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("planted")
    with Installation(folder, accounts={"sign_in": ("password", "open"), "registration": "open"}) as place:
        yield place


def ask(
    place: Installation, method: str, path: str, body: object = None, **headers: str
) -> urllib3.BaseHTTPResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return urllib3.request(method, place.url + path, json=body, headers=named, retries=False, redirect=False)


def test_no_token_key_or_cookie_is_in_a_log_an_address_an_event_or_an_error(place: Installation) -> None:
    planted, errors = use_everything(place)
    assert len(planted) > 10
    found = [
        f"{name} in {where}"
        for where, text in [*logs(place), *rows(place), *errors]
        for name, secret in planted.items()
        if secret in text
    ]
    assert not found, "\n".join(found)


def use_everything(place: Installation) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Every kind of secret by name, and what the hub answered where it refused one."""
    planted = {"password": PASSWORD, "wrong password": WRONG, "forged cookie": FORGED}
    refused: list[tuple[str, str]] = []

    def wrong(where: str, answer: urllib3.BaseHTTPResponse) -> None:
        assert 400 <= answer.status < 500, (where, answer.status)
        refused.append(
            (f"the answer to {where}", answer.data.decode(errors="replace") + str(dict(answer.headers)))
        )

    account = {"name": "ann", "password": PASSWORD}
    assert ask(place, "POST", "/api/v1/accounts", account).status == 201
    wrong("a second registration", ask(place, "POST", "/api/v1/accounts", account))
    wrong("a wrong password", ask(place, "POST", "/api/v1/sign-in", {"name": "ann", "password": WRONG}))
    wrong(
        "a password of a wrong kind",
        ask(place, "POST", "/api/v1/sign-in", {"name": "ann", "password": [PASSWORD]}),
    )
    wrong("a forged cookie", ask(place, "GET", "/api/v1/me", Cookie=f"alongside_session={FORGED}"))

    signed_in = ask(place, "POST", "/api/v1/sign-in", account)
    cookies = dict(re.findall(r"(alongside_\w+)=([^;]+)", str(signed_in.headers.getlist("Set-Cookie"))))
    planted["session cookie"], planted["CSRF token"] = cookies["alongside_session"], cookies["alongside_csrf"]
    mine = {"Cookie": f"alongside_session={planted['session cookie']}", "X_CSRF_Token": planted["CSRF token"]}
    wrong(
        "a request of another page",
        ask(place, "POST", "/api/v1/tokens", {}, Cookie=mine["Cookie"], X_CSRF_Token=WRONG),
    )

    token = ask(place, "POST", "/api/v1/tokens", {"name": "t", "scopes": ["read", "run", "publish"]}, **mine)
    planted["API token"] = json.loads(token.data)["secret"]
    bearer = {"Authorization": f"Bearer {planted['API token']}"}
    wrong("a token that may not", ask(place, "GET", "/api/v1/accounts", **bearer))
    wrong("a token in the address", ask(place, "GET", "/api/v1/nothing-here", **bearer))
    assert ask(place, "GET", "/live/v1/resolve?id=doi:10.5072/none", **bearer).status in {200, 404}

    admin = place.client.admin
    link = admin.sign_in_link("ann").url
    assert "?" not in link, "secrets follow a #, which no server sees"
    planted["sign-in link"] = link.partition("#token=")[2]
    assert ask(place, "POST", "/api/v1/sign-in/link", {"token": planted["sign-in link"]}).status == 200
    wrong(
        "a link that was used", ask(place, "POST", "/api/v1/sign-in/link", {"token": planted["sign-in link"]})
    )
    planted["invitation"] = admin.invite().partition("#invitation=")[2]
    wrong(
        "an invitation with a bad name",
        ask(
            place,
            "POST",
            "/api/v1/accounts",
            {"name": "B A D", "password": PASSWORD, "invitation": planted["invitation"]},
        ),
    )
    planted["reset token"] = "alm_planted-reset-2c1743a391305fbf"
    body = {"token": planted["reset token"], "password": PASSWORD}
    wrong("a reset link", ask(place, "POST", "/api/v1/password-reset/finish", body))
    guest = ask(place, "POST", "/api/v1/sign-in/guest", {})
    cookie = re.search(r"alongside_session=([^;]+)", str(guest.headers.getlist("Set-Cookie")))
    assert cookie
    planted["guest's cookie"] = cookie[1]
    back = json.loads(
        ask(place, "GET", "/api/v1/me/return-link", Cookie=f"alongside_session={cookie[1]}").data
    )["url"]
    planted["return link"] = back.partition("#token=")[2]
    assert ask(place, "POST", "/api/v1/sign-in/link", {"token": planted["return link"]}).status == 200
    registration = place.client.admin.registration_token(place.site).secret
    planted["registration token"] = registration
    wrong(
        "a runner without a name",
        ask(place, "POST", "/api/v1/runners/register", {"registration_token": registration}),
    )
    planted["admin's token"] = place.started.api_token

    with Client(place.url, planted["API token"]) as client:
        open_a_tool(place, client, planted, bearer)
    for name in ("credentials.json",):
        for file in place.config.data_dir.rglob(name):
            planted["runner token"] = json.loads(file.read_text())["token"]
    return planted, refused


def open_a_tool(place: Installation, client: Client, planted: dict[str, str], bearer: dict[str, str]) -> None:
    """Tickets, secrets of the edge and codes of a share."""
    assert ask(place, "POST", "/api/v1/tools", LAB, **bearer).status == 201
    run = client.launch("lab")
    place.until(lambda: client.runs.show(run.id).ready, "the tool is ready")
    shared = ask(place, "POST", f"/api/v1/runs/{run.id}/shares", {"kind": "code"}, **bearer)
    planted["share code"] = json.loads(shared.data)["code"]
    wrong = ask(place, "POST", "/api/v1/shares/redeem", {"code": planted["share code"] + "x"}, **bearer)
    assert wrong.status == 404
    access = json.loads(ask(place, "POST", f"/api/v1/runs/{run.id}/access", {}, **bearer).data)
    planted["ticket"] = re.search(r"[?&]t=([^&]+)", access["ticket_url"])[1]  # type: ignore[index]
    visitor = place.visitor()
    page = visitor.get(access["ticket_url"])
    assert page.status == 200, page.text
    assert planted["ticket"] not in page.url
    assert ask(place, "POST", f"/api/v1/runs/{run.id}/stop", **bearer).status < 300


def logs(place: Installation) -> list[tuple[str, str]]:
    found = [(f"the log of {part}", place.words(part)) for part in ("hub", "dispatcher", "edge", "runner")]
    for file in Path(place.config.data_dir).rglob("*.log*"):
        found.append((str(file), file.read_text(errors="replace")))
    return found


def rows(place: Installation) -> list[tuple[str, str]]:
    """Every text of the database but those kept on purpose: secrets are there as hashes."""
    database = sqlite3.connect(f"file:{place.config.data_dir / 'hub.sqlite'}?mode=ro", uri=True)
    found: list[tuple[str, str]] = []
    for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        for row in database.execute(f"SELECT * FROM {table}"):
            found += [
                (f"{table}.{column}", value)
                for column, value in zip(columns, row, strict=True)
                if isinstance(value, str) and (table, column) not in KEPT
            ]
    database.close()
    return found
