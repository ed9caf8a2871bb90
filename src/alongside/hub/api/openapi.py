"""The OpenAPI document: APIFlask lists the operations, the doors say what they take and answer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Flask

from alongside import values
from alongside.errors import Problem, code_of
from alongside.hub.doors import Door, Media, problems_of, status_of

SCHEMAS = "#/components/schemas/{model}"
SECURITY_SCHEMES = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "alongside_session",
        "description": "A browser session; unsafe methods repeat the cookie alongside_csrf in X-CSRF-Token. "
        "Both names begin with __Host- where the hub is reached by https.",
    },
    "token": {"type": "http", "scheme": "bearer", "description": "An API token."},
    "runner": {"type": "http", "scheme": "bearer", "description": "The token a runner got by registering."},
    "attempt": {"type": "http", "scheme": "bearer", "description": "The token of one attempt's assignment."},
}
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "An RFC 9457 problem document. `code` is stable; `detail` is for people.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "instance": {"type": "string"},
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "reason"],
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}


def completed(app: Flask, document: dict[str, Any], elsewhere: tuple[Door, ...] = ()) -> dict[str, Any]:
    """APIFlask's document with bodies, queries, answers and problems of every door.

    `elsewhere` are doors that another process serves.
    """
    for door in elsewhere:
        document["paths"].setdefault(door.path, {})[door.method.lower()] = _bare(door)
    found = [door for door in (*doors_of(app), *elsewhere) if door.path in document.get("paths", {})]
    schemas, definitions = values.json_schemas(_kinds(found), template=SCHEMAS)
    for door in found:
        operation = document["paths"][door.path][door.method.lower()]
        _complete(operation, door, lambda kind, way: schemas[kind, way])
    document.setdefault("components", {})["schemas"] = {"Problem": PROBLEM_SCHEMA, **definitions}
    return document


def doors_of(app: Flask) -> Iterator[Door]:
    """Every registered door, with the path at which it is registered."""
    for rule in app.url_map.iter_rules():
        described = getattr(app.view_functions[rule.endpoint], "door", None)
        if isinstance(described, Door):
            yield replace(described, path=openapi_path(rule.rule))


def openapi_path(rule: str) -> str:
    """`/runs/<id>/artifacts/<path:path>` → `/runs/{id}/artifacts/{path}`"""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)


def _kinds(doors: list[Door]) -> Iterator[tuple[Any, Any]]:
    for door in doors:
        if door.body is not None and not isinstance(door.body, Media):
            yield door.body, "input"
        if door.query is not None:
            yield door.query, "input"
        for kind in door.answers.values():
            if kind is not None and not isinstance(kind, Media):
                yield kind, "output"


def _bare(door: Door) -> dict[str, Any]:
    names = re.findall(r"{([^{}]+)}", door.path)
    return {
        "operationId": door.name,
        "summary": door.summary,
        "tags": [door.tag],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ],
    }


def _complete(operation: dict[str, Any], door: Door, schema: Callable[[Any, str], dict[str, Any]]) -> None:
    if door.needs is not None:
        operation["security"] = [{"session": []}, {"token": []}]
        operation["x-scope"] = door.needs
    else:
        operation["security"] = [] if door.credential == "account" else [{door.credential: []}]
    operation["parameters"] = [*operation.get("parameters", ()), *_parameters(door)]
    if door.body is not None:
        operation["requestBody"] = {"required": not door.body_optional, "content": _body(door, schema)}
    operation["responses"] = {
        **{str(status): _answer(status, kind, schema) for status, kind in door.answers.items()},
        **_problems(door),
    }


def _body(door: Door, schema: Callable[[Any, str], dict[str, Any]]) -> dict[str, Any]:
    if isinstance(door.body, Media):
        return {door.body.type: {"schema": dict(door.body.schema)}}
    return {media: {"schema": schema(door.body, "input")} for media in ("application/json", *door.body_media)}


def _parameters(door: Door) -> Iterator[dict[str, Any]]:
    if door.query is not None:
        schemas, definitions = values.json_schemas([(door.query, "input")], template="{model}")
        schema = schemas[door.query, "input"]
        query = definitions[schema["$ref"]] if "$ref" in schema else schema
        for name, member in query.get("properties", {}).items():
            yield {
                "name": name,
                "in": "query",
                "required": name in query.get("required", ()),
                "schema": _without_null(member),
            }
    if door.if_match:
        yield _header("If-Match", "The revision that you read, as its ETag says.", required=True)
    if door.method == "POST" and door.needs is not None:
        yield _header("Idempotency-Key", "Sent again with the same key, a request is carried out once.")


def _header(name: str, about: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": about,
        "schema": {"type": "string", "maxLength": 255},
    }


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query cannot say null: it leaves the member out."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
        return {**rest, **options[0]}
    return schema


def _answer(status: int, kind: Any, schema: Callable[[Any, str], dict[str, Any]]) -> dict[str, Any]:
    about = HTTPStatus(status).phrase
    if kind is None:
        return {"description": about}
    if isinstance(kind, Media):
        return {"description": about, "content": {kind.type.partition(";")[0]: {"schema": dict(kind.schema)}}}
    return {"description": about, "content": {"application/json": {"schema": schema(kind, "output")}}}


def _problems(door: Door) -> Mapping[str, dict[str, Any]]:
    by_status: defaultdict[int, list[type[Problem]]] = defaultdict(list)
    for kind in problems_of(door):
        by_status[status_of(kind)].append(kind)
    return {
        str(status): {
            "description": "; ".join(
                f"`{code_of(kind)}`: {(kind.__doc__ or '').splitlines()[0]}" for kind in kinds
            ),
            "content": {"application/problem+json": {"schema": {"$ref": SCHEMAS.format(model="Problem")}}},
        }
        for status, kinds in sorted(by_status.items())
    }
