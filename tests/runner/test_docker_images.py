"""The images of deploy/images, run by the executor as an installation would."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from alongside import values
from alongside.spec.tools import Component, ToolSpec
from conformance.conftest import DockerBench
from support.docker_engine import CACHE, ROOT, DockerEngine, docker_engine
from support.endpoints import ready, request

__all__ = ["docker_engine"]

#: the wheels of JupyterLab are fetched and installed when nothing is cached
BUILD_S = 600


@pytest.fixture(scope="session")
def images(docker_engine: DockerEngine) -> DockerEngine:
    done = subprocess.run(
        [ROOT / "deploy/images/build.sh"],
        env={**os.environ, "DOCKER_HOST": f"unix://{docker_engine.socket}", "ALONGSIDE_CACHE": str(CACHE)},
        capture_output=True,
        text=True,
        timeout=BUILD_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return docker_engine


@pytest.fixture(scope="session")
def lidar() -> Path:
    """The demonstration's data, prepared as `./up` does."""
    found = importlib.util.spec_from_file_location("prepare", ROOT / "deploy/tools/prepare.py")
    assert found
    assert found.loader
    prepare = importlib.util.module_from_spec(found)
    found.loader.exec_module(prepare)
    folder = CACHE / "demo-data" / "lidar"
    prepare.lidar(folder)
    return folder


@pytest.fixture
async def bench(images: DockerEngine, tmp_path: Path) -> AsyncIterator[DockerBench]:
    DockerBench.engine = images
    made = DockerBench(tmp_path / "runner")
    yield made
    await made.end()


@pytest.mark.timeout(BUILD_S)
async def test_the_task_image_counts_lines(bench: DockerBench, tmp_path: Path) -> None:
    source = tmp_path / "lines.txt"
    source.write_text("one\ntwo\nthree\n")
    component = Component(image="alongside/task:0.1.0")
    tool = ToolSpec("count", "1", "task", (component,), input_path="/in/input")
    job = bench.job(tool, arguments={"name": "lines"}, mounts={"lines": source})
    assert (await bench.executor.wait(await bench.start(job))).exit_code == 0, job.log.read_text()
    assert job.output
    assert json.loads((job.output / "count.json").read_text()) == {"name": "lines", "lines": 3}


@pytest.mark.timeout(BUILD_S)
async def test_the_web_image_starts_in_its_own_folder_and_shows_the_data(
    bench: DockerBench, tmp_path: Path
) -> None:
    survey = tmp_path / "survey"
    survey.mkdir()
    (survey / "one.las").write_text("one")
    tool = ToolSpec("files", "1", "interactive", (Component(image="alongside/web:0.1.0", port=8000),))
    handle = await bench.start(bench.job(tool, mounts={"survey": survey}))
    endpoint = await ready(bench.executor, handle, path="/")
    assert await request(endpoint, "/survey/one.las") == (200, "one")


@pytest.mark.timeout(BUILD_S)
async def test_the_point_cloud_summary_runs_over_the_demonstration_s_file(
    bench: DockerBench, lidar: Path
) -> None:
    tool = demo_tool("pointcloud-summary")
    job = bench.job(tool, arguments={"pixels": 64}, mounts={"cloud": lidar / "autzen_trim.laz"})
    ended = await bench.executor.wait(await bench.start(job))
    assert ended.exit_code == 0, job.log.read_text()
    assert job.output
    statistics = json.loads((job.output / "statistics.json").read_text())
    assert statistics["points"] == 110_000
    assert (job.output / "height.png").read_bytes().startswith(b"\x89PNG")
    assert "progress: 0 opening" in job.log.read_text()


@pytest.mark.timeout(BUILD_S)
async def test_jupyterlab_runs_beside_the_demonstration_s_files_without_a_network(
    bench: DockerBench, lidar: Path
) -> None:
    handle = await bench.start(bench.job(demo_tool("jupyterlab"), mounts={"lidar": lidar}))
    assert handle.details["network"] == "none"
    endpoint = await ready(bench.executor, handle, path="/api/status", within_s=90)
    status, listing = await request(endpoint, "/api/contents/data/lidar")
    assert status == 200
    assert "autzen_trim.laz" in {entry["name"] for entry in json.loads(listing)["content"]}
    assert (await request(endpoint, "/api/contents/start.ipynb?content=0"))[0] == 200
    assert (await request(endpoint, "/lab"))[0] == 200


def demo_tool(name: str) -> ToolSpec:
    return values.load(ToolSpec, yaml.safe_load((ROOT / f"deploy/tools/{name}.yaml").read_text()))
