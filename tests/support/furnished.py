"""A hub with something to run, for tests of doors: no dispatcher, so what is asked for waits."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, update

from alongside.hub.store import schema
from support.api import Api, Person

TASK: dict[str, Any] = {
    "name": "summary",
    "version": "1.0",
    "kind": "task",
    "components": [{"environment": "demo", "command": ["sum"]}],
    "arguments": {
        "type": "object",
        "additionalProperties": False,
        "properties": {"pixels": {"type": "integer", "minimum": 16}},
    },
}
LAB: dict[str, Any] = {
    "name": "lab",
    "version": "1.0",
    "kind": "interactive",
    "components": [{"environment": "demo", "command": ["lab"], "port": 8888}],
}
RUNNER = "01runner000000000000000000"
WISH: dict[str, Any] = {"tool": "lab", "datasets": [{"id": "10.5072/AUTZEN"}]}


def furnished(api: Api) -> Person:
    """Ann, at a hub with a site, a runner that does nothing, a dataset and two tools."""
    root, ann = api.person("root", "admin"), api.person("ann")
    site = root.post("/sites", {"name": "lab"}).json
    with api.hub.database.write() as tx:
        tx.execute(
            insert(schema.runners).values(
                id=RUNNER,
                site_id=site["id"],
                name="one",
                secret_hash="x",
                labels=[],
                executors=[{"kind": "process", "available": True, "environments": ["demo"]}],
                capacity={"cpus": 4, "memory_gb": 8},
                online=True,
                created_at=api.clock(),
            )
        )
    place = {"site": "lab", "path": "/data/autzen.laz"}
    for path, body in (
        ("/datasets", {"identifiers": ["doi:10.5072/autzen"], "locations": [place]}),
        ("/tools", TASK),
        ("/tools", LAB),
    ):
        assert ann.post(path, body).status_code == 201
    return ann


def asked(person: Person, **more: Any) -> Any:
    answer = person.post("/runs", {**WISH, **more})
    assert answer.status_code == 201, answer.text
    return answer.json


def make_ready(api: Api, run: str) -> None:
    """As a dispatcher would leave a run whose tool answers."""
    members = {"state": "running", "ready": True, "attempt": 1}
    with api.hub.database.write() as tx:
        site = tx.execute(schema.sites.select()).first()
        assert site is not None
        tx.execute(update(schema.runs).where(schema.runs.c.id == run).values(site_id=site.id, **members))
        tx.execute(
            insert(schema.attempts).values(
                run_id=run,
                number=1,
                state="running",
                site=site.name,
                runner_id=RUNNER,
                created_at=api.clock(),
            )
        )
