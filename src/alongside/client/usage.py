"""What was used, budgets over it, classes, and banners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alongside.client.errors import CallFailed
from alongside.client.transport import Transport, loaded, segment
from alongside.spec.banners import Banner
from alongside.spec.classroom import ClassGroup, ClassPage, Outcome
from alongside.spec.usage import Budget, BudgetState, UsageRow


@dataclass(frozen=True)
class UsageTable:
    since: str
    until: str
    rows: tuple[UsageRow, ...]


@dataclass(frozen=True)
class ClassOutcome:
    done: int
    outcomes: tuple[Outcome, ...]


class Usage:
    def __init__(self, transport: Transport) -> None:
        self._hub = transport

    def table(self, by: str = "tool", **wish: Any) -> UsageTable:
        """`wish`: since, until, account, group, site, tool, limit."""
        return loaded(UsageTable, self._hub.get("/usage", by=by, **wish))

    def csv(self, by: str = "tool", **wish: Any) -> str:
        return self._hub.text("/usage.csv", by=by, **wish)

    def budgets(self) -> tuple[BudgetState, ...]:
        return tuple(loaded(BudgetState, item) for item in self._hub.get("/budgets"))

    def add_budget(self, scope: str, measure: str, amount: float, **more: Any) -> Budget:
        """`more`: subject, period, warn_at, stop."""
        given = {key: value for key, value in more.items() if value is not None}
        body = {"scope": scope, "measure": measure, "amount": amount, **given}
        return loaded(Budget, self._hub.post("/budgets", body))

    def edit_budget(self, id: str, **changes: Any) -> Budget:
        """`changes`: amount, warn_at, stop."""
        given = {key: value for key, value in changes.items() if value is not None}
        return loaded(Budget, self._hub.call("PATCH", f"/budgets/{segment(id)}", body=given))

    def remove_budget(self, id: str) -> None:
        self._hub.call("DELETE", f"/budgets/{segment(id)}")


class Classes:
    def __init__(self, transport: Transport) -> None:
        self._hub = transport

    def list(self) -> tuple[ClassGroup, ...]:
        """Groups that one manages."""
        return tuple(loaded(ClassGroup, item) for item in self._hub.get("/classes"))

    def show(self, group: str, tool: str | None = None) -> ClassPage:
        return loaded(ClassPage, self._hub.get(f"/groups/{self._id(group)}/class", tool=tool))

    def act(
        self, group: str, kind: str, *, accounts: Sequence[str] | None = None, **more: Any
    ) -> ClassOutcome:
        """stop, extend (seconds), retry, message (title, text); `more` also: tool."""
        given = {key: value for key, value in more.items() if value is not None}
        body = {"kind": kind, "accounts": None if accounts is None else [*accounts], **given}
        return loaded(ClassOutcome, self._hub.post(f"/groups/{self._id(group)}/class", body))

    def _id(self, name: str) -> str:
        """The id of a group that is named by its id or its name."""
        found = [group.id for group in self.list() if name in (group.id, group.name)]
        if not found:
            raise CallFailed(f"you manage no group {name!r}", hint="`alongside class` lists them")
        return segment(found[0])


class Banners:
    def __init__(self, transport: Transport) -> None:
        self._hub = transport

    def shown(self) -> tuple[Banner, ...]:
        return tuple(loaded(Banner, item) for item in self._hub.get("/banners"))

    def all(self) -> tuple[Banner, ...]:
        """Also those to come. For administrators."""
        return tuple(loaded(Banner, item) for item in self._hub.get("/banners/all"))

    def add(self, text: str, **more: Any) -> Banner:
        """`more`: level, site, starts_at, ends_at, no_launch_from, tell."""
        given = {key: value for key, value in more.items() if value is not None}
        return loaded(Banner, self._hub.post("/banners", {"text": text, **given}))

    def remove(self, id: str) -> None:
        self._hub.call("DELETE", f"/banners/{segment(id)}")
