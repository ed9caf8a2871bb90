"""What a person installs stays: variables that lead pip, conda and R into the home.

Which Python runs is known only where the environment is: one that is a virtual environment knows no
user site, so its packages get a prefix of their own instead.
"""

from __future__ import annotations

from pathlib import Path

#: below the home
PYTHON = ".local"
R_LIBRARY = "R/library"
CONDA = ".conda"


def everywhere(home: str) -> dict[str, str]:
    """For interactive tools, whatever runs them."""
    return {
        "PYTHONUSERBASE": f"{home}/{PYTHON}",
        "R_LIBS_USER": f"{home}/{R_LIBRARY}",
        "CONDA_ENVS_PATH": f"{home}/{CONDA}/envs",
        "CONDA_PKGS_DIRS": f"{home}/{CONDA}/pkgs",
        # two tools at once in one home, each with sockets and pids of its own
        "JUPYTER_RUNTIME_DIR": "/tmp/jupyter-runtime",
    }


def in_environment(home: str, prefix: Path | None) -> dict[str, str]:
    """For a tool in an environment of the site, which nobody but the site may write to."""
    if prefix is None or not (prefix / "pyvenv.cfg").exists():
        return {"PIP_USER": "1"}
    packages = [
        f"{home}/{PYTHON}/lib/{path.name}/site-packages" for path in sorted(prefix.glob("lib/python3*"))
    ]
    return {"PIP_PREFIX": f"{home}/{PYTHON}", "PYTHONPATH": ":".join(packages)}


def in_image() -> dict[str, str]:
    """For a tool in an image, whose own site-packages end with the container."""
    return {"PIP_USER": "1"}


def programs(home: str) -> str:
    """Folder of installed programs; last on the path, so that they never replace the tool's own."""
    return f"{home}/{PYTHON}/bin"
