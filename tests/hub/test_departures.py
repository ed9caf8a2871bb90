"""Leaving for good: what is handed over, what goes and what stays."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from alongside.hub import departures
from alongside.hub.store import changes, schema
from support.api import Api
from support.clocks import Clock
from support.furnished import asked, furnished


@pytest.fixture
def api(tmp_path: Path, clock: Clock) -> Iterator[Api]:
    api = Api(tmp_path, clock)
    yield api
    api.close()


def test_the_archive_holds_what_the_hub_knows_and_no_secret(api: Api) -> None:
    ann = furnished(api)
    run = asked(ann)
    secret = ann.post("/tokens", {"name": "mine", "scopes": ["read"]}).json["secret"]
    answer = ann.get("/me/export")
    assert answer.content_type == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    told = {name: archive.read(name).decode() for name in archive.namelist()}
    assert json.loads(told["account.json"])["account"]["name"] == "ann"
    assert json.loads(told["account.json"])["tokens"][0]["name"] == "mine"
    assert [found["id"] for found in json.loads(told["runs.json"])] == [run["id"]]
    assert len(json.loads(told["datasets.json"])) == 1
    assert not any(secret in text or "argon2" in text or "hash" in text for text in told.values())


def test_who_leaves_is_forgotten_and_what_they_registered_stays(api: Api, clock: Clock) -> None:
    ann, root = furnished(api), api.person("root", "admin")
    asked(ann)
    api.account("ann")
    token = api.program("ann", scopes=("read",))
    wrong = ann.post("/me/leave", {"confirm": "bob"})
    assert wrong.json["faults"] == [{"field": "confirm", "reason": "must be the name of your account"}]
    assert token.post("/me/leave", {"confirm": "ann"}).status_code == 403
    with api.hub.database.write() as tx:
        changes.consume(tx)
    assert ann.post("/me/leave", {"confirm": "ann"}).status_code == 204
    assert (ann.get("/me").status_code, token.get("/me").status_code) == (401, 401)
    with api.hub.database.write() as tx:
        heard = changes.consume(tx)
        assert ("departure", ann.account.id) in {(change.kind, change.key) for change in heard}
        departures.clear(tx, ann.account.id, clock(), api.config)
        left = tx.execute(select(schema.accounts).where(schema.accounts.c.id == ann.account.id)).one()
        runs = tx.execute(select(schema.runs.c.deleting, schema.runs.c.state)).all()
    assert runs == [(True, "canceled")]
    assert "ann" not in (left.name, left.display_name)
    assert (left.email, left.password_hash, left.active) == (None, None, False)
    assert len(root.get("/datasets").json["items"]) == 1
    assert [account["name"] for account in root.get("/accounts").json["items"]] == ["root"]
    assert root.post("/accounts", {"name": "ann", "role": "user"}).status_code == 201, "the name is free"


def test_the_last_administrator_cannot_leave(api: Api) -> None:
    root = api.person("root", "admin")
    assert root.post("/me/leave", {"confirm": "root"}).json["code"] == "in_use"
    api.person("other", "admin")
    assert root.post("/me/leave", {"confirm": "root"}).status_code == 204
