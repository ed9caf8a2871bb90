"""Doors to the API's own description: the OpenAPI document, and a page to try it that needs no network."""

from __future__ import annotations

import json
from importlib.resources import files

from apiflask import APIBlueprint
from flask import Response, current_app

from alongside.hub.api.guard import door
from alongside.hub.doors import Media

doors = APIBlueprint("docs", __name__, tag="This API")


@door(
    doors,
    "GET",
    "/openapi.json",
    needs=None,
    answers={200: Media("application/json", {"type": "object"})},
    tx="none",
)
def get_openapi() -> str:
    """This API as an OpenAPI 3.1 document."""
    return json.dumps(current_app.spec)  # type: ignore[attr-defined]


@door(doors, "GET", "/docs", needs=None, answers={200: Media("text/html; charset=utf-8")}, tx="none")
def get_docs() -> Response:
    """A page to read and try this API."""
    return _asset("docs.html", "text/html; charset=utf-8")


@door(
    doors,
    "GET",
    "/docs/docs.js",
    needs=None,
    answers={200: Media("text/javascript; charset=utf-8")},
    tx="none",
)
def get_docs_script() -> Response:
    """The script of that page."""
    return _asset("docs.js", "text/javascript; charset=utf-8")


@door(doors, "GET", "/docs/docs.css", needs=None, answers={200: Media("text/css; charset=utf-8")}, tx="none")
def get_docs_style() -> Response:
    """The style of that page."""
    return _asset("docs.css", "text/css; charset=utf-8")


def _asset(name: str, media: str) -> Response:
    return Response((files("alongside.hub.api") / "assets" / name).read_bytes(), content_type=media)
