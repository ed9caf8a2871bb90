"""The executor `docker`: each component of a tool is a container of the site's Docker Engine.

`body` says what a container may do, `launch` what a start consists of, `networks` and `mounts`
what surrounds it, `engine` whether the engine is still the same one. Containers are known by name
and label, so a runner that was killed finds them again.
"""

from __future__ import annotations

from pathlib import Path

from alongside.config import RunnerSettings
from alongside.runner.executors.docker.executor import DockerExecutor


def create(settings: RunnerSettings, work_dir: Path) -> DockerExecutor:
    return DockerExecutor(settings, work_dir)
