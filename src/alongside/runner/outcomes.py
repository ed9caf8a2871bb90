"""What the end of processes means for an attempt: rules without any doing."""

from __future__ import annotations

from dataclasses import dataclass

from alongside.runner.executors import Exit
from alongside.runner.spool import Ending
from alongside.spec.runs import ReasonCode, State


@dataclass(frozen=True)
class Outcome:
    state: State
    reason_code: ReasonCode | None = None
    reason: str = ""
    exit_code: int | None = None


def of_order(ending: Ending, *, interactive: bool) -> Outcome:
    """An attempt that was told to end, and did."""
    if ending.kind == "stop":
        return Outcome("paused" if interactive else "preempted", ending.reason_code, ending.reason)
    return Outcome("canceled", ending.reason_code, ending.reason)


def of_task(ended: Exit, memory_gb: float) -> Outcome:
    """A task that ended by itself, or by its limits."""
    if ended.reason_code == "engine_restarted" or (ended.exit_code is None and not ended.reason_code):
        reason = ended.reason or "nobody knows how it ended"
        return Outcome("system_error", ended.reason_code or "lost", reason)
    if ended.exit_code == 0 and not ended.oom and ended.reason_code in (None, "exited"):
        return Outcome("complete", exit_code=0)
    if ended.reason_code == "exited" and ended.exit_code is None:
        return Outcome("system_error", "lost", ended.reason)
    return Outcome("executor_error", *why(ended, memory_gb), ended.exit_code)


def why(ended: Exit, memory_gb: float) -> tuple[ReasonCode, str]:
    if ended.oom:
        return "out_of_memory", ended.reason or f"used more than its memory limit of {memory_gb:g} GB"
    if ended.reason_code:
        return ended.reason_code, ended.reason
    if ended.exit_code is None:
        return "exited", ended.reason or "nobody knows how it ended"
    return "exit_code", f"ended with exit code {ended.exit_code}"
