"""The hook that puts the built web app into the wheel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))

import build_web


class WebAppHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the web app first, except for editable installs, which `./up` builds it for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel" and version != "editable":
            build_web.build()
