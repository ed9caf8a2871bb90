"""A tool spec as its author wrote it: read from JSON-like data or YAML, with every fault named at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from alongside import values
from alongside.errors import BadRequest, Fault, Invalid
from alongside.hub.tools.arguments import pattern_fault, schema_faults
from alongside.spec.tools import ToolSpec, faults

YAML_MAX_BYTES = 200_000
ARGUMENTS_MAX_BYTES = 200_000
DIALECTS = ("https://json-schema.org/", "http://json-schema.org/")


def read(document: Any) -> ToolSpec:
    """A tool spec from JSON-like data.

    Raises:
        Invalid: naming everything that is wrong with it, types and meaning together.
    """
    wrong: list[Fault] = []
    try:
        spec = values.load(ToolSpec, document, closed=True)
        wrong += (*faults(spec), *_argument_faults(spec.arguments))
    except Invalid as error:
        wrong += (_with_advice(fault, document) for fault in error.faults)
        wrong += _faults_beside(document, error.faults)
        spec = None
    if spec is None or wrong:
        raise Invalid(wrong)
    return spec


def from_yaml(text: bytes) -> Any:
    """JSON-like data from a YAML document.

    Raises:
        BadRequest: it is no YAML, or uses what JSON has no word for.
    """
    if len(text) > YAML_MAX_BYTES:
        raise BadRequest(f"a tool in YAML has at most {YAML_MAX_BYTES} bytes")
    try:
        return yaml.load(text, Loader=_PlainLoader)
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:
        raise BadRequest(f"the body is not plain YAML: {error}") from None


def _argument_faults(schema: dict[str, Any]) -> Iterator[Fault]:
    text = json.dumps(schema)
    if len(text) > ARGUMENTS_MAX_BYTES:
        yield Fault("arguments", f"must have at most {ARGUMENTS_MAX_BYTES} bytes as JSON")
        return
    yield from schema_faults(schema)
    for where in _references(schema, "arguments"):
        # A schema that names another address would make the hub call it.
        yield Fault(where, "must refer to this schema itself, as #/…")
    for where, pattern in _patterns(schema, "arguments"):
        if fault := pattern_fault(pattern):
            yield Fault(where, fault)
    # Looked for in the text: a reference may make a schema of what is no keyword where it stands.
    if '"patternProperties"' in text:
        yield Fault("arguments", "patternProperties is not read; use propertyNames with a pattern")


def _patterns(schema: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(schema, dict):
        for key, item in schema.items():
            if key == "pattern" and isinstance(item, str):
                yield f"{where}.{key}", item
            elif key not in {"enum", "const", "default", "examples"}:
                yield from _patterns(item, f"{where}.{key}")
    elif isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from _patterns(item, f"{where}[{index}]")


def _references(schema: Any, where: str) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, item in schema.items():
            local = isinstance(item, str) and item.startswith("#")
            dialect = key == "$schema" and isinstance(item, str) and item.startswith(DIALECTS)
            if key in {"$ref", "$dynamicRef", "$id", "$schema"} and not local and not dialect:
                yield f"{where}.{key}"
            yield from _references(item, f"{where}.{key}")
    elif isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from _references(item, f"{where}[{index}]")


_PLACEHOLDERS: dict[str, Any] = {"name": "placeholder", "version": "0", "components": []}

#: members of a component that the rules about all components look at
_DECISIVE = {"name", "image", "environment", "port", "depends"}


def _faults_beside(document: Any, typed: tuple[Fault, ...]) -> list[Fault]:
    """What is wrong with the meaning of the well-typed rest of a document that has wrong types.

    An author shall not mend five faults only to be told of the next two.
    """
    if not isinstance(document, dict):
        return []
    rest = _without(document, [fault.field for fault in typed])
    kinds = [rest["kind"]] if "kind" in rest else ["interactive", "task"]
    found: list[list[Fault]] = []
    for kind in kinds:
        try:
            spec = values.load(ToolSpec, {**rest, "kind": kind})
        except Invalid:
            return []
        found.append([*faults(spec), *_argument_faults(spec.arguments)])
    return [
        fault
        for fault in found[0]
        if all(fault in others for others in found) and not _follows(fault, [item.field for item in typed])
    ]


def _without(document: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """A copy in which each faulty member is left out, or stands for itself where it must not be."""
    rest = json.loads(json.dumps(document, default=str))
    for field in fields:
        parts = [name or int(index) for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", field)]
        holder: Any = rest
        match parts:
            case ["components", int(index)]:
                rest["components"][index] = {"name": f"component-{index}", "image": "unknown"}
                continue
            case ["components", int(index), str(name), *_] if isinstance(rest["components"][index], dict):
                holder = rest["components"][index]
            case [str(section), str(name), *_] if isinstance(rest.get(section), dict):
                holder = rest[section]
            case [str(name), *_]:
                pass
            case _:
                continue
        holder.pop(name, None)
    return {**{name: value for name, value in _PLACEHOLDERS.items() if name not in rest}, **rest}


def _follows(fault: Fault, typed: list[str]) -> bool:
    """Whether a fault only repeats, or follows from, one of the wrong types."""
    for field in typed:
        if fault.field == field or fault.field.startswith((field + ".", field + "[")):
            return True
        parts = field.split(".")
        decisive = len(parts) == 1 or parts[1].partition("[")[0] in _DECISIVE
        if fault.field == "components" and field.startswith("components[") and decisive:
            return True
        named = re.fullmatch(r"components\[\d+\](\.name)?", field)
        if named and fault.field.endswith(".depends"):
            return True
    return False


def _with_advice(fault: Fault, document: Any) -> Fault:
    number = document.get("version") if fault.field == "version" and isinstance(document, dict) else None
    if isinstance(number, int | float):
        return Fault("version", f'must be text: write "{number}" in quotes')
    return fault


class _PlainLoader(yaml.SafeLoader):
    """YAML as JSON knows it: no dates, no binary, no sets, and no aliases, which can grow without bound."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("aliases (*name) are not read")
        return super().compose_node(parent, index)


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":merge"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_PlainLoader.yaml_constructors = {
    tag: constructor
    for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or not tag.endswith((":timestamp", ":binary", ":set", ":omap", ":pairs"))
}
