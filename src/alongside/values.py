"""Values to JSON and back, with every fault of a bad document named at once.

The values themselves are plain dataclasses in `spec`; only this module knows which library
validates them.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from alongside.errors import Fault, Invalid

T = TypeVar("T")

strict = with_config(ConfigDict(extra="forbid"))
"""Decorator for dataclasses that refuse members they do not know."""


def load(kind: type[T], data: Any, *, field: str = "") -> T:
    """Build a value of `kind` from JSON-like data.

    Raises:
        Invalid: naming each field that is wrong; `field` prefixes the paths.
    """
    try:
        return _adapter(kind).validate_python(data)
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


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _faults(error: ValidationError, prefix: str) -> list[Fault]:
    return [Fault(_path(prefix, item["loc"]), item["msg"]) for item in error.errors()]


def _path(prefix: str, parts: tuple[int | str, ...]) -> str:
    path = prefix
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path
