"""Images: here, or pulled, or named in the reason why not."""

from __future__ import annotations

from typing import Any

from aiodocker import Docker
from aiodocker.exceptions import DockerError

from alongside.runner.executors import CannotStart, Progress
from alongside.runner.executors.docker.body import Image
from alongside.runner.executors.docker.engine import CANNOT_CONNECT


async def here(docker: Docker, name: str) -> Image | None:
    try:
        facts = await docker.images.inspect(name)
    except DockerError as error:
        if error.status == 404:
            return None
        if error.status == 400:
            raise CannotStart("image_missing", f"image {name}: {error.message}") from None
        raise
    config = facts.get("Config") or {}
    variables = dict(item.partition("=")[::2] for item in config.get("Env") or ())
    return Image(
        id=facts["Id"],
        volumes=tuple(config.get("Volumes") or ()),
        workdir=config.get("WorkingDir") or "",
        runnable=bool(config.get("Cmd") or config.get("Entrypoint")),
        path=variables.get("PATH", ""),
    )


async def pull(docker: Docker, name: str, progress: Progress) -> None:
    """Fetch an image, telling how far it is in per cent of the layers' bytes known so far.

    Raises:
        CannotStart: image_missing, disk_full.
    """
    reference = name if "@" in name or ":" in name.rpartition("/")[2] else f"{name}:latest"
    progress(None, f"Pulling image {name}")
    layers: dict[str, tuple[int, int]] = {}
    try:
        async for line in docker.images.pull(reference, stream=True):
            _count(layers, line)
            done, total = (sum(sizes) for sizes in zip(*layers.values(), strict=True)) if layers else (0, 0)
            progress(100 * done / total if total else None, f"Pulling image {name}")
    except DockerError as error:
        if error.status == CANNOT_CONNECT:
            raise
        raise refusal(name, error.message) from None


def refusal(name: str, message: str) -> CannotStart:
    if "no space left" in message:
        return CannotStart("disk_full", f"no space left on the engine's disk for image {name}")
    return CannotStart("image_missing", f"image {name} is not at this engine and cannot be pulled: {message}")


def _count(layers: dict[str, tuple[int, int]], line: dict[str, Any]) -> None:
    detail = line.get("progressDetail") or {}
    if line.get("status") == "Downloading" and detail.get("total"):
        layers[line["id"]] = (detail.get("current", 0), detail["total"])
    elif line.get("status") == "Download complete" and line.get("id") in layers:
        total = layers[line["id"]][1]
        layers[line["id"]] = (total, total)
