"""The files of an open folder, for the hub's pages and for programs: who shows a grant may use one folder.

Grants come in the Authorization header, or in the body of the form that begins a download; never in an
address. Cookies are not read, so no other page can use somebody's grant.
"""

from __future__ import annotations

import json
import mimetypes
import re
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from aiohttp import web

from alongside.edge import replies
from alongside.edge.folders import Works
from alongside.edge.hand import frames
from alongside.edge.hands import Hands, Place, Talk
from alongside.edge.replies import problems
from alongside.edge.tickets import Trust
from alongside.errors import Fault, Invalid, Unauthenticated

BODY_MAX_BYTES = 256 << 10
PATHS_MAX = 500
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
INERT = {**replies.INERT, "Cache-Control": "private, no-store"}
_SHOWN = "Content-Range, Content-Length, ETag, Upload-Offset, X-Facts"


class Browse:
    """Doors below /files/v1/."""

    def __init__(self, hands: Hands, works: Works, trust: Trust, hub_origin: str) -> None:
        self._hands = hands
        self._works = works
        self._trust = trust
        self._hub_origin = hub_origin

    def app(self) -> web.Application:
        app = web.Application(middlewares=[problems], client_max_size=BODY_MAX_BYTES)
        add = app.router.add_route
        add("GET", "/list", self.list)
        add("GET", "/facts", self.facts)
        add("GET", "/content", self.content)
        add("GET", "/upload", self.offset)
        add("PUT", "/content", self.upload)
        add("GET", "/pointcloud", self.pointcloud)
        add("POST", "/folder", self.folder)
        add("POST", "/move", self.move)
        add("POST", "/delete", self.delete)
        add("POST", "/restore", self.restore)
        add("GET", "/trash", self.trash)
        add("DELETE", "/trash", self.purge)
        add("POST", "/download", self.download)
        add("OPTIONS", "/{any:.*}", _preflight)
        app.on_response_prepare.append(self._let_the_hub_read)
        return app

    async def list(self, request: web.Request) -> web.Response:
        query = request.query
        return web.json_response(
            await self._hands.ask(
                self._place(request),
                "list",
                path=query.get("path", ""),
                after=_number(query.get("after", "0"), "after"),
                limit=_number(query.get("limit", "200"), "limit"),
                sort=query.get("sort", "name"),
                descending=query.get("descending") == "true",
            )
        )

    async def facts(self, request: web.Request) -> web.Response:
        return await self._plain(request, "facts", path=request.query.get("path", ""))

    async def content(self, request: web.Request) -> web.StreamResponse:
        return await send_file(self._hands, self._place(request), request, request.query.get("path", ""))

    async def offset(self, request: web.Request) -> web.Response:
        path, upload = request.query.get("path", ""), request.query.get("upload", "")
        return await self._plain(request, "offset", path=path, upload=upload)

    async def upload(self, request: web.Request) -> web.Response:
        """A piece (`Content-Range: bytes a-b/total`) or, without that header, the whole file."""
        query = request.query
        start, total = _range_of(request)
        async with self._hands.conversation(
            self._place(request),
            "write",
            path=query.get("path", ""),
            upload=query.get("upload") or secrets.token_hex(8),
            resumable="upload" in query,
            start=start,
            total=total,
            overwrite=query.get("overwrite") == "true",
            version=request.headers.get("If-Match", "").strip('"') or None,
        ) as talk:
            await pour(request, talk)
            return web.json_response(await talk.answer())

    async def pointcloud(self, request: web.Request) -> web.Response:
        async with self._hands.conversation(
            self._place(request), "pointcloud", path=request.query.get("path", "")
        ) as talk:
            facts = await talk.answer()
            picture = b"".join([piece async for piece in talk.pieces()])
        return web.Response(
            body=picture, content_type="image/png", headers={**INERT, "X-Facts": json.dumps(facts)}
        )

    async def folder(self, request: web.Request) -> web.Response:
        return await self._plain(request, "folder", path=_text(await _body(request), "path"))

    async def move(self, request: web.Request) -> web.Response:
        body = await _body(request)
        path, to = _text(body, "path"), _text(body, "to")
        return await self._plain(request, "move", path=path, to=to, overwrite=body.get("overwrite") is True)

    async def delete(self, request: web.Request) -> web.Response:
        return await self._plain(request, "delete", paths=_texts(await _body(request), "paths"))

    async def restore(self, request: web.Request) -> web.Response:
        return await self._plain(request, "restore", key=_text(await _body(request), "trash"))

    async def trash(self, request: web.Request) -> web.Response:
        return await self._plain(request, "trash")

    async def purge(self, request: web.Request) -> web.Response:
        return await self._plain(request, "purge", older_than_s=0)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """A form of the hub's page: `grant` and one or more `path`. Several, or a folder, come as a ZIP."""
        form = await request.post()
        place = self._works.place(self._trust.grant(str(form.get("grant", "")), time.time()))
        paths = [str(path) for path in form.getall("path", [])]
        if not 1 <= len(paths) <= PATHS_MAX:
            raise Invalid([Fault("path", f"name 1 to {PATHS_MAX} files or folders")])
        if len(paths) == 1 and (await self._hands.ask(place, "facts", path=paths[0]))["kind"] == "file":
            return await send_file(self._hands, place, request, paths[0])
        name = (paths[0].rpartition("/")[2] if len(paths) == 1 else "") or "files"
        async with self._hands.conversation(place, "zip", paths=paths) as talk:
            await talk.answer()
            headers = {**INERT, "Content-Disposition": attachment(f"{name}.zip")}
            response = web.StreamResponse(headers={**headers, "Content-Type": "application/zip"})
            await response.prepare(request)
            await _stream(response, talk.pieces(), request)
        return response

    async def _plain(self, request: web.Request, do: str, **question: Any) -> web.Response:
        return web.json_response(await self._hands.ask(self._place(request), do, **question))

    def _place(self, request: web.Request) -> Place:
        kind, _, grant = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not grant.strip():
            raise Unauthenticated("send `Authorization: Bearer <grant>`; the hub gives grants")
        return self._works.place(self._trust.grant(grant.strip(), time.time()))

    async def _let_the_hub_read(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.update(
            {
                "Access-Control-Allow-Origin": self._hub_origin,
                "Access-Control-Expose-Headers": _SHOWN,
                "Vary": "Origin",
            }
        )


async def send_file(hands: Hands, place: Place, request: web.Request, path: str) -> web.StreamResponse:
    """A file or a range of it, as an attachment whose type nobody guesses again."""
    start, end = _wanted(request.headers.get("Range"))
    if start is None and end is not None:
        size = (await hands.ask(place, "facts", path=path))["size_bytes"] or 0
        start, end = max(0, size - end), None
    async with hands.conversation(place, "read", path=path, start=start or 0, end=end) as talk:
        found = await talk.answer()
        size = found["size_bytes"]
        first, after = start or 0, min(size, size if end is None else end)
        partial = start is not None
        if partial and first >= size:
            return web.Response(status=416, headers={**INERT, "Content-Range": f"bytes */{size}"})
        kind, encoding = mimetypes.guess_type(path)
        headers = {
            **INERT,
            "Content-Type": kind if kind and not encoding else "application/octet-stream",
            "Content-Disposition": attachment(path.rpartition("/")[2]),
            "Content-Length": str(after - first),
            "Accept-Ranges": "bytes",
            "ETag": f'"{found["version"]}"',
            "Last-Modified": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(found["modified_at"])),
        }
        if partial:
            headers["Content-Range"] = f"bytes {first}-{after - 1}/{size}"
        response = web.StreamResponse(status=206 if partial else 200, headers=headers)
        await response.prepare(request)
        if request.method != "HEAD":
            await _stream(response, talk.pieces(), request)
    return response


