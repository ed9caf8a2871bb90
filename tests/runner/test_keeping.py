"""What a person installs in a tool is there in the next one."""

from __future__ import annotations

from pathlib import Path

from alongside.runner import keeping
from alongside.spec.tools import Component, Probe, Restart, ToolSpec
from runner.conftest import SMALL, Lab
from support import tool_programs, wheels

#: installs a package from the data the first time, and says whether it was there
INSTALLING = """
import importlib.util, os, shutil, subprocess, sys
if importlib.util.find_spec("keepsake"):
    print("it is there", shutil.which("keepsake"), flush=True)
else:
    wheel = os.environ["ALONGSIDE_DATA"] + "/wheels/keepsake-1.0-py3-none-any.whl"
    subprocess.run([sys.executable, "-m", "pip", "install", "--no-index", "--quiet", wheel], check=True)
    print("installed", flush=True)
"""


async def test_a_package_that_was_installed_is_there_in_the_next_tool(lab: Lab) -> None:
    data = lab.dataset("wheels")
    wheels.keepsake(lab.data / "wheels")
    component = Component(
        environment="python",
        command=("python3", "-c", INSTALLING + tool_programs.SERVER, "{socket}"),
        port=8888,
        probe=Probe(path="/uid", interval_s=0.1, timeout_s=60),
    )
    tool = ToolSpec("installing", "1", "interactive", (component,), resources=SMALL, restart=Restart(times=0))
    async with lab.runner():
        first = await lab.hub.assign(tool, datasets=(data,))
        await lab.hub.until(lambda: lab.hub.told(first, "ready"), 90)
        assert b"installed" in await lab.hub.until(lambda: bytes(lab.hub.logs[first, 1]), 60)
        await lab.hub.order("stop", {"run": first, "attempt": 1, "reason_code": "stopped_by_owner"})
        await lab.hub.ended(first, within_s=60)
        other = await lab.hub.assign(tool)
        await lab.hub.until(lambda: lab.hub.told(other, "ready"), 90)
        said = await lab.hub.until(lambda: bytes(lab.hub.logs[other, 1]), 60)
    assert b"it is there /home/alice/.local/bin/keepsake" in said


def test_a_python_that_knows_a_user_site_is_told_to_use_it(tmp_path: Path) -> None:
    (tmp_path / "lib" / "python3.12").mkdir(parents=True)
    assert keeping.in_environment("/home/a", tmp_path) == {"PIP_USER": "1"}
    (tmp_path / "pyvenv.cfg").touch()
    assert keeping.in_environment("/home/a", tmp_path) == {
        "PIP_PREFIX": "/home/a/.local",
        "PYTHONPATH": "/home/a/.local/lib/python3.12/site-packages",
    }
