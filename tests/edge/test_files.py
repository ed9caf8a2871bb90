"""The site's file server: signed links, ranges, resumable uploads, and no way out of a folder."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.edges import Answer, HubKey, Site, eventually

TREE = "01m00000000000000000000000"


@pytest.fixture
async def files(site: Site, tmp_path: Path):
    """(site, folder of a writable tree)."""
    folder = tmp_path / "out"
    (folder / "deep er").mkdir(parents=True)
    (folder / "deep er" / "plot é.png").write_bytes(bytes(range(256)) * 4)
    body = {"name": TREE, "path": str(folder), "writable": True}
    answer = await site.control("POST", "/files/trees", body)
    assert answer.status == 204, answer.body
    return site, folder


async def fetch(
    site: Site, link: str, method: str = "GET", data: bytes | None = None, **headers: str
) -> Answer:
    host = f"files.localhost:{site.port}"
    return await site.request("", link, method=method, host=host, headers=headers, data=data)


def piece(first: int, last: int, total: int) -> Mapping[str, str]:
    return {"Content-Range": f"bytes {first}-{last}/{total}"}


async def test_a_signed_link_gives_the_file_and_makes_it_harmless(files) -> None:
    site, _ = files
    answer = await fetch(site, site.hub.link("GET", TREE, "deep er/plot é.png"), Cookie="alongside_session=s")
    assert (answer.status, answer.body) == (200, bytes(range(256)) * 4)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_ranges_and_unchanged_files(files) -> None:
    site, _ = files
    link = site.hub.link("GET", TREE, "deep er/plot é.png")
    part = await fetch(site, link, Range="bytes=250-259")
    assert (part.status, part.headers["Content-Range"]) == (206, "bytes 250-259/1024")
    assert part.body == bytes([250, 251, 252, 253, 254, 255, 0, 1, 2, 3])
    assert (await fetch(site, link, Range="bytes=5000-")).status == 416
    etag = (await fetch(site, link, method="HEAD")).headers["ETag"]
    assert (await fetch(site, link, **{"If-None-Match": etag})).status == 304


@pytest.mark.parametrize("change", ["sig", "exp", "path", "method", "old", "key", "none"])
async def test_a_link_that_the_hub_did_not_sign_is_refused(files, change: str) -> None:
    site, _ = files
    name = "deep er/plot é.png"
    link = {
        "sig": site.hub.link("GET", TREE, name)[:-4] + "AAAA",
        "exp": site.hub.link("GET", TREE, name).replace("exp=", "exp=9"),
        "path": site.hub.link("GET", TREE, "deep er/other").replace("other", "plot%20%C3%A9.png"),
        "method": site.hub.link("PUT", TREE, name).replace("/u/", "/f/"),
        "old": site.hub.link("GET", TREE, name, int(time.time()) - 1),
        "key": HubKey().link("GET", TREE, name),
        "none": f"/f/{TREE}/deep%20er/x",
    }[change]
    answer = await fetch(site, link)
    assert (answer.status, answer.json["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "path",
    ["../secret", "deep er/../../secret", "link", "linked/secret", "fifo", "socket", "deep er", "nothing"],
)
async def test_a_path_leads_to_regular_files_of_the_tree_only(files, tmp_path: Path, path: str) -> None:
    site, folder = files
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "linked").symlink_to(tmp_path)
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    link = site.hub.link("GET", TREE, path).replace("../", "%2e%2e%2f")
    answer = await fetch(site, link)
    assert (answer.status, answer.json["code"]) in {(404, "artifact_unknown"), (403, "forbidden")}
    assert b"secret" not in answer.body


async def test_an_upload_in_pieces_goes_on_where_it_stopped(files) -> None:
    site, folder = files
    link = site.hub.link("PUT", TREE, "deep er/new.bin")
    assert (await fetch(site, link, "HEAD")).headers["Upload-Offset"] == "0"
    assert (await fetch(site, link, "PUT", b"abc", **piece(0, 2, 8))).status == 202
    assert (await fetch(site, link, "HEAD")).headers["Upload-Offset"] == "3"
    assert not (folder / "deep er" / "new.bin").exists(), "nobody sees half a file"
    wrong = await fetch(site, link, "PUT", b"gh", **piece(6, 7, 8))
    assert (wrong.status, wrong.headers["Upload-Offset"]) == (409, "3")
    last = await fetch(site, link, "PUT", b"defgh", **piece(3, 7, 8))
    assert (last.status, last.headers["Upload-Complete"]) == (201, "?1")
    assert (folder / "deep er" / "new.bin").read_bytes() == b"abcdefgh"
    done = await fetch(site, link, "HEAD")
    assert (done.headers["Upload-Offset"], done.headers["Upload-Complete"]) == ("8", "?1")
    again = await fetch(site, link, "PUT", b"x")
    assert (again.status, again.json["code"]) == (409, "name_taken")
    assert sorted(item.name for item in (folder / "deep er").iterdir()) == ["new.bin", "plot é.png"]


async def test_what_arrived_before_the_connection_broke_is_kept(files) -> None:
    site, folder = files
    link = site.hub.link("PUT", TREE, "broken.bin")
    _reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    head = f"PUT {link} HTTP/1.1\r\nHost: files.localhost\r\nContent-Length: 100\r\n\r\n"
    writer.write(head.encode() + b"x" * 40)
    await writer.drain()
    await eventually(lambda: fetch(site, link, "HEAD"), lambda seen: seen.headers["Upload-Offset"] == "40")
    writer.transport.abort()
    rest = piece(40, 99, 100)
    await eventually(lambda: fetch(site, link, "PUT", b"y" * 60, **rest), lambda seen: seen.status == 201)
    assert (folder / "broken.bin").read_bytes() == b"x" * 40 + b"y" * 60


async def test_a_whole_file_needs_no_range_and_more_than_said_is_refused(files) -> None:
    site, folder = files
    assert (await fetch(site, site.hub.link("PUT", TREE, "whole"), "PUT", b"all")).status == 201
    assert (folder / "whole").read_bytes() == b"all"
    assert (await fetch(site, site.hub.link("PUT", TREE, "empty"), "PUT", b"")).status == 201
    link = site.hub.link("PUT", TREE, "more")
    assert (await fetch(site, link, "PUT", b"abcdef", **piece(0, 2, 3))).status == 422
    for text in ("bytes 2-1/3", "bytes 0-3/3", "bytes 0-1/*", "items 0-1/2"):
        assert (await fetch(site, link, "PUT", b"ab", **{"Content-Range": text})).status == 422


async def test_an_upload_needs_a_writable_tree_and_a_link_to_write(site: Site, tmp_path: Path) -> None:
    await site.control("POST", "/files/trees", {"name": "ro", "path": str(tmp_path)})
    assert (await fetch(site, site.hub.link("PUT", "ro", "x"), "PUT", b"x")).status == 403
    reading = site.hub.link("GET", "ro", "x").replace("/f/", "/u/")
    assert (await fetch(site, reading, "PUT", b"x")).status == 403
    assert not (tmp_path / "x").exists()


async def test_an_upload_does_not_follow_links_out_of_the_tree(files, tmp_path: Path) -> None:
    site, folder = files
    (tmp_path / "outside").mkdir()
    (folder / "linked").symlink_to(tmp_path / "outside")
    (folder / ".planted.part").symlink_to(tmp_path / "outside" / "planted")
    for name in ("linked/x", "planted"):
        assert (await fetch(site, site.hub.link("PUT", TREE, name), "PUT", b"x")).status == 404
    assert list((tmp_path / "outside").iterdir()) == []


async def test_a_page_of_the_hub_may_upload(files) -> None:
    site, _ = files
    answer = await fetch(site, f"/u/{TREE}/x", "OPTIONS", Origin="http://127.0.0.1")
    assert answer.status == 204
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]


async def test_a_tree_with_a_bad_name_or_folder_is_refused_with_every_fault(site: Site) -> None:
    answer = await site.control("POST", "/files/trees", {"name": "../x", "path": "relative"})
    assert answer.status == 422
    assert [fault["field"] for fault in answer.json["faults"]] == ["name", "path"]


async def test_a_forgotten_tree_serves_nothing(files) -> None:
    site, _ = files
    assert (await site.control("DELETE", f"/files/trees/{TREE}")).status == 204
    assert (await fetch(site, site.hub.link("GET", TREE, "deep er/plot é.png"))).status == 404
