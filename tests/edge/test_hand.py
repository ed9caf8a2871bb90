"""Open folders: everything is done as the owner, below the folder, and nothing leads out of it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import io
import json
import os
import struct
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from alongside.spec.files import Folder
from support.edges import Answer, HubKey, Site, eventually

OWNER = 64_321
HOME = Folder("home", "r1", "ada", "ada", writable=True, account_name="ada")


@dataclass
class Opened:
    """A folder through the doors of the edge."""

    site: Site
    path: Path
    folder: Folder

    async def __call__(
        self, method: str, door: str, body: Any = None, *, data: bytes | None = None, **query: str
    ) -> Answer:
        headers: dict[str, str] = {"Authorization": f"Bearer {self.site.hub.grant(self.folder)}"}
        return await self.ask(method, door, headers, data if body is None else json.dumps(body), **query)

    async def ask(
        self, method: str, door: str, headers: Mapping[str, str], data: Any, **query: str
    ) -> Answer:
        path = f"/files/v1/{door}" + (f"?{urlencode(query)}" if query else "")
        host = f"files.localhost:{self.site.port}"
        return await self.site.request("", path, method=method, host=host, headers=headers, data=data)

    async def names(self, path: str = "") -> list[str]:
        return [item["name"] for item in (await self("GET", "list", path=path)).json["items"]]


@pytest.fixture
async def home(site: Site, tmp_path: Path) -> Opened:
    path = tmp_path / "work" / "homes" / "ada"
    path.mkdir(parents=True, mode=0o700)
    if os.getuid() == 0:
        os.chown(path, OWNER, OWNER)
    book = {"ada": {"uid": OWNER, "gid": OWNER, "groups": [60_001], "home": str(path), "folders": []}}
    (tmp_path / "work" / "identities.json").write_text(json.dumps(book))
    work = {"runner": "r1", "work_dir": str(tmp_path / "work"), "data_roots": [str(tmp_path / "data")]}
    assert (await site.control("PUT", "/files/work", work)).status == 204
    return Opened(site, path, HOME)


async def test_a_round_trip(home: Opened) -> None:
    assert (await home("POST", "folder", {"path": "notes"})).status == 200
    made = await home("PUT", "content", data=b"hello", path="notes/é.txt")
    assert made.json["complete"] is True
    if os.getuid() == 0:
        assert (home.path / "notes" / "é.txt").stat().st_uid == OWNER
    read = await home("GET", "content", path="notes/é.txt")
    assert (read.status, read.body) == (200, b"hello")
    assert read.headers["Content-Security-Policy"].startswith("sandbox")
    assert read.headers["Access-Control-Allow-Origin"] == home.site.config.hub.url
    assert (await home("PUT", "content", data=b"again", path="notes/é.txt")).status == 409
    assert (await home("POST", "move", {"path": "notes/é.txt", "to": "b.txt"})).status == 200
    assert await home.names() == ["notes", "b.txt"]
    gone = await home("POST", "delete", {"paths": ["b.txt", "notes"]})
    assert await home.names() == []
    assert (await home("GET", "trash")).json["items"][0]["paths"] == ["b.txt", "notes"]
    assert (await home("POST", "restore", {"trash": gone.json["trash"]})).json["paths"] == ["b.txt", "notes"]
    assert (await home("GET", "content", path="b.txt")).body == b"hello"
    assert (await home("GET", "trash")).json["items"] == []


async def test_an_older_save_is_refused(home: Opened) -> None:
    first = (await home("PUT", "content", data=b"one", path="a.txt")).json["entry"]["version"]
    headers = {"Authorization": f"Bearer {home.site.hub.grant(HOME)}", "If-Match": f'"{first}"'}
    saved = await home.ask("PUT", "content", headers, b"two!", path="a.txt")
    assert saved.status == 200
    late = await home.ask("PUT", "content", headers, b"three", path="a.txt")
    assert (late.status, late.json["code"]) == (412, "edit_conflict")
    assert (home.path / "a.txt").read_bytes() == b"two!"


async def test_an_upload_goes_on_where_it_broke_off(home: Opened) -> None:
    whole = os.urandom(700_000)
    upload = {"path": "big.bin", "upload": "abcdefgh1234"}
    grant = {"Authorization": f"Bearer {home.site.hub.grant(HOME)}"}

    async def send(start: int, end: int) -> Answer:
        piece = {"Content-Range": f"bytes {start}-{end - 1}/{len(whole)}"}
        return await home.ask("PUT", "content", {**grant, **piece}, whole[start:end], **upload)

    assert (await send(0, 300_000)).json == {"offset": 300_000, "complete": False}
    assert (await home("GET", "upload", **upload)).json == {"offset": 300_000}
    assert await home.names() == []
    wrong = await send(100_000, 200_000)
    assert (wrong.status, wrong.json["offset"]) == (409, 300_000)
    assert (await send(300_000, len(whole))).json["complete"] is True
    assert (home.path / "big.bin").read_bytes() == whole
    part = await home.ask("GET", "content", {**grant, "Range": "bytes=-5"}, None, path="big.bin")
    assert (part.status, part.body) == (206, whole[-5:])


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "link/x", "link", "notes/..", ".alongside-trash/x", "pipe"]
)
async def test_no_path_leads_out(home: Opened, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x").write_text("secret")
    (home.path / "link").symlink_to(tmp_path / "secret" / "x" if path == "link" else tmp_path / "secret")
    (home.path / "mine").write_text("mine")
    os.mkfifo(home.path / "pipe")
    assert (await home("GET", "content", path=path)).status in (404, 422)
    if path != "pipe":
        assert (await home("POST", "move", {"path": "mine", "to": path + "/new"})).status in (404, 422)
    assert (tmp_path / "secret" / "x").read_text() == "secret"
    assert [entry.name for entry in (tmp_path / "secret").iterdir()] == ["x"]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be somebody else")
async def test_the_kernel_decides(home: Opened) -> None:
    (home.path / "roots").write_text("secret")
    (home.path / "roots").chmod(0o600)
    assert (await home("GET", "content", path="roots")).status == 403
    (home.path / "closed").mkdir(mode=0o700)
    assert (await home("PUT", "content", data=b"x", path="closed/x")).status == 403


async def test_what_is_only_lent_is_not_changed(home: Opened) -> None:
    (home.path / "a").write_text("a")
    lent = replace(home, folder=replace(HOME, writable=False))
    assert (await lent("GET", "content", path="a")).body == b"a"
    for method, door, body in (
        ("POST", "delete", {"paths": ["a"]}),
        ("POST", "move", {"path": "a", "to": "b"}),
        ("POST", "folder", {"path": "b"}),
        ("PUT", "content", {}),
    ):
        answer = await lent(method, door, body, **({"path": "b"} if method == "PUT" else {}))
        assert (answer.status, answer.json["code"]) == (403, "forbidden"), door


async def test_only_the_hub_grants(home: Opened) -> None:
    old = home.site.hub.grant(HOME, exp=int(time.time()) - 60)
    for token in ("", "x.y.z", HubKey().grant(HOME), home.site.hub.grant(HOME, aud="edge"), old):
        answer = await home.ask("GET", "list", {"Authorization": f"Bearer {token}"}, None)
        assert (answer.status, answer.json["code"]) == (401, "unauthenticated")


async def test_a_dataset_of_one_file_shows_nothing_beside_it(home: Opened, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.csv").write_text("a,b\n1,2\n")
    (data / "other.csv").write_text("no")
    dataset = replace(home, folder=Folder("dataset", "r1", str(data / "a.csv"), "ada"))
    assert await dataset.names() == ["a.csv"]
    assert (await dataset("GET", "content", path="a.csv")).body == b"a,b\n1,2\n"
    assert (await dataset("GET", "content", path="other.csv")).status == 404
    (data / "beside").mkdir()
    (data / "beside" / "a.csv").write_text("somebody else's")
    assert (await dataset("GET", "list", path="beside")).status == 404
    outside = replace(home, folder=Folder("dataset", "r1", str(tmp_path / "work"), "ada"))
    assert (await outside("GET", "list")).status == 404


async def test_folders_come_as_an_archive_by_a_form(home: Opened) -> None:
    (home.path / "d" / "e").mkdir(parents=True)
    (home.path / "d" / "one").write_text("1")
    (home.path / "d" / "e" / "two").write_text("22")
    (home.path / "d" / "l").symlink_to("/etc/passwd")
    form = urlencode({"grant": home.site.hub.grant(HOME), "path": "d"})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await home.ask("POST", "download", kind, form)
    assert answer.headers["Content-Disposition"].endswith("d.zip")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"d/one": b"1", "d/e/two": b"22"}


async def test_a_point_cloud_is_seen_from_above(home: Opened) -> None:
    (home.path / "a.las").write_bytes(las([(x, y, x + y) for x in range(20) for y in range(10)]))
    answer = await home("GET", "pointcloud", path="a.las")
    facts = json.loads(answer.headers["X-Facts"])
    assert (facts["format"], facts["points"], facts["max"]) == ("LAS 1.2", 200, [19.0, 9.0, 28.0])
    assert answer.body.startswith(b"\x89PNG")
    (home.path / "b.las").write_bytes(b"LASF" + b"\0" * 300)
    assert (await home("GET", "pointcloud", path="b.las")).status == 200


async def test_a_drive_speaks_webdav(home: Opened) -> None:
    drive = {
        "id": "d1",
        "folder": {"kind": "home", "runner": "r1", "name": "ada", "account": "ada"}
        | {"writable": True, "account_name": "ada"},
        "secret_hash": hashlib.sha256(b"pw").hexdigest(),
        "expires_at": time.time() + 60,
    }
    assert (await home.site.control("PUT", "/files/drives", drive)).status == 204

    async def dav(method: str, path: str, password: str = "pw", data: Any = None, **headers: str) -> Answer:
        basic = base64.b64encode(f"ada:{password}".encode()).decode()
        return await home.site.request(
            "",
            f"/dav/d1/{quote(path)}",
            method=method,
            host=f"files.localhost:{home.site.port}",
            headers={"Authorization": f"Basic {basic}", **headers},
            data=data,
        )

    refused = await dav("PROPFIND", "", password="no")
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic")
    assert (await dav("MKCOL", "a b")).status == 201
    assert (await dav("MKCOL", "a b")).status == 405
    assert (await dav("PUT", "a b/ü.txt", data=b"one")).status == 201
    assert (await dav("PUT", "a b/ü.txt", data=b"two")).status == 204
    listed = await dav("PROPFIND", "a b", Depth="1")
    assert (listed.status, b"/dav/d1/a%20b/%C3%BC.txt<" in listed.body) == (207, True)
    assert (await dav("COPY", "a b/ü.txt", Destination="http://h/dav/d1/c")).status == 201
    assert (await dav("MOVE", "c", Destination="http://h/dav/d1/e")).status == 201
    assert (
        await dav("MOVE", "e", Destination="http://h/dav/d1/a%20b/%C3%BC.txt", Overwrite="F")
    ).status == 412
    assert (await dav("GET", "e")).body == b"two"
    assert (await dav("DELETE", "a b")).status == 204
    assert await home.names() == ["e"]
    assert (await home.site.control("DELETE", "/files/drives/d1")).status == 204
    assert (await dav("GET", "e")).status == 401


async def test_a_hand_that_was_killed_is_replaced(home: Opened) -> None:
    await home.names()
    hands = await asyncio.to_thread(_hands, home.path)
    assert len(hands) == 1
    os.kill(hands[0], 9)
    answered = await eventually(lambda: home("GET", "list"), lambda answer: answer.status == 200)
    assert answered.json["items"] == []


def _hands(root: Path) -> list[int]:
    """Processes of ours that hold this folder open."""
    found: list[int] = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            if b"edge.hand.process" in (process / "cmdline").read_bytes():
                held = [fd for fd in (process / "fd").iterdir() if fd.exists() and fd.samefile(root)]
                found += [int(process.name)] if held else []
    return found


def las(points: list[tuple[int, int, int]]) -> bytes:
    """A LAS 1.2 file of point format 0 with whole coordinates."""
    header = bytearray(227)
    header[0:4] = b"LASF"
    header[24:26] = bytes((1, 2))
    struct.pack_into("<HIIBHI", header, 94, 227, 227, 0, 0, 20, len(points))
    struct.pack_into("<3d3d", header, 131, 1, 1, 1, 0, 0, 0)
    spans = [(max(axis), min(axis)) for axis in zip(*points, strict=True)]
    struct.pack_into("<6d", header, 179, *[float(value) for span in spans for value in span])
    return bytes(header) + b"".join(struct.pack("<iii", *point) + b"\0" * 8 for point in points)
