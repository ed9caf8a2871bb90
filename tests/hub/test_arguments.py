"""Arguments against a tool's schema: whatever its author wrote, the hub has its answer soon."""

from __future__ import annotations

import time
from typing import Any

import pytest

from alongside.errors import Invalid
from alongside.hub import tools

SOON_S = 5.0


def document(**arguments: Any) -> dict[str, Any]:
    component = {"name": "main", "image": "count:1"}
    return {
        "name": "count",
        "version": "1",
        "kind": "task",
        "components": [component],
        "arguments": arguments,
    }


def faults(schema: dict[str, Any], arguments: Any) -> list[str]:
    began = time.monotonic()
    found = [f"{fault.field}: {fault.reason}" for fault in tools.argument_faults(schema, arguments)]
    assert time.monotonic() - began < SOON_S
    return found


def refused(**arguments: Any) -> list[str]:
    began = time.monotonic()
    with pytest.raises(Invalid) as caught:
        tools.read(document(**arguments))
    assert time.monotonic() - began < SOON_S
    return [fault.field for fault in caught.value.faults]


def test_every_fault_of_the_arguments_is_named_with_its_place() -> None:
    schema = {
        "properties": {"n": {"type": "integer"}, "tags": {"items": {"pattern": "^[a-z]+$"}}},
        "required": ["seed"],
    }
    assert faults(schema, {"n": "3", "tags": ["a", "B"]}) == [
        "arguments: 'seed' is a required property",
        "arguments.n: '3' is not of type 'integer'",
        "arguments.tags[1]: 'B' does not match '^[a-z]+$'",
    ]
    assert faults(schema, {"n": 3, "tags": [], "seed": 1}) == []


def test_a_pattern_that_would_be_tried_for_years_is_not() -> None:
    assert faults({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 5000 + "!"})


def test_a_schema_that_refers_to_itself_twice_over_and_over_is_given_up() -> None:
    levels = {f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 2} for n in range(60)}
    schema = {"$defs": {**levels, "l60": {}}, "$ref": "#/$defs/l0"}
    assert faults(schema, {}) == ["arguments: take too long to be checked against the tool's schema"]
    assert faults({"$ref": "#"}, {}) == ["arguments: take too long to be checked against the tool's schema"]


def test_a_schema_that_refers_to_nothing_is_said_to() -> None:
    assert faults({"$ref": "#/nowhere"}, {}) == [
        "arguments: the tool's schema refers to /nowhere, which it does not hold"
    ]


def test_many_items_that_must_differ_are_compared_once() -> None:
    mixed = [{"n": n} for n in range(30_000)] + [1, "1", True, None]
    schema = {"properties": {"a": {"uniqueItems": True}}}
    assert faults(schema, {"a": mixed}) == []
    assert len(faults(schema, {"a": [*mixed, {"n": 7.0}]})) == 1


def test_a_long_argument_is_not_repeated_in_each_fault() -> None:
    schema = {"properties": {"a": {"allOf": [{"type": "integer"}] * 1000}}}
    assert sum(map(len, faults(schema, {"a": "x" * 1_000_000}))) < 100_000


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)b", "a{1000}{1000}"])
def test_a_pattern_that_cannot_be_checked_quickly_is_told_to_the_author(pattern: str) -> None:
    assert refused(properties={"a": {"pattern": pattern}}) == ["arguments.properties.a.pattern"]


def test_a_property_may_be_named_like_a_keyword() -> None:
    tools.read(document(properties={"pattern": {"type": "string", "default": "("}}))


def test_patterns_of_names_are_refused_with_what_to_write_instead() -> None:
    with pytest.raises(Invalid, match="propertyNames"):
        tools.read(document(patternProperties={"^(a+)+$": {}}))
    with pytest.raises(Invalid, match="propertyNames"):
        tools.read(document(**{"$ref": "#/default", "default": {"patternProperties": {"^(a+)+$": {}}}}))


def test_a_schema_is_itself_checked_within_a_moment() -> None:
    assert refused(required=[n if n % 2 else str(n) for n in range(25_000)])
    assert refused(enum=["x" * 100] * 3000) == ["arguments"]
