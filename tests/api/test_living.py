"""Doors of notices, usage, budgets, classes and banners: who gets through, and what the answers look like."""

from __future__ import annotations

from sqlalchemy import update

from alongside.hub.store import schema
from support.api import Api
from support.furnished import asked, furnished


def test_the_inbox_is_ones_own(api: Api) -> None:
    ann, bob = api.person("ann"), api.person("bob")
    hook = ann.post("/webhooks", {"url": "https://chat.example/hook"})
    assert hook.status_code == 201
    assert len(hook.json["secret"]) == 64
    id = hook.json["webhook"]["id"]
    assert bob.post(f"/webhooks/{id}/test").status_code == 404
    assert ann.post(f"/webhooks/{id}/test").status_code == 202
    assert ann.get("/notices/unread").json == {"unread": 1}
    assert bob.get("/notices").json["items"] == []
    (notice,) = ann.get("/notices?unread=true").json["items"]
    assert ann.post("/notices/read", {"ids": [notice["id"]]}).json == {"unread": 0}
    assert ann.get("/notices?unread=true").json["items"] == []
    assert ann.delete(f"/webhooks/{id}").status_code == 204
    refused = ann.post("/webhooks", {"url": "ftp://chat.example"})
    assert (refused.status_code, refused.json["faults"][0]["field"]) == (422, "url")


def test_mail_is_asked_for_by_kind_and_goes_to_a_confirmed_address(api: Api) -> None:
    ann = api.person("ann")
    with api.hub.database.write() as tx:
        tx.execute(update(schema.accounts).values(email="ann@example.org", email_verified=False))
    assert ann.get("/notice-settings").json["address"] is None
    with api.hub.database.write() as tx:
        tx.execute(update(schema.accounts).values(email_verified=True))
    wish = {"settings": [{"kind": "ready", "mail": True, "webhook": False}]}
    found = ann.put("/notice-settings", wish).json
    assert (found["address"], found["mail"]) == ("ann@example.org", False)
    assert {"kind": "ready", "mail": True, "webhook": False} in found["settings"]
    assert (
        ann.put("/notice-settings", {"settings": [{"kind": "x", "mail": 1, "webhook": 0}]}).status_code == 422
    )


def test_usage_is_a_table_and_a_file(api: Api) -> None:
    ann = api.person("ann")
    assert ann.get("/usage?by=day").json["rows"] == []
    file = ann.get("/usage.csv?by=tool&since=2026-04-01&until=2026-04-30")
    assert file.content_type.startswith("text/csv")
    assert (
        file.headers["Content-Disposition"]
        == 'attachment; filename="usage-by-tool-2026-04-01-2026-04-30.csv"'
    )
    assert file.text.splitlines()[0].startswith("key,name,cpu_hours")
    wrong = ann.get("/usage?since=2026-02-30")
    assert (wrong.status_code, wrong.json["faults"][0]["field"]) == (422, "since")
    assert ann.get("/usage?account=somebody").status_code == 403


def test_budgets_are_made_by_administrators_and_seen_by_those_who_spend(api: Api) -> None:
    root, ann = api.person("root", "admin"), api.person("ann")
    wish = {"scope": "account", "subject": ann.account.id, "measure": "gpu_hours", "amount": 5}
    assert ann.post("/budgets", wish).status_code == 403
    made = root.post("/budgets", wish)
    assert made.status_code == 201
    assert [item["used"] for item in ann.get("/budgets").json] == [0]
    assert api.person("bob").get("/budgets").json == []
    assert root.patch(f"/budgets/{made.json['id']}", {"amount": 7}).json["amount"] == 7
    assert root.delete(f"/budgets/{made.json['id']}").status_code == 204


def test_a_class_is_its_managers(api: Api) -> None:
    ann = furnished(api)
    root, tess = api.person("root", "admin"), api.person("tess")
    group = root.post("/groups", {"name": "physics"}).json["id"]
    root.put(f"/groups/{group}/members/{ann.account.id}", {})
    root.put(f"/groups/{group}/members/{tess.account.id}", {"manager": True})
    run = asked(ann)
    assert ann.get(f"/groups/{group}/class").status_code == 404
    assert ann.get("/classes").json == []
    assert [item["name"] for item in tess.get("/classes").json] == ["physics"]
    page = tess.get(f"/groups/{group}/class?tool=lab").json
    assert page["counts"] == {"waiting": 1, "absent": 1}
    assert tess.post(f"/groups/{group}/class", {"kind": "extend"}).status_code == 422
    done = tess.post(f"/groups/{group}/class", {"kind": "stop", "tool": "lab"}).json
    assert (done["done"], done["outcomes"][0]["run"]) == (1, run["id"])
    assert ann.get(f"/runs/{run['id']}").json["state"] == "paused"
    assert tess.post(f"/groups/{group}/class", {"kind": "message", "title": "Well done"}).json["done"] == 2


def test_banners_are_shown_to_everybody_and_refuse_launches(api: Api) -> None:
    ann = furnished(api)
    root = api.person("root", "admin")
    assert ann.post("/banners", {"text": "x"}).status_code == 403
    now = api.clock().isoformat()
    made = root.post("/banners", {"text": "New disks", "level": "down", "no_launch_from": now})
    assert made.status_code == 201, made.text
    assert [item["text"] for item in api.nobody().get("/banners").json] == ["New disks"]
    refused = ann.post("/runs", {"tool": "lab"})
    assert (refused.status_code, refused.json["code"]) == (409, "under_maintenance")
    assert root.patch(f"/banners/{made.json['id']}", {"no_launch_from": None}).status_code == 200
    assert ann.post("/runs", {"tool": "lab"}).status_code == 201
    assert root.post("/banners", {"text": "x", "ends_at": "0001-01-01T00:00:00Z"}).status_code == 422
