"""Requests made up from the OpenAPI document: how many, and what an answer must keep to."""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = (
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
)
#: per operation; the coverage phase adds its own
EXAMPLES = 20
BOUNDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def made_up_from(document: str) -> BaseSchema:
    return schemathesis.openapi.from_dict(_checkable(json.loads(document)))


def _checkable(schema: Any) -> Any:
    """Pairs of equal members as plain lists: schemathesis 4.32 misreads `prefixItems` of answers."""
    if isinstance(schema, list):
        return [_checkable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    members = {name: _checkable(item) for name, item in schema.items()}
    if isinstance(pair := members.get("prefixItems"), list) and all(item == pair[0] for item in pair):
        members["items"] = members.pop("prefixItems")[0]
    return members
