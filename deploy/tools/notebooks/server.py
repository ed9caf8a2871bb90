"""Starts JupyterLab in the run's home, with a starter notebook where there is none yet.

`notebook-server --sock=PATH` or `--port=NUMBER`; with `--terminal` it opens as one terminal that
fills the page (at /lab/workspaces/terminal). Who may reach it is the edge's business: it listens
only where the edge alone can connect, so it asks for no token of its own, and the edge has checked
the Origin of each request before.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.resources import files
from pathlib import Path

STARTER = "start.ipynb"


def main() -> None:
    home = Path.home()
    if "--terminal" in sys.argv[1:]:
        put_terminal(home)
    else:
        put_starter(home)
    os.chdir(home)
    command = [sys.executable, "-m", "jupyterlab", *options(home), *where(sys.argv[1:])]
    os.execv(command[0], command)


def put_starter(home: Path) -> None:
    """Copy the notebook once; a changed or renamed one is its owner's."""
    marker = home / ".alongside-starter"
    if marker.exists() or (home / STARTER).exists():
        return
    content = files("alongside_tools.notebooks").joinpath(STARTER).read_bytes()
    (home / STARTER).write_bytes(content)
    marker.touch()


def put_terminal(home: Path) -> None:
    """A JupyterLab workspace that holds one terminal and nothing else."""
    from jupyterlab_server.workspaces_handler import WorkspacesManager

    main = {
        "dock": {"type": "tab-area", "currentIndex": 0, "widgets": ["terminal:1"]},
        "current": "terminal:1",
    }
    layout = {"main": main, "left": {"collapsed": True}, "right": {"collapsed": True}}
    data = {"layout-restorer:data": layout, "terminal:1": {"data": {"name": "1"}}}
    folder = home / ".jupyter" / "lab" / "workspaces"
    workspace = {"data": data, "metadata": {"id": "terminal"}}
    WorkspacesManager(str(folder)).save("terminal", json.dumps(workspace))


def options(home: Path) -> list[str]:
    return [
        "--no-browser",
        # in a container or user namespace the tool may look like root without being it
        "--allow-root",
        "--IdentityProvider.token=",
        "--ServerApp.allow_remote_access=True",
        "--ServerApp.quit_button=False",
        f"--ServerApp.root_dir={home}",
        "--ServerApp.terminado_settings=shell_command=['/bin/bash']",
        "--ServerApp.disable_check_xsrf=True",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--LanguageServerManager.autodetect=False",
    ]


def where(arguments: list[str]) -> list[str]:
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name == "--sock":
            return [f"--ServerApp.sock={value}", "--ServerApp.sock_mode=0660"]
        if name == "--port":
            return ["--ServerApp.ip=0.0.0.0", f"--ServerApp.port={value}", "--ServerApp.port_retries=0"]
    raise SystemExit("usage: notebook-server --sock=PATH | --port=NUMBER")


if __name__ == "__main__":
    main()
