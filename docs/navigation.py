"""MkDocs hook: decision records join the navigation by themselves, so that writing one is one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    records = sorted(path.name for path in (Path(config["docs_dir"]) / "decisions").glob("[0-9]*.md"))
    for section in config["nav"]:
        if isinstance(section, dict) and "Decisions" in section:
            section["Decisions"] = ["decisions/index.md", *(f"decisions/{name}" for name in records)]
    return config
