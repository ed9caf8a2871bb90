"""WebDAV (RFC 4918) over the hands: what desktops and rclone mount.

Properties are the same for every question, and locks are given but bind nobody: enough for the clients
that ask for one before they write. What is deleted can be brought back on the files page.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from xml.sax.saxutils import escape

from aiohttp import web

from alongside.edge.browse import INERT, pour, send_file
from alongside.edge.drives import Drives
from alongside.edge.folders import Works
from alongside.edge.hands import Hands, Place
from alongside.edge.replies import Handler, problem
from alongside.errors import Fault, Forbidden, Invalid, NameTaken, NotFound, Problem, Unauthenticated

METHODS = "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, MKCOL, MOVE, COPY, LOCK, UNLOCK"
PAGE = 500
BODY_MAX_BYTES = 64 << 10
_REALM = {"WWW-Authenticate": 'Basic realm="Alongside", charset="UTF-8"'}


class WebDav:
    """`/dav/<drive>/<path>`, with Basic authentication."""

    def __init__(self, hands: Hands, works: Works, drives: Drives) -> None:
        self._hands = hands
        self._works = works
        self._drives = drives

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_answered], client_max_size=BODY_MAX_BYTES)
        for method, answer in (
            ("OPTIONS", self.options),
            ("GET", self.get),
            ("PUT", self.put),
            ("DELETE", self.delete),
            ("PROPFIND", self.propfind),
            ("PROPPATCH", self.proppatch),
            ("MKCOL", self.mkcol),
            ("MOVE", self.move),
            ("COPY", self.copy),
            ("LOCK", self.lock),
            ("UNLOCK", self.unlock),
        ):
            app.router.add_route(method, "/{drive}{path:(/.*)?}", answer)
        app.router.add_route("HEAD", "/{drive}{path:(/.*)?}", self.get)
        return app

    async def options(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(headers={"DAV": "1, 2", "Allow": METHODS, "MS-Author-Via": "DAV"})

    async def get(self, request: web.Request) -> web.StreamResponse:
        place, path = self._opened(request)
        if (await self._hands.ask(place, "facts", path=path))["kind"] == "folder":
            return web.Response(text="This is a folder: open it with a WebDAV client.\n", headers=INERT)
        return await send_file(self._hands, place, request, path)

    async def put(self, request: web.Request) -> web.StreamResponse:
        place, path = self._opened(request)
        there = await self._facts(place, path)
        async with self._hands.conversation(
            place,
            "write",
            path=path,
            upload=secrets.token_hex(8),
            start=0,
            total=request.content_length,
            overwrite=True,
        ) as talk:
            await pour(request, talk)
            done = await talk.answer()
        if not done["complete"]:
            raise Invalid([Fault("Content-Length", "the body broke off")])
        headers = {"ETag": f'"{done["entry"]["version"]}"'}
        return web.Response(status=204 if there else 201, headers=headers)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        place, path = self._opened(request)
        await self._hands.ask(place, "delete", paths=[path])
        return web.Response(status=204)

    async def propfind(self, request: web.Request) -> web.StreamResponse:
        place, path = self._opened(request)
        depth = request.headers.get("Depth", "1")
        if depth not in ("0", "1"):
            raise Forbidden("ask with Depth: 0 or 1")
        found = await self._hands.ask(place, "facts", path=path)
        address = request.rel_url.raw_path.rstrip("/")
        parts = [_properties(address, found)]
        if depth == "1" and found["kind"] == "folder":
            after: int | None = 0
            while after is not None:
                page = await self._hands.ask(
                    place, "list", path=path, after=after, limit=PAGE, sort="name", descending=False
                )
                for entry in page["items"]:
                    if entry["kind"] in ("file", "folder"):
                        name = quote(entry["name"].encode(errors="surrogateescape"), safe="")
                        parts.append(_properties(f"{address}/{name}", entry))
                after = page["next"]
        return _multistatus("".join(parts))

    async def proppatch(self, request: web.Request) -> web.StreamResponse:
        """Times that a client would set are those of the writing; nothing else can be set."""
        place, path = self._opened(request)
        await self._hands.ask(place, "facts", path=path)
        raise Forbidden("properties cannot be set here")

    async def mkcol(self, request: web.Request) -> web.StreamResponse:
        place, path = self._opened(request)
        try:
            await self._hands.ask(place, "folder", path=path)
        except NameTaken as error:
            return problem(error, status=405)
        except NotFound as error:
            return problem(error, status=409)
        return web.Response(status=201)

    async def move(self, request: web.Request) -> web.StreamResponse:
        place, path = self._opened(request)
        to, overwrite = self._destination(request)
        there = await self._facts(place, to)
        await self._hands.ask(place, "move", path=path, to=to, overwrite=overwrite)
        return web.Response(status=204 if there else 201)

    async def copy(self, request: web.Request) -> web.StreamResponse:
        """Of files; a client copies folders file by file when it is told that they are not."""
        place, path = self._opened(request)
        to, overwrite = self._destination(request)
        there = await self._facts(place, to)
        upload = secrets.token_hex(8)
        async with self._hands.conversation(place, "read", path=path, start=0, end=None) as source:
            found = await source.answer()
            async with self._hands.conversation(
                place,
                "write",
                path=to,
                upload=upload,
                start=0,
                total=found["size_bytes"],
                overwrite=overwrite,
            ) as target:
                async for piece in source.pieces():
                    await target.send(piece)
                await target.finish()
                await target.answer()
        return web.Response(status=204 if there else 201)

    async def lock(self, request: web.Request) -> web.StreamResponse:
        self._opened(request)
        token = request.headers.get("If", "")[2:-2] or f"urn:uuid:{secrets.token_hex(16)}"
        text = (
            '<?xml version="1.0" encoding="utf-8"?><D:prop xmlns:D="DAV:"><D:lockdiscovery><D:activelock>'
            "<D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope><D:depth>0</D:depth>"
            f"<D:timeout>Second-600</D:timeout><D:locktoken><D:href>{escape(token)}</D:href></D:locktoken>"
            "</D:activelock></D:lockdiscovery></D:prop>"
        )
        return web.Response(
            text=text,
            content_type="application/xml",
            headers={"Lock-Token": f"<{token}>"} if token.isprintable() else {},
        )

    async def unlock(self, request: web.Request) -> web.StreamResponse:
        self._opened(request)
        return web.Response(status=204)

    def _opened(self, request: web.Request) -> tuple[Place, str]:
        kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            text = base64.b64decode(encoded if kind.lower() == "basic" else "", validate=True).decode()
        except (binascii.Error, ValueError):
            text = ""
        user, _, password = text.partition(":")
        folder = self._drives.open(request.match_info["drive"], user, password, time.time())
        return self._works.place(folder), request.match_info["path"].strip("/")

    async def _facts(self, place: Place, path: str) -> dict[str, Any] | None:
        try:
            return await self._hands.ask(place, "facts", path=path)
        except NotFound:
            return None

    def _destination(self, request: web.Request) -> tuple[str, bool]:
        path = unquote(urlsplit(request.headers.get("Destination", "")).path)
        start = f"/dav/{request.match_info['drive']}/"
        if not path.startswith(start):
            raise Forbidden("a drive moves things only within itself")
        return path.removeprefix(start).strip("/"), request.headers.get("Overwrite", "T").upper() != "F"


@web.middleware
async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Unauthenticated as error:
        return problem(error, _REALM)
    except NameTaken as error:
        return problem(error, status=412)
    except Problem as error:
        full = error.extra.get("reason_code") == "disk_full"
        return problem(error, status=507 if full else None)


def _properties(address: str, entry: dict[str, Any]) -> str:
    modified = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(entry["modified_at"]))
    folder = entry["kind"] == "folder"
    shown = entry["name"].encode(errors="replace").decode()
    size = "" if folder else f"<D:getcontentlength>{entry['size_bytes'] or 0}</D:getcontentlength>"
    return (
        f"<D:response><D:href>{escape(address)}{'/' if folder else ''}</D:href><D:propstat><D:prop>"
        f"<D:displayname>{escape(shown)}</D:displayname>"
        f"<D:resourcetype>{'<D:collection/>' if folder else ''}</D:resourcetype>{size}"
        f"<D:getlastmodified>{modified}</D:getlastmodified><D:getetag>&quot;{entry['version']}&quot;</D:getetag>"
        "<D:supportedlock><D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/>"
        "</D:locktype></D:lockentry></D:supportedlock>"
        "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
    )


def _multistatus(responses: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:">{responses}</D:multistatus>'
    return web.Response(text=text, status=207, content_type="application/xml", charset="utf-8")
