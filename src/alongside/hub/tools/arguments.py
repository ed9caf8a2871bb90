"""Arguments and schemas of tools, checked within a moment whatever the tool's author wrote.

JSON Schema can ask for work without end in a few lines: patterns that backtrack, references that
double at each level. Any signed-in person may publish a schema, so each check has a deadline, and
patterns go to an engine that is linear in the length of the text.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from pydantic_core import SchemaError, SchemaValidator, core_schema
from referencing.exceptions import Unresolvable

from alongside.errors import Fault

WITHIN_S = 1.0
FAULTS_MAX = 50
#: a message repeats what it is about, however long that is
MESSAGE_MAX = 300

Keyword = Callable[..., Iterator[ValidationError] | None]

_until: ContextVar[float] = ContextVar("until")


class TooCostly(Exception):
    """The check did not come to an end in time."""


def argument_faults(schema: dict[str, Any], arguments: Any) -> list[Fault]:
    """What is wrong with the arguments of a run, as fields below `arguments`."""
    try:
        return problems(schema, arguments)
    except TooCostly:
        return [Fault("arguments", "take too long to be checked against the tool's schema")]


def with_defaults(schema: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments, and what the schema's own properties say for those that were left out."""
    stated = {
        name: property["default"]
        for name, property in schema.get("properties", {}).items()
        if isinstance(property, dict) and "default" in property
    }
    return stated | arguments


def schema_faults(schema: dict[str, Any]) -> list[Fault]:
    """What is wrong with a schema of arguments itself."""
    try:
        found = problems(Draft202012Validator.META_SCHEMA, schema)
    except TooCostly:
        return [Fault("arguments", "is too large a JSON Schema")]
    return [Fault(fault.field, f"is not JSON Schema: {fault.reason}") for fault in found]


def problems(schema: dict[str, Any], document: Any) -> list[Fault]:
    """
    Raises:
        TooCostly
    """
    mark = _until.set(time.monotonic() + WITHIN_S)
    try:
        errors = list(islice(_Bounded(schema).iter_errors(document), FAULTS_MAX))
    except RecursionError:
        raise TooCostly from None
    except Unresolvable as error:
        return [Fault("arguments", f"the tool's schema refers to {error.ref}, which it does not hold")]
    finally:
        _until.reset(mark)
    found: list[Fault] = []
    for error in sorted(errors, key=lambda item: list(map(str, item.absolute_path))):
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
        found.append(Fault(f"arguments{where}", _shortened(error.message)))
    return found


def pattern_fault(pattern: str) -> str | None:
    """Why a pattern cannot be used, if it cannot."""
    try:
        _compiled(pattern)
    except SchemaError as error:
        words = [line.strip() for line in str(error).splitlines() if line.strip()]
        return f"is no pattern that can be checked quickly ({_shortened(words[-1])})"
    return None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def _pattern(validator: Any, pattern: str, instance: object, _schema: object) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "string"):
        return
    try:
        fits = _compiled(pattern).isinstance_python(instance)
    except SchemaError:
        fits = False
    if not fits:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _unique_items(validator: Any, wanted: bool, instance: Any, _schema: object) -> Iterator[ValidationError]:
    if wanted and validator.is_type(instance, "array"):
        seen = {json.dumps(_plain(item), sort_keys=True) for item in instance}
        if len(seen) < len(instance):
            yield ValidationError(f"{instance!r} has non-unique elements")


def _plain(value: Any) -> Any:
    """Equal for numbers that JSON Schema holds equal: 1 and 1.0."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _within_time(keyword: Keyword) -> Keyword:
    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if time.monotonic() > _until.get():
            raise TooCostly
        yield from keyword(validator, value, instance, schema) or ()

    return check


def _shortened(text: str) -> str:
    return text if len(text) <= MESSAGE_MAX else f"{text[: MESSAGE_MAX // 2]} … {text[-MESSAGE_MAX // 2 :]}"


_Bounded: Any = extend(
    Draft202012Validator,
    {
        name: _within_time(keyword)
        for name, keyword in {
            **Draft202012Validator.VALIDATORS,
            "pattern": _pattern,
            "uniqueItems": _unique_items,
        }.items()
    },
)