async def pour(request: web.Request, talk: Talk) -> None:
    """The body of a request into a hand; if it breaks off, so does the talk."""
    async for chunk in request.content.iter_chunked(frames.CHUNK_BYTES):
        await talk.send(chunk)
    await talk.finish()


def attachment(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name.encode(errors='replace'), safe='')}"


async def _stream(response: web.StreamResponse, pieces: AsyncIterator[bytes], request: web.Request) -> None:
    """A body that breaks off ends its connection, so nobody takes half of it for the whole."""
    try:
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    except (frames.GaveUp, ConnectionError):
        if request.transport is not None:
            request.transport.abort()


def _wanted(header: str | None) -> tuple[int | None, int | None]:
    """(first byte, byte after the last); (None, n) means the last n bytes; (None, None) all."""
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or not (match[1] or match[2]):
        return None, None
    if not match[1]:
        return None, int(match[2])
    return int(match[1]), int(match[2]) + 1 if match[2] else None


def _range_of(request: web.Request) -> tuple[int, int | None]:
    """First byte and total size."""
    header = request.headers.get("Content-Range")
    if header is None:
        return 0, request.content_length
    match = _CONTENT_RANGE.fullmatch(header.strip())
    if match is None or not int(match[1]) <= int(match[2]) < int(match[3]):
        raise Invalid([Fault("Content-Range", "expected bytes first-last/total")])
    return int(match[1]), int(match[3])


def _number(text: str, field: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid([Fault(field, "must be a whole number")])
    return int(text)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        found: Any = json.loads(await request.read() or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Invalid([Fault("", "the body is not a JSON object")])
    return found


def _text(body: dict[str, Any], name: str) -> str:
    found = body.get(name)
    if not isinstance(found, str):
        raise Invalid([Fault(name, "must be a text")])
    return found


def _texts(body: dict[str, Any], name: str) -> list[str]:
    found = body.get(name)
    if (
        not isinstance(found, list)
        or not 1 <= len(found) <= PATHS_MAX
        or not all(isinstance(item, str) for item in found)
    ):
        raise Invalid([Fault(name, f"must be a list of 1 to {PATHS_MAX} texts")])
    return found


async def _preflight(request: web.Request) -> web.Response:
    return replies.preflight(
        methods="GET, HEAD, PUT, POST, DELETE, OPTIONS",
        headers="Authorization, Content-Range, Content-Type, If-Match, Range",
    )
