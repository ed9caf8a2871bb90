"""Sites, runners, datasets and tools for tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alongside.hub import datasets, sites, tools
from alongside.hub.store.database import Tx
from alongside.spec.accounts import Caller
from alongside.spec.datasets import Dataset, NewDataset, NewLocation
from alongside.spec.tools import ToolVersion
from alongside.spec.wire import Registration


@dataclass(frozen=True)
class JoinedRunner:
    id: str
    token: str
    site: str
    name: str


def site(tx: Tx, name: str, now: datetime) -> None:
    sites.create(tx, now, name=name, edge_url=f"http://{{run}}.{name}.localhost:8470")


def runner(tx: Tx, site_name: str, name: str, now: datetime) -> JoinedRunner:
    secret = sites.create_registration_token(tx, site_name, "test", 1, now).secret
    joined = sites.register(tx, Registration(secret, name), now)
    return JoinedRunner(joined.id, joined.token, site_name, name)


def dataset(
    tx: Tx,
    caller: Caller,
    identifier: str,
    now: datetime,
    *,
    at: str | None,
    address_size: int | None = 1000,
    **more: Any,
) -> Dataset:
    """A dataset at a site (`at`), or only at an address (`at=None`), where its size may be stated."""
    path = f"/data/{identifier.rpartition('/')[2]}"
    place = (
        NewLocation(site=at, path=path)
        if at is not None
        else NewLocation(url=f"https://data.example.org{path}", size_bytes=address_size)
    )
    return datasets.register(
        tx, caller, NewDataset(identifiers=(identifier,), locations=(place,), **more), now
    )


def tool(tx: Tx, caller: Caller, name: str, now: datetime, *, kind: str = "task", **more: Any) -> ToolVersion:
    port = {"port": 8888} if kind == "interactive" else {}
    document = {
        "name": name,
        "version": "1",
        "kind": kind,
        "components": [{"environment": "python", "command": ["run"], **port}],
        **more,
    }
    return tools.publish(tx, caller, document, now)[0]
