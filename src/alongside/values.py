"""Values to JSON and back, with every fault of a bad document named at once.

The values themselves are plain dataclasses in `spec`; only this module knows which library
validates them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from pydantic.json_schema import GenerateJsonSchema

from alongside.errors import Fault, Invalid

T = TypeVar("T")

strict = with_config(ConfigDict(extra="forbid"))
"""Decorator for dataclasses that refuse members they do not know."""


def load(kind: type[T], data: Any, *, field: str = "", closed: bool = False) -> T:
    """Build a value of `kind` from JSON-like data; `closed` refuses unknown members at every depth.

    Raises:
        Invalid: naming each field that is wrong; `field` prefixes the paths.
    """
    try:
        return _adapter(kind).validate_python(data, extra="forbid" if closed else None)
    except ValidationError as error:
        raise Invalid(_faults(error, field)) from None


def load_json(kind: type[T], text: bytes | str) -> T:
    """Like `load`, from JSON text (several times faster than parsing first)."""
    try:
        return _adapter(kind).validate_json(text)
    except ValidationError as error:
        raise Invalid(_faults(error, "")) from None


def dump(value: Any) -> Any:
    """The JSON-like form of a value; instants become RFC 3339 strings ending in Z."""
    return _adapter(type(value)).dump_python(value, mode="json")


def dump_json(value: Any) -> bytes:
    return _adapter(type(value)).dump_json(value)


def dump_as(kind: Any, value: Any) -> bytes:
    """JSON text of `value` as a `kind`, which may be generic (`Page[Run]`) or a union."""
    return _adapter(kind).dump_json(value)


def json_schemas(
    kinds: Iterable[tuple[Any, Literal["input", "output"]]], *, template: str
) -> tuple[dict[tuple[Any, str], dict[str, Any]], dict[str, Any]]:
    """JSON Schemas of all `kinds` together: a schema for each of them, and the definitions they share.

    What we write is complete, so every member of an output is required; a value that also comes
    in gets a second definition for that, named `…Input`.
    """
    mode: dict[str, Literal["validation", "serialization"]] = {
        "input": "validation",
        "output": "serialization",
    }
    wanted = list(dict.fromkeys(kinds))
    found, document = TypeAdapter.json_schemas(
        [((kind, way), mode[way], _adapter(kind)) for kind, way in wanted],
        ref_template="{model}",
        schema_generator=_Complete,
    )
    definitions: dict[str, Any] = document.get("$defs", {})
    named = {_definition_name(name): schema for name, schema in definitions.items()}
    schemas = {(kind, way): found[(kind, way), mode[way]] for kind, way in wanted}  # type: ignore[index]
    return (
        {key: _relinked(schema, template) for key, schema in schemas.items()},
        {name: _relinked(schema, template) for name, schema in sorted(named.items())},
    )


class _Complete(GenerateJsonSchema):
    def field_is_required(self, field: Any, total: bool) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)

    def field_title_should_be_set(self, schema: Any) -> bool:
        # "Display Name" beside `display_name` tells nobody anything
        return False


def _definition_name(name: str) -> str:
    name = name.removesuffix("-Output").replace("-Input", "Input")
    return re.sub(r"^(\w+?)_(\w+?)_$", r"\2\1", name)


def _relinked(schema: Any, template: str) -> Any:
    if isinstance(schema, list):
        return [_relinked(item, template) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: template.format(model=_definition_name(item))
        if key == "$ref" and isinstance(item, str)
        else _relinked(item, template)
        for key, item in schema.items()
    }


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _faults(error: ValidationError, prefix: str) -> list[Fault]:
    return [
        Fault(
            _path(prefix, item["loc"]),
            _WORDS.get(item["type"]) or item["msg"].replace("Input should", "must", 1),
        )
        for item in error.errors()
    ]


#: where the library's own sentence speaks of Python instead of JSON
_WORDS = {
    "missing": "is missing",
    "unexpected_keyword_argument": "there is no such member",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "dataclass_type": "must be an object",
    "string_type": "must be text",
}


def _path(prefix: str, parts: tuple[int | str, ...]) -> str:
    path = prefix
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path
