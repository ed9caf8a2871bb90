"""What a call can end in: the hub's problem documents as exceptions, each with what to do about it."""

from __future__ import annotations

from typing import Any

from alongside.errors import Fault

#: code of a problem → what its reader can do
HINTS: dict[str, str] = {
    "unauthenticated": "sign in: alongside login; or, with a one-time sign-in link, alongside login LINK",
    "forbidden": "ask an administrator for the role, access tag or token scope that this needs",
    "identifier_unknown": "see what is known: alongside datasets list; add it: alongside datasets register",
    "dataset_unknown": "see the datasets you may use: alongside datasets list",
    "tool_unknown": "see the tools you may use: alongside tools list",
    "tool_version_unknown": "see the tool's versions: alongside tools show NAME",
    "account_unknown": "see the accounts: alongside admin accounts list",
    "group_unknown": "see the groups: alongside admin groups list",
    "tag_unknown": "see the access tags: alongside admin tags list",
    "runner_unknown": "see the runners: alongside admin runners list",
    "run_unknown": "see your runs: alongside runs list",
    "site_unknown": "see the sites: alongside admin sites list",
    "artifact_unknown": "see what the run produced: alongside runs artifacts RUN",
    "state_conflict": "see the run's state: alongside runs show RUN",
    "quota_exceeded": "stop a run you no longer need: alongside runs list, alongside stop RUN",
    "unplaceable": "ask for less, choose another tool or dataset, or see: alongside admin runners list",
    "edit_conflict": "read it again and repeat the change",
    "version_published": "give the tool a new version",
    "rate_limited": "wait a little and try again",
    "unavailable": "see which part does not answer: alongside doctor",
    "csrf_failed": "sign in again: alongside login",
    "name_taken": "choose another name",
    "too_large": "the limit is the setting hub.body_max_bytes",
}


class CallFailed(Exception):
    """A call did not do what was asked; `hint` says what to do."""

    #: like the hub's: stable, for programs
    code = "failed"

    def __init__(self, detail: str, *, hint: str = "") -> None:
        self.detail = detail
        self.hint = hint
        super().__init__(detail)


class Unreachable(CallFailed):
    """Nothing answers at the hub's address, or what answers is not a hub."""

    code = "unreachable"


class TimedOut(CallFailed):
    """What was waited for did not happen in time; it may still happen."""

    code = "timed_out"


class RunFailed(CallFailed):
    """A run that was waited for ended without success."""

    code = "run_failed"

    def __init__(self, detail: str, run: str, *, hint: str = "") -> None:
        self.run = run
        super().__init__(detail, hint=hint or f"read its log: alongside logs {run}")


class SavingFailed(CallFailed):
    """A folder could not be saved as a dataset; nothing of it was kept."""

    code = "saving_failed"


class PullFailed(CallFailed):
    """An image could not be fetched at a site."""

    code = "pull_failed"


class Damaged(CallFailed):
    """Downloaded bytes are not those that the run produced."""

    code = "damaged"


class Refused(CallFailed):
    """The hub answered with a problem document (RFC 9457)."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code") or f"http_{status}")
        self.title = str(problem.get("title") or "")
        #: every fault of a malformed request, by field
        self.faults = tuple(
            Fault(str(fault.get("field", "")), str(fault.get("reason", "")))
            for fault in problem.get("faults") or ()
        )
        #: the whole document, with members that only this kind of problem has
        self.problem = problem
        detail = str(problem.get("detail") or self.title or f"the hub answered {status}")
        super().__init__(detail, hint=HINTS.get(self.code, ""))
