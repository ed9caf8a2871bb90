"""The permission table, read from `tests/api/permissions.toml`: who may pass which door.

A rule is a line of words: first what the caller must hold (`anyone`, a scope, or `runner` or `attempt` for
those tokens), then conditions:

owner     the thing is the caller's own; administrators pass too
shared    also those with whom it is shared
manager   managers of the group; administrators pass too
sharee    only those with whom it is shared
guest     only guests
session   a browser session, not a token
whole     a browser session, or a token with the scope admin
human     nobody who looks as somebody else, although it only reads
looking   also who looks as somebody else, although it changes something
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "api" / "permissions.toml"
SCOPES = ("read", "run", "publish", "admin")
CONDITIONS = frozenset(
    {"owner", "shared", "manager", "sharee", "guest", "session", "whole", "human", "looking"}
)
SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Role:
    """Somebody who asks, as far as permissions go."""

    name: str
    about: str
    scopes: tuple[str, ...] = ()
    #: proves to be somebody at all
    known: bool = True
    session: bool = True
    #: role of the account
    admin: bool = False
    #: what the table's things are to them
    owner: bool = False
    shared: bool = False
    guest: bool = False
    manager: bool = False
    looking: bool = False
    runner: bool = False


USER = ("read", "run", "publish")
ROLES = (
    Role("nobody", "no credential", known=False),
    Role("locked", "an account that was deactivated", known=False),
    Role("waiting", "an account that waits for approval", known=False),
    Role("expired", "an API token that has ended", known=False),
    Role("runner", "a runner's token", known=False, runner=True),
    Role("guest", "an anonymous guest", ("read", "run"), guest=True),
    Role("user", "somebody else", USER),
    Role("owner", "whose run, home, token, … it is", USER, owner=True),
    Role("shared", "with whom the run is shared", USER, shared=True),
    Role("member", "a member of the group", USER),
    Role("manager", "a manager of the group", USER, manager=True),
    Role("admin", "an administrator", SCOPES, admin=True),
    Role("read token", "the owner's token that reads", ("read",), session=False, owner=True),
    Role("write token", "the owner's token with read, run, publish", USER, session=False, owner=True),
    Role("admin's read token", "an administrator's token that reads", ("read",), session=False),
    Role("admin token", "an administrator's token with every scope", SCOPES, session=False, admin=True),
    Role("look", "an administrator who looks as the owner", ("read",), owner=True, looking=True),
)


@dataclass(frozen=True)
class Rule:
    method: str
    path: str
    needs: str
    conditions: frozenset[str]

    def allows(self, role: Role) -> bool:
        if self.needs == "anyone":
            return True
        if self.needs in {"runner", "attempt"}:
            return self.needs == "runner" and role.runner
        if not role.known or self.needs not in role.scopes:
            return False
        if role.looking and (self.method not in SAFE or "human" in self.conditions):
            return "looking" in self.conditions
        if "session" in self.conditions and not role.session:
            return False
        if "whole" in self.conditions and not (role.session or "admin" in role.scopes):
            return False
        if "guest" in self.conditions and not role.guest:
            return False
        if "sharee" in self.conditions:
            return role.shared
        if not self.is_about_things or role.admin:
            return True
        return any(word in self.conditions and getattr(role, word) for word in ("owner", "shared", "manager"))

    @property
    def is_about_things(self) -> bool:
        return bool(self.conditions & {"owner", "shared", "sharee", "manager"})


def rules() -> dict[str, Rule]:
    """By operation: `GET /api/v1/me`."""
    found: dict[str, Rule] = {}
    for table in tomllib.loads(TABLE.read_text()).values():
        for operation, line in table.items():
            method, _, path = operation.partition(" ")
            needs, *conditions = line.split()
            assert needs in {"anyone", "runner", "attempt", *SCOPES}, operation
            assert set(conditions) <= CONDITIONS, operation
            assert operation not in found, operation
            found[operation] = Rule(method, path, needs, frozenset(conditions))
    return found


def page() -> str:
    """The table for people, as Markdown."""
    parts = [
        "# Permissions\n",
        "Who may pass which door. Each cell is tried by a test (`tests/api/test_permissions.py`), and a door "
        "without a row fails it. What a person may not see answers 404, not 403, so that nobody learns what "
        "there is.\n",
        "## Roles\n",
        "| role | who |",
        "|---|---|",
        *(f"| {role.name} | {role.about} |" for role in ROLES),
        "\n## Doors\n",
        "| door | needs | pass |",
        "|---|---|---|",
    ]
    for operation, rule in sorted(rules().items(), key=lambda item: (item[1].path, item[1].method)):
        passing = [role.name for role in ROLES if rule.allows(role)]
        who = "everyone" if len(passing) == len(ROLES) else ", ".join(passing) or "the attempt's own token"
        words = " ".join((rule.needs, *sorted(rule.conditions)))
        parts.append(f"| `{operation}` | {words} | {who} |")
    return "\n".join(parts) + "\n"
