"""Bringing data: in place below the site's folders, by URL with resume and checksum, or as a copy."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from alongside.config import RunnerSettings
from alongside.runner import copying, homes
from alongside.runner.downloads import Downloads
from alongside.runner.executors import CannotStart
from alongside.runner.homes import Places
from alongside.runner.staging import Staged, Staging, measured
from alongside.spec.wire import DatasetMount, Source

CONTENT = os.urandom(3_000_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class FileHost:
    """A web server with one file that can break off, change, lie or lead elsewhere."""

    def __init__(self) -> None:
        self.content = CONTENT
        #: break off after so many bytes, so many times
        self.break_after = 0
        self.breaks = 0
        #: say beforehand how much comes
        self.announced = True
        self.ranges: list[str | None] = []
        self.redirect = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/file", self.file)
        app.router.add_get("/redirect", self.lead)
        self.server = web.AppRunner(app, shutdown_timeout=0.1)
        await self.server.setup()
        await web.TCPSite(self.server, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.server.addresses[0][1]}"

    async def lead(self, _: web.Request) -> web.Response:
        raise web.HTTPFound(self.redirect)

    async def file(self, request: web.Request) -> web.StreamResponse:
        etag = f'"{hashlib.sha256(self.content).hexdigest()[:8]}"'
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        offset = 0
        if asked and request.headers.get("If-Range") == etag:
            offset = int(asked.removeprefix("bytes=").rstrip("-"))
        rest = self.content[offset:]
        response = web.StreamResponse(status=206 if offset else 200, headers={"ETag": etag})
        if self.announced:
            response.content_length = len(rest)
        await response.prepare(request)
        if self.breaks:
            self.breaks -= 1
            await response.write(rest[: self.break_after])
            # what was written arrives before the connection is cut
            await asyncio.sleep(0.1)
            assert request.transport is not None
            request.transport.close()
            return response
        await response.write(rest)
        return response


@pytest.fixture
async def host() -> AsyncIterator[FileHost]:
    made = FileHost()
    await made.start()
    yield made
    await made.server.cleanup()


class Site:
    def __init__(self, folder: Path, **settings: object) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        chosen = {"data_roots": (str(self.data),), "egress_hosts": ("127.0.0.1",)} | settings
        self.settings = RunnerSettings(**chosen)  # pyright: ignore[reportArgumentType]
        self.downloads = Downloads(self.settings, folder / "runner", retry_s=0.01)
        self.staging = Staging(self.settings, self.downloads)
        self.told: list[tuple[float | None, str]] = []
        self.places = Places(os.getuid(), os.getgid(), folder / "home", folder / "seats")
        (folder / "seats").mkdir()

    async def stage(self, *sources: Source, mode: str = "mount", name: str = "survey") -> Path:
        return (await self.staged(*sources, mode=mode, name=name)).mount.source

    async def staged(self, *sources: Source, mode: str = "mount", name: str = "survey") -> Staged:
        wanted = DatasetMount("d", name, "copy" if mode == "copy" else "mount", sources)
        return await self.staging.stage(wanted, self.places, lambda *told: self.told.append(told))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    yield made
    await made.downloads.close()


async def test_a_folder_of_the_site_stays_where_it_is(site: Site) -> None:
    (site.data / "survey").mkdir()
    assert await site.stage(Source("folder", str(site.data / "survey"))) == site.data / "survey"
    assert list((site.places.data or Path()).iterdir()) == [site.places.data / "survey"]  # pyright: ignore[reportOptionalOperand]


async def test_what_has_no_stated_size_is_measured(site: Site, host: FileHost, tmp_path: Path) -> None:
    folder, file = site.data / "survey", site.data / "tile.las"
    (folder / "deep").mkdir(parents=True)
    for path in (file, folder / "a", folder / "deep" / "b"):
        path.write_bytes(bytes(1000))
    (tmp_path / "outside").write_bytes(bytes(50))
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "round").symlink_to(folder)
    told = [
        await site.staged(Source("folder", str(folder)), name="a"),
        await site.staged(Source("file", str(file)), name="b"),
        await site.staged(Source("file", str(file)), name="c", mode="copy"),
        await site.staged(
            Source("file", str(site.data / "gone")), Source("file", url=f"{host.url}/file"), name="d"
        ),
    ]
    assert [(item.location, item.size_bytes) for item in told] == [
        (str(folder), 2000),
        (str(file), 1000),
        (str(file), 1000),
        (f"{host.url}/file", len(CONTENT)),
    ]
    (site.places.data / "c").write_bytes(b"changed")  # pyright: ignore[reportOptionalOperand]
    again = await site.staged(Source("file", str(file)), name="c", mode="copy")
    stated = await site.staged(Source("file", str(file), size_bytes=1000), name="e")
    assert [item.size_bytes for item in (again, stated)] == [None, None]


def test_a_folder_that_is_too_large_to_walk_through_is_not_measured(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / str(number)).write_bytes(b"x")
    assert measured(tmp_path) == measured(tmp_path, 10) == 10
    assert measured(tmp_path, 9) is None
    assert measured(tmp_path / "gone") is None


async def test_only_what_is_below_the_site_s_folders_is_shown(site: Site, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (site.data / "link").symlink_to(tmp_path / "secret")
    for path in (str(tmp_path / "secret"), str(site.data / "link"), str(site.data / ".." / "secret"), "/"):
        with pytest.raises(CannotStart, match="data_roots") as refused:
            await site.stage(Source("folder", path))
        assert refused.value.reason_code == "data_missing"


@pytest.mark.parametrize("name", ["..", ".", "a/b", "", "/etc", "x\0y", "x" * 300])
async def test_a_name_that_leads_elsewhere_is_refused(site: Site, name: str) -> None:
    (site.data / "survey").mkdir()
    with pytest.raises(CannotStart, match="cannot be the name"):
        await site.stage(Source("folder", str(site.data / "survey")), name=name)


async def test_what_is_not_there_or_of_another_kind_is_named(site: Site) -> None:
    with pytest.raises(CannotStart, match="there is no folder"):
        await site.stage(Source("folder", str(site.data / "gone")))
    (site.data / "file").write_text("x")
    with pytest.raises(CannotStart, match="registered as a folder but is a file"):
        await site.stage(Source("folder", str(site.data / "file")))
    with pytest.raises(CannotStart, match="no location"):
        await site.stage()


async def test_the_next_source_is_taken_when_the_best_one_fails(site: Site, host: FileHost) -> None:
    missing = Source("file", str(site.data / "gone"))
    found = await site.stage(missing, Source("file", url=f"{host.url}/file", sha256=DIGEST))
    assert found.read_bytes() == CONTENT


async def test_a_file_is_fetched_once_and_its_progress_told(site: Site, host: FileHost) -> None:
    source = Source("file", url=f"{host.url}/file", sha256=DIGEST)
    first, second = await asyncio.gather(site.stage(source), site.stage(source, name="again"))
    assert first == second
    assert first.read_bytes() == CONTENT
    assert len(host.ranges) == 1
    assert site.told[-1][0] == 100
    assert "3.0 MB of 3.0 MB" in site.told[-1][1]


async def test_a_download_that_breaks_off_goes_on_where_it_was(site: Site, host: FileHost) -> None:
    host.break_after, host.breaks = 1_200_000, 2
    found = await site.stage(Source("file", url=f"{host.url}/file", sha256=DIGEST))
    assert found.read_bytes() == CONTENT
    assert host.ranges[0] is None
    assert all(asked and asked != "bytes=0-" for asked in host.ranges[1:])


async def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(
    site: Site, host: FileHost
) -> None:
    host.break_after, host.breaks = 100_000, 5
    with pytest.raises(CannotStart, match="broke off 5 times"):
        await site.stage(Source("file", url=f"{host.url}/file"))
    host.content = CONTENT[::-1]
    found = await site.stage(Source("file", url=f"{host.url}/file"))
    assert found.read_bytes() == CONTENT[::-1]


async def test_an_unchanged_file_without_a_registered_checksum_is_not_fetched_again(
    site: Site, host: FileHost
) -> None:
    source = Source("file", url=f"{host.url}/file")
    first = await site.stage(source)
    assert await site.stage(source) == first
    host.content = b"new"
    assert (await site.stage(source)).read_bytes() == b"new"


@pytest.mark.parametrize("announced", [True, False])
async def test_a_download_ends_where_more_comes_than_is_registered(
    site: Site, host: FileHost, announced: bool
) -> None:
    host.announced = announced
    source = Source("file", url=f"{host.url}/file", size_bytes=1_000_000)
    with pytest.raises(CannotStart, match="1000000 are registered") as caught:
        await site.stage(source)
    assert caught.value.reason_code == "download_failed"
    assert ("3000000 bytes" if announced else "more than 1000000 bytes") in caught.value.reason
    assert list((site.downloads.folder / "partial").iterdir()) == [], "it does not fill the disk"
    assert len(host.ranges) == 1, "and is not tried again"
    exact = Source("file", url=f"{host.url}/file", size_bytes=len(CONTENT))
    assert (await site.stage(exact)).read_bytes() == CONTENT


@pytest.mark.parametrize("announced", [True, False])
async def test_without_a_registered_size_a_download_ends_at_the_largest_that_is_staged(
    site: Site, host: FileHost, announced: bool
) -> None:
    host.announced = announced
    site.downloads.size_max = 2_999_999
    with pytest.raises(CannotStart, match=r"dispatcher\.stage_max_bytes") as caught:
        await site.stage(Source("file", url=f"{host.url}/file"))
    assert caught.value.reason_code == "download_failed"
    assert (await site.stage(Source("file", url=f"{host.url}/file", size_bytes=3_000_000))).exists()


async def test_a_wrong_checksum_is_refused_and_nothing_of_it_kept(site: Site, host: FileHost) -> None:
    host.content = b"something else"
    with pytest.raises(CannotStart, match=DIGEST) as refused:
        await site.stage(Source("file", url=f"{host.url}/file", sha256=DIGEST))
    assert refused.value.reason_code == "checksum_mismatch"
    assert not [path for path in site.downloads.folder.rglob("*") if path.is_file()]


async def test_a_checksum_holds_also_for_what_is_in_the_cache_and_unchanged(
    site: Site, host: FileHost
) -> None:
    host.content = b"something else"
    await site.stage(Source("file", url=f"{host.url}/file"))
    with pytest.raises(CannotStart, match=DIGEST) as refused:
        await site.stage(Source("file", url=f"{host.url}/file", sha256=DIGEST))
    assert refused.value.reason_code == "checksum_mismatch"


@pytest.mark.parametrize("policy", ["registered", "public"])
async def test_hosts_that_the_policy_does_not_allow_are_not_asked(
    tmp_path: Path, host: FileHost, policy: str
) -> None:
    site = Site(tmp_path, egress=policy, egress_hosts=())
    for url in (
        f"{host.url}/file",
        f"{host.url}/file".replace("127.0.0.1", "localhost"),
        "file:///etc/passwd",
    ):
        with pytest.raises(CannotStart, match="not fetched") as refused:
            await site.stage(Source("file", url=url))
        assert refused.value.reason_code == "download_failed"
    assert host.ranges == []
    await site.downloads.close()


async def test_a_redirect_to_a_host_that_is_not_allowed_is_not_followed(site: Site, host: FileHost) -> None:
    host.redirect = host.url.replace("127.0.0.1", "localhost") + "/file"
    with pytest.raises(CannotStart, match="localhost is not among"):
        await site.stage(Source("file", url=f"{host.url}/redirect"))
    host.redirect = f"{host.url}/redirect"
    with pytest.raises(CannotStart, match="redirects"):
        await site.stage(Source("file", url=f"{host.url}/redirect"))


async def test_a_copy_is_complete_writable_and_kept_with_its_changes(site: Site) -> None:
    folder = site.data / "survey"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/file").write_bytes(CONTENT)
    (folder / "link").symlink_to("deep/file")
    (folder / "deep/file").chmod(0o444)
    source = Source("folder", str(folder))
    copy = await site.stage(source, mode="copy")
    assert (copy / "deep/file").read_bytes() == CONTENT
    assert os.readlink(copy / "link") == "deep/file"  # noqa: PTH115
    (copy / "deep/file").write_text("changed")
    assert (await site.stage(source, mode="copy") / "deep/file").read_text() == "changed"
    assert (folder / "deep/file").read_bytes() == CONTENT


async def test_a_link_in_the_data_folder_does_not_lead_a_copy_elsewhere(site: Site, tmp_path: Path) -> None:
    (site.data / "survey").mkdir()
    (site.data / "survey/file").write_text("x")
    victim = tmp_path / "victim"
    victim.mkdir()
    assert site.places.data
    (site.places.data / "survey").symlink_to(victim)
    await site.stage(Source("folder", str(site.data / "survey")), mode="copy")
    assert list(victim.iterdir()) == []
    assert not (site.places.data / "survey").is_symlink()


def copied(source: Path, places: Places, progress: Callable[[int], None] = lambda _: None) -> Path:
    homes.copy(source, places, "survey", progress, threading.Event())
    assert places.data
    return places.data / "survey"


async def test_a_copy_is_of_what_was_found_whatever_is_put_in_its_place(site: Site, tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim", site.data / "survey"
    victim.mkdir()
    (folder / "deep").mkdir(parents=True)
    for name in ("a", "b"):
        (victim / name).write_text("secret")
        (folder / "deep" / name).write_text("own")

    def swap(_: int) -> None:
        """Whoever may write beside a dataset does this while the first file is copied."""
        if not (folder / "deep").is_symlink():
            (folder / "deep").rename(folder / "gone")
            (folder / "deep").symlink_to(victim)

    copy = copied(folder, site.places, swap)
    assert [(copy / "deep" / name).read_text() for name in ("a", "b")] == ["own", "own"]


async def test_no_link_on_the_way_to_a_dataset_is_followed_by_a_copy(site: Site, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("secret")
    (site.data / "door").symlink_to(victim)
    with pytest.raises(CannotStart, match="cannot copy"):
        copied(site.data / "door" / "file", site.places)
    assert site.places.data
    assert list(site.places.data.iterdir()) == []


async def test_a_copy_leaves_out_what_is_neither_file_nor_folder_nor_link(site: Site) -> None:
    folder = site.data / "survey"
    folder.mkdir()
    (folder / "tool").write_text("x")
    (folder / "tool").chmod(0o6755)
    os.mkfifo(folder / "pipe")
    copy = copied(folder, site.places)
    assert [entry.name for entry in copy.iterdir()] == ["tool"]
    assert (copy / "tool").stat().st_mode & 0o7777 == 0o755, "nothing runs as the tool's uid by itself"


async def test_a_copy_goes_only_so_deep(site: Site) -> None:
    deepest = site.data / "survey" / "/".join("d" * (copying.DEPTH_MAX + 1))
    deepest.mkdir(parents=True)
    with pytest.raises(CannotStart, match="levels deep"):
        copied(site.data / "survey", site.places)


async def test_taking_a_seat_away_leaves_what_a_link_points_to(site: Site, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("x")
    assert site.places.data
    (site.places.data / "survey").symlink_to(victim)
    homes.unseat(site.places.data, "survey")
    homes.unseat(site.places.data, "survey")
    assert (victim / "file").exists()
