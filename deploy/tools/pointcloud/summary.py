"""Summarises a point cloud: statistics as JSON and a height map as PNG.

Reads its arguments as a JSON object on stdin, one LAS or LAZ file at /in/cloud.laz, and writes
/out/statistics.json and /out/height.png. Lines `progress: 42 what` on stderr tell how far it is.
The cloud is read in pieces, so its size does not matter.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import laspy
import numpy as np
from PIL import Image

INPUT = Path("/in/cloud.laz")
OUTPUT = Path("/out")
CHUNK_POINTS = 1_000_000


class BadRequest(Exception):
    """The arguments or the file cannot be used; the message says why."""


@dataclass(frozen=True)
class Arguments:
    """What a person can set; the same schema is in pointcloud-summary.yaml."""

    #: pixels along the longer side of the height map
    pixels: int = 512
    colors: str = "viridis"
    #: only points of this ASPRS class, such as 2 for ground; None takes all
    classification: int | None = None


@dataclass
class Tally:
    """What is known about the points read so far."""

    points: int = 0
    sum_z: float = 0.0
    sum_z2: float = 0.0
    low: float = np.inf
    high: float = -np.inf
    classes: dict[int, int] = field(default_factory=dict)
    returns: dict[int, int] = field(default_factory=dict)
    intensity: list[int] = field(default_factory=lambda: [65_535, 0])


def main() -> None:
    try:
        arguments = parse(sys.stdin.read())
        summarise(INPUT, OUTPUT, arguments)
    except BadRequest as error:
        say(f"error: {error}")
        sys.exit(2)


def parse(text: str) -> Arguments:
    try:
        given = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise BadRequest(f"the arguments are not JSON: {error}") from None
    if not isinstance(given, dict):
        raise BadRequest("the arguments must be a JSON object")
    unknown = sorted(set(given) - set(Arguments.__dataclass_fields__))
    if unknown:
        raise BadRequest(f"unknown argument: {', '.join(unknown)}")
    arguments = Arguments(**given)
    if not isinstance(arguments.pixels, int) or not 16 <= arguments.pixels <= 4096:
        raise BadRequest(f"pixels must be a whole number from 16 to 4096, not {arguments.pixels!r}")
    return arguments


def summarise(cloud: Path, output: Path, arguments: Arguments) -> dict[str, Any]:
    """Write both results below `output` and return the statistics."""
    progress(0, f"opening {cloud.name}")
    try:
        reader = laspy.open(cloud)
    except FileNotFoundError:
        raise BadRequest(f"there is no file {cloud}") from None
    except laspy.LaspyException as error:
        raise BadRequest(f"{cloud.name} is not a LAS or LAZ file: {error}") from None
    with reader:
        header = reader.header
        if not header.point_count:
            raise BadRequest(f"{cloud.name} holds no points")
        heights = Grid(header, arguments.pixels)
        tally = Tally()
        read = 0
        for points in reader.chunk_iterator(CHUNK_POINTS):
            read += len(points)
            chosen = select(points, arguments.classification)
            count(chosen, tally)
            heights.add(np.asarray(chosen.x), np.asarray(chosen.y), np.asarray(chosen.z))
            progress(90 * read / header.point_count, f"{read:,} of {header.point_count:,} points")
        statistics = describe(header, tally, arguments)
    if not tally.points:
        raise BadRequest(f"no point has classification {arguments.classification}")
    progress(92, "drawing the height map")
    heights.image(arguments.colors).save(output / "height.png")
    (output / "statistics.json").write_text(json.dumps(statistics, indent=2) + "\n")
    progress(100, "done")
    return statistics


def select(points: Any, classification: int | None) -> Any:
    if classification is None:
        return points
    return points[np.asarray(points.classification) == classification]


def count(points: Any, tally: Tally) -> None:
    if not len(points):
        return
    z = np.asarray(points.z)
    tally.points += len(points)
    tally.sum_z += float(z.sum())
    tally.sum_z2 += float((z**2).sum())
    tally.low = min(tally.low, float(z.min()))
    tally.high = max(tally.high, float(z.max()))
    intensity = np.asarray(points.intensity)
    tally.intensity = [
        min(tally.intensity[0], int(intensity.min())),
        max(tally.intensity[1], int(intensity.max())),
    ]
    for name, values in (("classes", points.classification), ("returns", points.return_number)):
        found, numbers = np.unique(np.asarray(values), return_counts=True)
        seen: dict[int, int] = getattr(tally, name)
        for value, number in zip(found.tolist(), numbers.tolist(), strict=True):
            seen[value] = seen.get(value, 0) + number


def describe(header: Any, tally: Tally, arguments: Arguments) -> dict[str, Any]:
    mean = tally.sum_z / tally.points if tally.points else 0.0
    variance = max(tally.sum_z2 / tally.points - mean**2, 0.0) if tally.points else 0.0
    width, depth = (float(high - low) for low, high in zip(header.mins[:2], header.maxs[:2], strict=True))
    area = width * depth
    return {
        "las_version": str(header.version),
        "point_format": header.point_format.id,
        "points_in_file": int(header.point_count),
        "points": tally.points,
        "classification": arguments.classification,
        "bounds": {"min": header.mins.tolist(), "max": header.maxs.tolist()},
        "height": {"min": tally.low, "max": tally.high, "mean": mean, "std": variance**0.5},
        "points_per_square_unit": tally.points / area if area else None,
        "intensity": {"min": tally.intensity[0], "max": tally.intensity[1]},
        "classes": {str(key): tally.classes[key] for key in sorted(tally.classes)},
        "returns": {str(key): tally.returns[key] for key in sorted(tally.returns)},
    }


class Grid:
    """The highest point in each pixel, seen from above."""

    def __init__(self, header: Any, pixels: int) -> None:
        self._low = np.asarray(header.mins[:2])
        extent = np.maximum(np.asarray(header.maxs[:2]) - self._low, 1e-9)
        self._scale = (pixels - 1) / float(extent.max())
        width, height = (np.ceil(extent * self._scale).astype(int) + 1).tolist()
        self._cells = np.full((height, width), -np.inf)

    def add(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> None:
        column = ((x - self._low[0]) * self._scale).astype(int).clip(0, self._cells.shape[1] - 1)
        row = ((y - self._low[1]) * self._scale).astype(int).clip(0, self._cells.shape[0] - 1)
        np.maximum.at(self._cells, (row, column), z)

    def image(self, colors: str) -> Image.Image:
        """North is up; pixels without a point are transparent."""
        import matplotlib

        if colors not in matplotlib.colormaps:
            raise BadRequest(f"there is no colour map {colors!r}; try viridis, terrain or gray")
        known = np.isfinite(self._cells)
        low, high = np.percentile(self._cells[known], [1, 99])
        shade = ((self._cells - low) / max(high - low, 1e-9)).clip(0, 1)
        shade[~known] = 0
        pixels = matplotlib.colormaps[colors](shade, bytes=True)
        pixels[~known] = 0
        return Image.fromarray(np.flipud(pixels))


def progress(percent: float, text: str) -> None:
    say(f"progress: {percent:.0f} {text}")


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
