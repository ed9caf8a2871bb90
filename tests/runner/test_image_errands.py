"""Images fetched ahead of a launch, by a real engine from a registry of this test's own."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alongside.config import RunnerSettings
from alongside.runner.errands import ErrandFailed
from alongside.runner.executors import docker, process
from alongside.runner.image_errands import ImageErrands
from alongside.spec.wire import Errand
from support.docker_engine import BASE, DockerEngine, docker_engine

__all__ = ["docker_engine"]

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
#: more than the engine reads before it first says how far it is
LAYER_BYTES = 4 << 20


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def image() -> tuple[bytes, dict[str, bytes]]:
    """A manifest, and what it speaks of by digest: an image of two layers that is new each time."""
    tars: list[bytes] = []
    for name in ("one", "two"):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w") as tar:
            entry = tarfile.TarInfo(name)
            entry.size = LAYER_BYTES
            tar.addfile(entry, io.BytesIO(os.urandom(LAYER_BYTES)))
        tars.append(file.getvalue())
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["/none"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in tars]},
        }
    ).encode()
    layers = [gzip.compress(tar, 1) for tar in tars]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "size": len(config), "digest": digest(config)},
        "layers": [{"mediaType": LAYER, "size": len(data), "digest": digest(data)} for data in layers],
    }
    return json.dumps(manifest).encode(), {digest(data): data for data in (config, *layers)}


@contextmanager
def registry() -> Iterator[str]:
    """`host:port/lab`: knows the tag 1 of one image."""
    manifest, blobs = image()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            if "/manifests/" in self.path and name in ("1", digest(manifest)):
                self._answer(200, manifest, MANIFEST, digest(manifest))
            elif "/blobs/" in self.path and name in blobs:
                self._answer(200, blobs[name], "application/octet-stream", name)
            elif self.path == "/v2/":
                self._answer(200, b"{}", "application/json")
            else:
                fault = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
                self._answer(404, json.dumps(fault).encode(), "application/json")

        do_HEAD = do_GET

        def _answer(self, status: int, data: bytes, media: str, key: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", media)
            self.send_header("Content-Length", str(len(data)))
            if key:
                self.send_header("Docker-Content-Digest", key)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}/lab"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.timeout(180)
async def test_an_image_is_fetched_with_progress_once_and_a_missing_one_says_why(
    docker_engine: DockerEngine, tmp_path: Path
) -> None:
    executor = docker.create(RunnerSettings(docker_socket=str(docker_engine.socket)), tmp_path)
    work = ImageErrands({"process": process.create(RunnerSettings(), tmp_path), "docker": executor})
    told: list[tuple[float | None, str]] = []

    async def pull(name: str) -> list[tuple[float | None, str]]:
        told.clear()
        await work.pull(Errand("e", "image", {"image": name}), lambda *news: told.append(news))
        return list(told)

    try:
        assert await pull(BASE) == [], "what is there is done at once"
        with registry() as name:
            news = await pull(f"{name}:1")
            assert docker_engine.lines("images", "--quiet", f"{name}:1")
            assert news[0] == (None, f"Pulling image {name}:1")
            shares = [percent for percent, _ in news if percent is not None]
            assert shares[-1] == 100
            assert all(0 <= share <= 100 for share in shares)
            assert await pull(f"{name}:1") == []
            with pytest.raises(ErrandFailed, match="manifest unknown") as failed:
                await pull(f"{name}:2")
            assert failed.value.reason_code == "image_missing"
            docker_engine.docker("rmi", f"{name}:1")
    finally:
        await executor.close()


async def test_a_runner_without_an_engine_says_so(tmp_path: Path) -> None:
    work = ImageErrands({"process": process.create(RunnerSettings(), tmp_path)})
    with pytest.raises(ErrandFailed, match="no executor with images"):
        await work.pull(Errand("e", "image", {"image": BASE}), lambda *_: None)
