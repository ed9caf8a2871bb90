"""Files by URL into the site's content-addressed cache: resumed, checked, fetched once.

cache/sha256/<digest>         complete files
cache/urls/<digest of url>    what a URL held last: {url, sha256, etag}
cache/partial/<digest of url> pieces, to go on from
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import socket
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from alongside.config import DispatcherSettings, RunnerSettings
from alongside.runner.disk import read_json, write_json
from alongside.runner.executors import CannotStart
from alongside.spec.hosts import is_literal, is_public

CHUNK_BYTES = 1 << 20
REDIRECTS_MAX = 5
TRIES = 5
RETRY_S = 1.0
#: without a byte for so long, a download is broken off and resumed
STALL_S = 60.0


class HostRefused(Exception):
    """The egress policy does not allow this host."""


class TooMuch(Exception):
    """More bytes come than are wanted."""


class Downloads:
    def __init__(self, settings: RunnerSettings, work_dir: Path, *, retry_s: float = RETRY_S) -> None:
        #: without links, as whoever mounts from it wants it
        self.folder = work_dir.resolve() / "cache"
        self.policy = settings.egress
        self.hosts = frozenset(host.lower() for host in settings.egress_hosts)
        self.retry_s = retry_s
        #: of files that no size is registered for; the hub says how much (contact.py)
        self.size_max = DispatcherSettings().stage_max_bytes
        self._http: aiohttp.ClientSession | None = None
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def close(self) -> None:
        if self._http:
            await self._http.close()

    async def fetch(
        self,
        url: str,
        sha256: str | None,
        progress: Callable[[int, int | None], None],
        size_bytes: int | None = None,
    ) -> Path:
        """The file's place in the cache; two who ask for one URL wait for the same download.

        It ends with an error where more comes than is registered for it.

        Raises:
            CannotStart: download_failed, checksum_mismatch, disk_full.
        """
        for name in ("sha256", "urls", "partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        async with self._locks[url]:
            if sha256 and (known := self._complete(sha256.lower())).exists():
                return known
            try:
                return await self._fetch(url, sha256.lower() if sha256 else None, progress, size_bytes)
            except TooMuch as error:
                why = (
                    f"no size is registered for it, and at most {self.size_max} bytes are fetched then "
                    "(dispatcher.stage_max_bytes)"
                    if size_bytes is None
                    else f"{size_bytes} are registered for it"
                )
                raise CannotStart("download_failed", f"{url} has {error} bytes, but {why}") from error
            except HostRefused as error:
                raise CannotStart("download_failed", f"{url} is not fetched: {error}") from error
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise CannotStart("disk_full", f"the disk is full: no space to fetch {url}") from error
                raise CannotStart("download_failed", f"cannot fetch {url}: {error}") from error

    async def _fetch(
        self,
        url: str,
        sha256: str | None,
        progress: Callable[[int, int | None], None],
        size_bytes: int | None,
    ) -> Path:
        reason = ""
        for number in range(TRIES):
            if number:
                await asyncio.sleep(self.retry_s * 2 ** (number - 1))
            try:
                found = await self._once(url, progress, size_bytes)
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
                reason = f"{url} broke off {number + 1} times: {error or type(error).__name__}"
                continue
            return await self._accept(url, found, sha256)
        raise CannotStart("download_failed", reason)

    async def _once(
        self, url: str, progress: Callable[[int, int | None], None], size_bytes: int | None
    ) -> tuple[Path, str | None] | Path:
        """Go on with a download to its end: the pieces and their ETag, or the cached file if unchanged."""
        name = hashlib.sha256(url.encode()).hexdigest()
        partial, state = self.folder / "partial" / name, self.folder / "partial" / f"{name}.json"
        cached: dict[str, Any] = read_json(self.folder / "urls" / name) or {}
        begun: dict[str, Any] = read_json(state) or {}
        offset = partial.stat().st_size if partial.exists() and begun.get("etag") else 0
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers |= {"Range": f"bytes={offset}-", "If-Range": begun["etag"]}
        elif cached.get("etag") and self._complete(cached["sha256"]).exists():
            headers["If-None-Match"] = cached["etag"]
        async with await self._get(url, headers) as response:
            if response.status == 304:
                return self._complete(cached["sha256"])
            if response.status == 416 and offset:
                return partial, begun["etag"]
            if response.status >= 500:
                raise aiohttp.ClientConnectionError(f"status {response.status}")
            if response.status not in (200, 206):
                raise CannotStart("download_failed", f"{url} answers {response.status} {response.reason}")
            if response.status == 200:
                offset = 0
            # a weak ETag does not promise the same bytes
            etag = response.headers.get("ETag", "")
            etag = None if not etag or etag.startswith("W/") else etag
            write_json(state, {"url": url, "etag": etag})
            length = response.content_length
            total = None if length is None else offset + length
            most = self.size_max if size_bytes is None else size_bytes
            try:
                if total is not None and total > most:
                    raise TooMuch(f"{total}")
                with partial.open("ab" if offset else "wb") as file:
                    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                        offset += len(chunk)
                        if offset > most:
                            raise TooMuch(f"more than {most}")
                        await asyncio.to_thread(file.write, chunk)
                        progress(offset, total)
                    file.flush()
                    await asyncio.to_thread(os.fsync, file.fileno())
            except TooMuch:
                partial.unlink(missing_ok=True)
                state.unlink(missing_ok=True)
                raise
        return partial, etag

    async def _accept(self, url: str, found: tuple[Path, str | None] | Path, sha256: str | None) -> Path:
        if isinstance(found, Path):
            _compare(url, found.name, sha256)
            return found
        partial, etag = found
        digest = await asyncio.to_thread(_digest, partial)
        (partial.with_name(f"{partial.name}.json")).unlink(missing_ok=True)
        try:
            _compare(url, digest, sha256)
        except CannotStart:
            partial.unlink()
            raise
        partial.chmod(0o444)
        partial.replace(self._complete(digest))
        write_json(self.folder / "urls" / partial.name, {"url": url, "sha256": digest, "etag": etag})
        return self._complete(digest)

    def _complete(self, digest: str) -> Path:
        return self.folder / "sha256" / digest

    async def _get(self, url: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
        """Follow redirects one by one: each host has to be allowed, not only the first."""
        if self._http is None:
            resolver = PublicResolver() if self.policy == "public" else None
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=STALL_S, sock_read=STALL_S)
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=resolver), timeout=timeout, auto_decompress=False
            )
        for _ in range(REDIRECTS_MAX):
            self._allow(url)
            response = await self._http.get(url, headers=headers, allow_redirects=False)
            if response.status not in (301, 302, 303, 307, 308) or "Location" not in response.headers:
                return response
            url = urljoin(url, response.headers["Location"])
            response.release()
        raise CannotStart("download_failed", f"more than {REDIRECTS_MAX} redirects, the last one to {url}")

    def _allow(self, url: str) -> None:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme not in ("http", "https") or not host:
            raise HostRefused("only http and https addresses are")
        if self.policy != "public":
            if host not in self.hosts:
                raise HostRefused(f"{host} is not among this site's hosts (runner.egress_hosts)")
        elif is_literal(host) and not is_public(host):
            raise HostRefused(f"{host} is a private address")


class PublicResolver(AbstractResolver):
    """Names to addresses outside private ranges; the connection goes to exactly what was checked."""

    def __init__(self) -> None:
        self._inner = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        public = [item for item in found if is_public(item["host"])]
        if not public:
            raise HostRefused(f"{host} has no public address")
        return public

    async def close(self) -> None:
        await self._inner.close()


def _compare(url: str, digest: str, sha256: str | None) -> None:
    if sha256 and digest != sha256:
        raise CannotStart(
            "checksum_mismatch", f"{url} has SHA-256 {digest}, but {sha256} is registered for it"
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
