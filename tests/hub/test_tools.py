"""Tools: read with every fault named, published once, listed with where they run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from alongside import values
from alongside.errors import (
    BadRequest,
    Forbidden,
    InUse,
    Invalid,
    ToolUnknown,
    ToolVersionUnknown,
    VersionPublished,
)
from alongside.hub import accounts, sites, tools
from alongside.hub.store import changes, schema
from alongside.hub.store.database import Database, Tx
from alongside.spec.accounts import Caller
from alongside.spec.tools import ToolVersion
from support.clocks import Clock
from support.people import person

DEMO = Path(__file__).parents[2] / "deploy" / "tools"
SPECS = Path(__file__).parents[3] / "shared" / "data" / "workbench-specs"


def lab(version: str = "1.0", **more: Any) -> dict[str, Any]:
    component = {"name": "lab", "image": "lab:1", "port": 8888}
    return {"name": "lab", "version": version, "kind": "interactive", "components": [component], **more}


def faults_of(document: Any) -> list[str]:
    with pytest.raises(Invalid) as caught:
        tools.read(document)
    return [fault.field for fault in caught.value.faults]


def publish(tx: Tx, caller: Caller, clock: Clock, document: dict[str, Any]) -> ToolVersion:
    clock.pass_(seconds=1)
    return tools.publish(tx, caller, document, clock())[0]


@pytest.fixture
def ann(database: Database, clock: Clock) -> Caller:
    with database.write() as tx:
        return person(tx, clock(), "ann")


def test_wrong_types_and_wrong_meaning_are_named_together() -> None:
    document = lab(
        "1",
        components=[
            {"name": "Web", "image": "a", "port": "many", "comand": []},
            {"name": "db", "image": "b", "depends": ["cache"]},
        ],
        resources={"cpus": -1, "memory_gb": "lots"},
        colour="blue",
    )
    assert faults_of(document) == [
        "components[0].port",
        "components[0].comand",
        "resources.memory_gb",
        "colour",
        "components[0].name",
        "components[1].depends",
        "resources.cpus",
    ]


def test_what_follows_from_a_wrong_type_is_not_told_twice() -> None:
    assert faults_of(lab(components=[{"image": "a", "port": "many"}])) == ["components[0].port"]
    assert faults_of(lab(components="none")) == ["components"]
    assert faults_of(lab(components=[7])) == ["components[0]"]
    assert faults_of(lab(kind="game")) == ["kind"]
    assert faults_of({}) == ["name", "version", "kind", "components"]
    assert faults_of([]) == [""]


def test_a_version_that_is_a_number_is_told_to_be_quoted() -> None:
    with pytest.raises(Invalid, match=r'write "1.1" in quotes'):
        tools.read(lab(version=1.1))  # type: ignore[arg-type]


def test_arguments_must_be_a_json_schema_that_needs_nothing_else() -> None:
    properties = {"a": {"type": "colour"}, "b": {"$ref": "https://example.org/schema"}, "c": {"$ref": "#/x"}}
    assert faults_of(lab(arguments={"type": "object", "properties": properties})) == [
        "arguments.properties.a.type",
        "arguments.properties.b.$ref",
    ]


def test_the_demonstration_tools_are_sound() -> None:
    found = sorted(DEMO.glob("*.yaml"))
    assert found
    for path in found:
        assert tools.read(tools.from_yaml(path.read_bytes())).name == path.stem


def test_yaml_is_read_as_json_would_be() -> None:
    assert tools.from_yaml(b"a: 2020-01-01\nb: [1, 2.5, yes, null]") == {
        "a": "2020-01-01",
        "b": [1, 2.5, True, None],
    }


@pytest.mark.parametrize(
    "text",
    [
        b"a: &x [1]\nb: *x",
        b"a: [",
        b"!!python/object/apply:os.system [id]",
        b"a: !!binary aGk=",
        b"a: !!set {x}",
        b"\xff\xfe\xff",
        b"[" * 100_000,
        b"#" * 300_000,
    ],
)
def test_yaml_that_json_has_no_word_for_is_refused(text: bytes) -> None:
    with pytest.raises(BadRequest):
        tools.from_yaml(text)


@pytest.mark.skipif(not SPECS.exists(), reason="the workbench's specs are not beside this checkout")
def test_a_spec_of_another_system_is_refused_with_what_is_missing() -> None:
    for path in sorted(SPECS.glob("*.json")):
        wrong = faults_of(json.loads(path.read_text()))
        assert "version" in wrong, path.name
        assert "kind" in wrong, path.name


def test_a_published_version_reads_back_as_it_was_written(
    database: Database, clock: Clock, ann: Caller
) -> None:
    document = tools.from_yaml((DEMO / "pointcloud-summary.yaml").read_bytes())
    with database.write() as tx:
        made = publish(tx, ann, clock, document)
        assert changes.consume(tx)[-1] == changes.Change("tool", "pointcloud-summary")
    with database.read() as tx:
        assert tools.find(tx, ann, "pointcloud-summary") == made
        assert tools.find(tx, ann, f"pointcloud-summary@{made.spec.version}") == made
    assert made.spec == tools.read(document)


def test_a_version_never_changes(database: Database, clock: Clock, ann: Caller) -> None:
    with database.write() as tx:
        first, new = tools.publish(tx, ann, lab(), clock())
        again, new_again = tools.publish(tx, ann, lab(), clock())
        assert (new, new_again) == (True, False)
        assert again == first
        with pytest.raises(VersionPublished):
            tools.publish(tx, ann, lab(title="Other"), clock())


def test_the_latest_version_is_the_one_published_last(database: Database, clock: Clock, ann: Caller) -> None:
    with database.write() as tx:
        for version in ("2.0", "10.0", "9.0"):
            publish(tx, ann, clock, lab(version))
        assert tools.find(tx, ann, "lab").spec.version == "9.0"
        assert tools.get(tx, ann, "lab").versions == ("9.0", "10.0", "2.0")
        assert tools.find(tx, ann, "lab@2.0").spec.version == "2.0"


def test_an_unknown_tool_and_an_unknown_version_are_told_apart(
    database: Database, clock: Clock, ann: Caller
) -> None:
    with database.write() as tx:
        publish(tx, ann, clock, lab())
        with pytest.raises(ToolUnknown):
            tools.find(tx, ann, "lob")
        with pytest.raises(ToolVersionUnknown, match=r"it has 1\.0"):
            tools.find(tx, ann, "lab@3")


def test_only_its_publisher_or_an_administrator_adds_versions(
    database: Database, clock: Clock, ann: Caller
) -> None:
    with database.write() as tx:
        bob, root = person(tx, clock(), "bob"), person(tx, clock(), "root", role="admin")
        publish(tx, ann, clock, lab())
        with pytest.raises(Forbidden):
            publish(tx, bob, clock, lab("2.0"))
        with pytest.raises(Forbidden):
            tools.delete(tx, bob, "lab")
        assert publish(tx, root, clock, lab("2.0")).created_by == root.account.id


def test_a_tagged_tool_is_there_only_for_those_who_hold_the_tag(
    database: Database, clock: Clock, ann: Caller
) -> None:
    with database.write() as tx:
        holder = person(tx, clock(), "holder", tags=("course",))
        publish(tx, ann, clock, lab())
        tag = accounts.tag_page(tx, None, 10)[0]
        accounts.put_tag_on(tx, tag.id, "tool", "lab")
        assert tools.get(tx, holder, "lab").tags == ("course",)
        assert tools.listing(tx, ann) == []
        with pytest.raises(ToolUnknown):
            tools.find(tx, ann, "lab")


def test_tools_page_by_name(database: Database, clock: Clock, ann: Caller) -> None:
    with database.write() as tx:
        for name in ("c", "a", "b"):
            publish(tx, ann, clock, lab(name=name))
        assert [tool.name for tool in tools.listing(tx, ann, limit=2)] == ["a", "b"]
        assert [tool.name for tool in tools.listing(tx, ann, after="b", limit=2)] == ["c"]


def test_a_card_says_where_the_tool_runs_or_what_the_site_lacks(
    database: Database, clock: Clock, ann: Caller
) -> None:
    process = {"kind": "process", "available": True, "environments": ["demo"]}
    with database.write() as tx:
        publish(tx, ann, clock, lab())
        assert tools.get(tx, ann, "lab").runnable.reason == "there is no site that you may use"
        site = sites.create(tx, clock(), name="local", edge_url="http://{run}.localhost:8470")
        assert tools.get(tx, ann, "lab").runnable.reason == "no runner is registered at this site"
        tx.execute(
            insert(schema.runners).values(
                id="r",
                site_id=site.id,
                name="one",
                secret_hash="x",
                labels=[],
                executors=[process],
                capacity={"cpus": 4, "memory_gb": 8},
                online=True,
                created_at=clock(),
            )
        )
        assert tools.get(tx, ann, "lab").runnable.reason == "needs Docker at this site"
        docker = {"kind": "docker", "available": True}
        tx.execute(update(schema.runners).values(executors=[process, docker]))
        (card,) = tools.listing(tx, ann)
        assert (card.runnable.ok, card.runnable.sites) == (True, ("local",))


def test_a_tool_with_runs_is_not_deleted(database: Database, clock: Clock, ann: Caller) -> None:
    with database.write() as tx:
        used = publish(tx, ann, clock, lab())
        publish(tx, ann, clock, lab("2.0"))
        tx.execute(
            insert(schema.runs).values(
                id="run",
                account_id=ann.account.id,
                tool_version_id=used.id,
                tool="lab",
                version="1.0",
                kind="interactive",
                request={},
                state="complete",
                cpus=1,
                memory_gb=1,
                created_at=clock(),
                updated_at=clock(),
            )
        )
        with pytest.raises(InUse, match="one run was made from lab"):
            tools.delete(tx, ann, "lab")
        with pytest.raises(InUse):
            tools.delete_version(tx, ann, "lab", "1.0")
        tools.delete_version(tx, ann, "lab", "2.0")
        assert tools.get(tx, ann, "lab").versions == ("1.0",)


def test_with_its_last_version_a_tool_goes(database: Database, clock: Clock, ann: Caller) -> None:
    with database.write() as tx:
        publish(tx, ann, clock, lab())
        with pytest.raises(ToolVersionUnknown):
            tools.delete_version(tx, ann, "lab", "9")
        tools.delete_version(tx, ann, "lab", "1.0")
        with pytest.raises(ToolUnknown):
            tools.get(tx, ann, "lab")
        bob = person(tx, clock(), "bob")
        assert publish(tx, bob, clock, lab()).spec.name == "lab"


def test_equal_contents_have_equal_digests(database: Database, clock: Clock, ann: Caller) -> None:
    with database.write() as tx:
        first = publish(tx, ann, clock, lab("1"))
        reordered = dict(reversed(list(values.dump(first.spec).items())))
        assert tools.publish(tx, ann, reordered, clock()) == (first, False)
