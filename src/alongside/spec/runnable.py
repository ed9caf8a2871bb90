"""Whether a tool can run at all at a site, as its card says it; what is free at the moment plays no part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alongside.spec.sites import Runner, Site
from alongside.spec.tools import Resources, ToolSpec

#: how people name what an executor needs
ENGINES = {"docker": "Docker", "slurm": "Slurm", "kubernetes": "Kubernetes"}


@dataclass(frozen=True)
class Runnable:
    ok: bool
    #: empty when it can run somewhere; otherwise a sentence such as "needs Docker at this site"
    reason: str
    #: names of the sites where it can run
    sites: tuple[str, ...] = ()


def runnable(spec: ToolSpec, sites: Sequence[Site]) -> Runnable:
    """Where a tool could run, or what every site lacks."""
    enabled = [site for site in sites if site.enabled]
    if not enabled:
        return Runnable(False, "there is no site that you may use")
    lacks = {site.name: _site_lacks(spec, site.runners) for site in enabled}
    able = tuple(name for name, reason in lacks.items() if not reason)
    if able:
        return Runnable(True, "", able)
    reasons = set(lacks.values())
    if len(reasons) == 1:
        return Runnable(False, f"{reasons.pop()} at {'this site' if len(lacks) == 1 else 'every site'}")
    return Runnable(False, "; ".join(f"{name}: {reason}" for name, reason in lacks.items()))


def _site_lacks(spec: ToolSpec, runners: Iterable[Runner]) -> str:
    """What speaks against the runner that comes nearest; "" when one of them can."""
    reasons: list[tuple[int, str]] = []
    for runner in runners:
        found = _runner_lacks(spec, runner)
        if not found:
            return ""
        reasons.append(found)
    return max(reasons)[1] if reasons else "no runner is registered"


def _runner_lacks(spec: ToolSpec, runner: Runner) -> tuple[int, str] | None:
    """How near the runner comes (larger is nearer), and what it lacks."""
    if runner.state == "offline":
        return 3, "the runner is offline"
    lacking = _executors_lack(spec, runner)
    if lacking:
        return 0, lacking
    missing = sorted(set(spec.labels) - set(runner.labels))
    if missing:
        return 1, f"needs a runner labelled {' and '.join(missing)}"
    short = _short(spec.resources, runner)
    return (2, short) if short else None


def _executors_lack(spec: ToolSpec, runner: Runner) -> str:
    wants: list[str] = []
    for kind in spec.executors:
        status = next((item for item in runner.executors if item.kind == kind), None)
        ready = status is not None and status.available
        if spec.network and status is not None and ready and not status.network:
            wants.append(f"{ENGINES.get(kind, kind)} with a network (runner.share_network)")
            continue
        if kind != "process":
            if ready:
                return ""
            wants.append(ENGINES.get(kind, kind))
            continue
        environments = {component.environment or "" for component in spec.components}
        missing = sorted(environments - set(status.environments if status else ()))
        if ready and not missing:
            return ""
        if not ready:
            wants.append("the process executor")
        else:
            wants.append(f"the environment {' and '.join(missing)}")
    return f"needs {' or '.join(wants)}"


def _short(wanted: Resources, runner: Runner) -> str:
    capacity = runner.capacity
    if wanted.cpus > capacity.cpus:
        return f"needs {wanted.cpus:g} cpus, the largest runner has {capacity.cpus:g},"
    if wanted.memory_gb > capacity.memory_gb:
        return f"needs {wanted.memory_gb:g} GB of memory, the largest runner has {capacity.memory_gb:g},"
    if wanted.gpus > capacity.gpus:
        return f"needs {wanted.gpus} gpus, the largest runner has {capacity.gpus},"
    return ""
