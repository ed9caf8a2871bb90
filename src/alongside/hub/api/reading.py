"""What a request carries, taken apart: query, If-Match and body, before any value is made of them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import request

from alongside import errors
from alongside.errors import Fault, Invalid

MAX_NESTING = 64


def query(kind: type[Any]) -> dict[str, Any]:
    """What the query string gives for the members of `kind`; other names are ignored.

    Raises:
        Invalid: a value cannot be stored.
    """
    fields = getattr(kind, "__dataclass_fields__", {})
    found: dict[str, Any] = {}
    for name in fields:
        given_values = request.args.getlist(name)
        if not given_values:
            continue
        found[name] = given_values if str(fields[name].type).startswith("tuple") else given_values[-1]
    _refuse_unstorable(found)
    return found


def revision() -> int:
    """The revision that the sender read, from If-Match.

    Raises:
        PreconditionRequired: there is none.
        EditConflict: it is not one of ours.
    """
    sent = request.headers.get("If-Match", "").strip()
    if not sent:
        raise errors.PreconditionRequired
    match = re.fullmatch(r'(?:W/)?"?([0-9]{1,9})"?', sent)
    if match is None:
        raise errors.EditConflict(f"If-Match {sent!r} is no revision of this")
    return int(match[1])


def body(readers: Mapping[str, Callable[[bytes], Any]]) -> Any:
    """The body as JSON-like data; `readers` by media type understand more than JSON.

    Raises:
        MediaTypeUnsupported, BadRequest
        Invalid: a value cannot be stored.
    """
    media = request.mimetype
    if media in readers:
        data = readers[media](request.get_data())
    elif media == "application/json" or media.endswith("+json"):
        data = _json(request.get_data())
    else:
        accepted = ", ".join(("application/json", *readers))
        raise errors.MediaTypeUnsupported(f"send one of {accepted} (got {media or 'no Content-Type'})")
    _refuse_unstorable(data)
    return data


def _json(text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise errors.BadRequest("the body is nested too deeply") from None
    except ValueError as error:
        raise errors.BadRequest(f"the body is not JSON: {error}") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _refuse_unstorable(data: Any) -> None:
    """NUL, half characters and numbers beyond a float: valid JSON, but no database takes them."""
    faults: list[Fault] = []

    def visit(value: Any, where: str, depth: int) -> None:
        if depth > MAX_NESTING:
            raise errors.BadRequest("the body is nested too deeply")
        if isinstance(value, str) and not _storable(value):
            faults.append(Fault(where, "holds a character that is not text (NUL or half of a pair)"))
        elif isinstance(value, float) and not math.isfinite(value):
            faults.append(Fault(where, "is too large a number"))
        elif isinstance(value, Mapping):
            for name, item in value.items():
                if not _storable(str(name)):
                    faults.append(Fault(where, "holds a name that is not text"))
                visit(item, f"{where}.{name}" if where else str(name), depth + 1)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                visit(item, f"{where}[{index}]", depth + 1)

    visit(data, "", 0)
    if faults:
        raise Invalid(
            [replace(fault, field=fault.field.encode(errors="replace").decode()) for fault in faults]
        )


def _storable(text: str) -> bool:
    return "\0" not in text and (text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text))
