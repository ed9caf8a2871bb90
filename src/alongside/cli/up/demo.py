"""The demonstration: a real lidar dataset, registered where it lies, and the tools to look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alongside.client import Client
from alongside.client.errors import Refused

ENVIRONMENT = "demo"
SITE = "local"
#: 10.5072 is the DOI prefix for tests: it will never be somebody's
MAIN = "doi:10.5072/alongside.autzen"


@dataclass(frozen=True)
class DemoDataset:
    identifiers: tuple[str, ...]
    #: below the demonstration's data folder
    path: str
    title: str
    description: str


DATASETS = (
    DemoDataset(
        (MAIN, "https://data.example.org/lidar/autzen-trim"),
        "lidar/autzen_trim.laz",
        "Autzen Stadium, airborne lidar (trimmed)",
        "110,000 points around a footbridge near Autzen Stadium, Eugene, Oregon; LAZ 1.2 with colours.",
    ),
    DemoDataset(
        ("doi:10.5072/alongside.autzen-full",),
        "lidar/autzen.las",
        "Autzen Stadium, airborne lidar (sample)",
        "A small sample of the same flight, uncompressed.",
    ),
    DemoDataset(
        ("doi:10.5072/alongside.vegetation",),
        "lidar/vegetation_1_3.las",
        "Vegetation, LAS 1.3",
        "Points of vegetation in LAS 1.3, for trying other point formats.",
    ),
    DemoDataset(
        ("doi:10.5072/alongside.lidar-samples",),
        "lidar",
        "Lidar samples (folder)",
        "All LAS and LAZ files that come with laspy's source distribution, as one folder.",
    ),
)

#: for machines of any size: what a class asks for beyond the machine's is refused with the reason
CLASSES: tuple[dict[str, Any], ...] = (
    {
        "name": "small",
        "title": "Small",
        "description": "For a notebook, a terminal or a look at one file.",
        "cpus": 1.0,
        "memory_gb": 2.0,
        "lifetime_s": 43_200.0,
        "position": 1,
    },
    {
        "name": "large",
        "title": "Large",
        "description": "For work on whole folders.",
        "cpus": 2.0,
        "memory_gb": 4.0,
        "lifetime_s": 28_800.0,
        "position": 2,
    },
)

METADATA: Mapping[str, Any] = {
    "license": "BSD-2-Clause",
    "source": "tests/data of the laspy 2.7.0 source distribution",
}


@dataclass(frozen=True)
class Demo:
    """What `./up` prepared: FOLDER/environment and FOLDER/data."""

    folder: Path

    @property
    def data(self) -> Path:
        return (self.folder / "data").absolute()

    def settings(self, data_roots: Sequence[str], environments: Sequence[str]) -> dict[str, Any]:
        """What the runner must know, on top of what it was told."""
        environment = f"{ENVIRONMENT}={(self.folder / 'environment').absolute()}"
        others = [item for item in environments if not item.startswith(f"{ENVIRONMENT}=")]
        return {
            "runner.data_roots": tuple(dict.fromkeys((*data_roots, str(self.data)))),
            "runner.environments": (*others, environment),
        }

    def publish(self, client: Client, tools: Path) -> list[str]:
        """Offer classes, publish tools, register datasets; whatever is there already stays as it is."""
        done = self._offer_classes(client)
        for path in sorted(tools.glob("*.yaml")):
            if self._publish_tool(client, path.read_text()):
                done.append(path.stem)
        # the newest is at the top of lists, and should be the main one
        for dataset in reversed(DATASETS):
            if (self.data / dataset.path).exists() and self._register(client, dataset):
                done.append(dataset.identifiers[0])
        return done

    def _offer_classes(self, client: Client) -> list[str]:
        """Only where the site has none: an administrator who took them away wants none."""
        if any(client.tools.list()) or any(client.admin.resource_classes(SITE)):
            return []
        for item in CLASSES:
            client.admin.add_resource_class(SITE, **item)
        return [item["name"] for item in CLASSES]

    def _publish_tool(self, client: Client, text: str) -> bool:
        spec = yaml.safe_load(text)
        try:
            client.tools.show(f"{spec['name']}@{spec['version']}")
        except Refused as error:
            if error.status != 404:
                raise
            client.tools.publish(text)
            return True
        return False

    def _register(self, client: Client, dataset: DemoDataset) -> bool:
        try:
            client.datasets.resolve(dataset.identifiers[0])
        except Refused as error:
            if error.status != 404:
                raise
            path = self.data / dataset.path
            kind = "folder" if path.is_dir() else "file"
            client.datasets.register(
                [{"site": SITE, "path": str(path), "kind": kind, "size_bytes": size_of(path)}],
                title=dataset.title,
                identifiers=dataset.identifiers,
                description=dataset.description,
                creators=["laspy contributors"],
                metadata=METADATA,
                may_leave=True,
            )
            return True
        return False


def size_of(path: Path) -> int:
    if path.is_dir():
        return sum(found.stat().st_size for found in path.rglob("*") if found.is_file())
    return path.stat().st_size
