"""Doors to what runs produced: listed here, read from the hub's copy or straight from the site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from apiflask import APIBlueprint
from flask import Response, send_file
from pydantic import Field

from alongside import errors
from alongside.hub import artifacts
from alongside.hub.api.guard import caller, door, hub
from alongside.hub.doors import Media, Page, Paging, Tx
from alongside.spec.runs import Artifact

doors = APIBlueprint("artifacts", __name__, tag="Runs")

#: what a browser may show; everything else it saves
SHOWN = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "application/json", "text/plain", "text/csv"}
)


@dataclass(frozen=True)
class ArtifactQuery(Paging):
    #: the latest one that has any unless said otherwise
    attempt: Annotated[int | None, Field(ge=1, le=1_000_000)] = None


@door(
    doors,
    "GET",
    "/runs/<run_id>/artifacts",
    query=ArtifactQuery,
    answers={200: Page[Artifact]},
    problems=(errors.RunUnknown,),
)
def list_artifacts(tx: Tx, run_id: str, query: ArtifactQuery) -> Page[Artifact]:
    """The files that a run produced, by path."""
    found = artifacts.listing(tx, caller(), run_id, attempt=query.attempt)
    rest = [artifact for artifact in found if artifact.path > (query.after or "")]
    return query.page(rest[: query.fetch], lambda artifact: artifact.path)


@door(
    doors,
    "GET",
    "/runs/<run_id>/artifacts/<path:path>",
    answers={200: Media("*/*", {"type": "string", "format": "binary"}), 303: None},
    problems=(errors.RunUnknown, errors.ArtifactUnknown),
)
def get_artifact(tx: Tx, run_id: str, path: str) -> Response:
    """The bytes of one file, or a redirect to the site that holds them."""
    found = artifacts.find(
        tx, caller(), run_id, path, hub().clock(), config=hub().config, keyring=hub().keyring
    )
    if found.file is None:
        return Response(status=303, headers={"Location": found.url or "", "Cache-Control": "no-store"})
    try:
        response = send_file(found.file, mimetype=found.artifact.media_type, etag=found.artifact.sha256)
    except FileNotFoundError:
        raise errors.ArtifactUnknown("the hub's copy of this file is gone") from None
    # A run may produce a page with a script; under the hub's origin it must never run as one of ours.
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; img-src 'self'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    shown = found.artifact.media_type.partition(";")[0] in SHOWN
    name = quote(path.rsplit("/", 1)[-1], safe="")
    response.headers["Content-Disposition"] = (
        f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{name}"
    )
    return response
