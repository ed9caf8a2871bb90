"""Requests made up from the OpenAPI document: no 5xx, and no answer that the document does not name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from alongside.config import AccountSettings, Config
from alongside.hub import sites
from alongside.hub.app import describe
from alongside.spec.accounts import SCOPES
from support.api import Api
from support.clocks import Clock
from support.fuzzing import BOUNDED, CHECKS, made_up_from

SCHEMA = made_up_from(describe()).exclude(path_regex="^/live/")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One hub for all cases: what they do to it is part of what the next ones meet."""
    folder = tmp_path_factory.mktemp("fuzz")
    hub = Api(folder, Clock(), Config(data_dir=folder, accounts=AccountSettings(running_max=0)))
    hub.app.config["PROPAGATE_EXCEPTIONS"] = False
    yield hub
    hub.close()


@pytest.fixture
def known(api: Api) -> dict[str, str]:
    """Things that exist, under the names that paths give their ids; made again where a case removed them."""
    root = api.account("root", "admin")
    ann = api.account("ann")
    admin = api.program("root", "admin", SCOPES)
    with api.hub.database.write() as tx:
        if all(site.name != "local" for site in sites.page(tx, None, 500)):
            sites.create(tx, api.clock(), name="local", edge_url="http://{run}.localhost:8470")
    # One that a case made may forbid all launches.
    for banner in admin.get("/banners/all").json:
        admin.delete(f"/banners/{banner['id']}")
    tool = {
        "name": "echo",
        "version": "1",
        "kind": "task",
        "components": [{"image": "busybox", "command": ["cat"]}],
    }
    admin.post("/tools", tool)
    dataset = {"title": "Autzen", "locations": [{"url": "https://example.org/a.laz"}]}
    found = {
        "account_id": ann.id,
        "name": "local",
        "group_id": admin.post("/groups", {"name": f"g{api.clock().timestamp()}"}).json["id"],
        "dataset": admin.post("/datasets", dataset).json["id"],
        "run": admin.post("/runs", {"tool": "echo"}).json["id"],
        "tag": admin.post("/tags", {"name": f"t{api.clock().timestamp()}"}).json["id"],
        "token": api.program("root", "admin", SCOPES).headers["Authorization"],
        "root": root.id,
    }
    api.clock.pass_(seconds=1)
    return found


def path_values(path: str, known: dict[str, str]) -> dict[str, str]:
    """Ids that exist, for the parameters of this path."""
    by_prefix = {
        "accounts": known["account_id"],
        "groups": known["group_id"],
        "tags": known["tag"],
        "datasets": known["dataset"],
        "runs": known["run"],
        "sites": "local",
        "tools": "echo",
    }
    room = path.split("/")[3] if path.startswith("/api/v1/") else ""
    values = {"account_id": known["account_id"], "group_id": known["group_id"], "version": "1"}
    for name in re.findall(r"{([a-z_]+)}", path)[:1]:
        if room in by_prefix:
            values[name] = by_prefix[room]
    return values


@SCHEMA.parametrize()
@BOUNDED
def test_every_answer_is_one_that_the_document_names(case: Any, api: Api, known: dict[str, str]) -> None:
    for name, value in path_values(case.path, known).items():
        # Half of the cases ask for something that is there.
        if name in case.path_parameters and len(str(case.path_parameters[name])) % 2:
            case.path_parameters[name] = value
    case.call_and_validate(app=api.app, headers={"Authorization": known["token"]}, checks=CHECKS)
