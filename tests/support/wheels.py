"""A package that installs without the network."""

from __future__ import annotations

import zipfile
from pathlib import Path

WHEEL = "keepsake-1.0-py3-none-any.whl"


def keepsake(folder: Path) -> Path:
    """A wheel in `folder`: a module and a command, both called keepsake."""
    about = "Metadata-Version: 2.1\nName: keepsake\nVersion: 1.0\n"
    kind = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {
        "keepsake.py": "def main(): pass\n",
        "keepsake-1.0.dist-info/METADATA": about,
        "keepsake-1.0.dist-info/WHEEL": kind,
        "keepsake-1.0.dist-info/entry_points.txt": "[console_scripts]\nkeepsake = keepsake:main\n",
    }
    with zipfile.ZipFile(folder / WHEEL, "w") as made:
        for name, text in files.items():
            made.writestr(name, text)
        made.writestr("keepsake-1.0.dist-info/RECORD", "".join(f"{name},,\n" for name in files))
    return folder / WHEEL
