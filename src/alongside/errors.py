"""Every error that may reach a user, as one tree.

    Problem
    ├── Invalid                    the request is malformed; carries every fault at once
    ├── Unauthenticated            nobody is signed in
    ├── Forbidden                  signed in, but not allowed
    │   ├── CsrfFailed
    │   ├── RegistrationClosed, AccountWaiting
    │   └── ReadOnlyLook           an administrator looks as somebody else
    ├── NotFound
    │   ├── AccountUnknown, GroupUnknown, TagUnknown, TokenUnknown, InvitationUnknown
    │   ├── AccountClassUnknown, ResourceClassUnknown
    │   ├── SiteUnknown, RunnerUnknown
    │   ├── DatasetUnknown, IdentifierUnknown, LocationUnknown
    │   ├── ToolUnknown, ToolVersionUnknown
    │   ├── WebhookUnknown, BannerUnknown, BudgetUnknown
    │   ├── ShareUnknown
    │   └── RunUnknown, ActionUnknown, ArtifactUnknown, LogUnknown
    ├── Conflict                   true of the world, not of the request
    │   ├── NameTaken, IdentifierTaken, VersionPublished
    │   ├── EditConflict           If-Match no longer matches
    │   ├── StateConflict          the run is not in a state that allows this
    │   ├── UnderMaintenance       nothing new is launched now
    │   ├── InUse                  something else still needs it
    │   ├── EpochStale, LeaseLost  a runner speaks for a past that is over
    │   └── IdempotencyMismatch
    ├── QuotaExceeded
    │   └── BudgetSpent
    ├── Unplaceable                no site can ever serve this
    ├── PreconditionRequired
    ├── TooLarge
    ├── RateLimited
    ├── Unavailable                a part of the installation does not answer
    ├── BadRequest, MethodNotAllowed, MediaTypeUnsupported    what HTTP itself refuses
    ├── InternalError              a fault of ours; the log says more
    └── Misconfigured              an installation cannot start; says which setting

The class name is what happened, its docstring the default sentence, its snake-case name the
stable `code`. The mapping to HTTP is in `hub/doors.py` and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a request: `field` is a path like `components[1].image`."""

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason


class Problem(Exception):
    """Something went wrong."""

    def __init__(self, detail: str | None = None, **extra: object) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        #: further members of the problem document, all JSON-serialisable
        self.extra = extra
        super().__init__(self.detail)

    @property
    def code(self) -> str:
        """Stable snake-case name, for programs."""
        return code_of(type(self))

    @property
    def title(self) -> str:
        return (type(self).__doc__ or "").strip().splitlines()[0]


def code_of(kind: type[Problem]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


class Invalid(Problem):
    """The request is not valid."""

    def __init__(self, faults: Sequence[Fault], detail: str | None = None) -> None:
        self.faults = tuple(faults)
        super().__init__(
            detail or "; ".join(str(fault) for fault in self.faults),
            faults=[{"field": fault.field, "reason": fault.reason} for fault in self.faults],
        )


class Unauthenticated(Problem):
    """Sign in first."""


class Forbidden(Problem):
    """You may not do this."""


class CsrfFailed(Forbidden):
    """The request did not carry this session's CSRF token."""


class RegistrationClosed(Forbidden):
    """Nobody registers here in this way."""


class AccountWaiting(Forbidden):
    """Your registration waits for an administrator, or for you to confirm your address."""


class ReadOnlyLook(Forbidden):
    """You look as somebody else; nothing is changed so. End the look first."""


class NotFound(Problem):
    """There is nothing here."""


class AccountUnknown(NotFound):
    """No account has this id."""


class InvitationUnknown(NotFound):
    """No invitation has this id."""


class GroupUnknown(NotFound):
    """No group has this id."""


class TagUnknown(NotFound):
    """No access tag has this id."""


class TokenUnknown(NotFound):
    """No token has this id."""


class AccountClassUnknown(NotFound):
    """No class of accounts has this name."""


class ResourceClassUnknown(NotFound):
    """The site has no resource class of this name."""


class SiteUnknown(NotFound):
    """No site has this name."""


class RunnerUnknown(NotFound):
    """No runner has this id."""


class DatasetUnknown(NotFound):
    """No dataset has this id."""


class IdentifierUnknown(NotFound):
    """No dataset is registered under this identifier."""


class LocationUnknown(NotFound):
    """The dataset has no such location."""


class ToolUnknown(NotFound):
    """No tool has this name."""


class ToolVersionUnknown(NotFound):
    """The tool has no such version."""


class RunUnknown(NotFound):
    """No run has this id."""


class ActionUnknown(NotFound):
    """No action has this id."""


class ArtifactUnknown(NotFound):
    """The run has no such artifact."""


class LogUnknown(NotFound):
    """The run has no such log."""


class HomeUnknown(NotFound):
    """No home has this id, or it is somebody else's."""


class SnapshotUnknown(NotFound):
    """The home has no such snapshot."""


class ShareUnknown(NotFound):
    """There is no such share, or it has ended."""


class WebhookUnknown(NotFound):
    """You have no webhook with this id."""


class BannerUnknown(NotFound):
    """No banner has this id."""


class BudgetUnknown(NotFound):
    """No budget has this id."""


class Conflict(Problem):
    """The request does not fit the present state."""


class NameTaken(Conflict):
    """The name is already in use."""


class IdentifierTaken(Conflict):
    """The identifier already belongs to another dataset."""


class VersionPublished(Conflict):
    """This version is already published with other contents."""


class EditConflict(Conflict):
    """Someone changed this since you read it."""


class StateConflict(Conflict):
    """The run is not in a state that allows this."""


class UnderMaintenance(Conflict):
    """Nothing new is launched: maintenance is near."""


class InUse(Conflict):
    """Something else still needs this."""


class EpochStale(Conflict):
    """A newer session of this runner exists."""


class LeaseLost(Conflict):
    """This attempt is no longer the latest one."""


class IdempotencyMismatch(Conflict):
    """The Idempotency-Key was used before with another request."""


class QuotaExceeded(Problem):
    """Your quota does not allow this."""


class BudgetSpent(QuotaExceeded):
    """A budget is used up."""


class Unplaceable(Problem):
    """No site can serve this request."""


class PreconditionRequired(Problem):
    """Send If-Match with the version you read."""


class TooLarge(Problem):
    """The request is larger than allowed."""


class RateLimited(Problem):
    """Too many requests; try again later."""


class Unavailable(Problem):
    """A part of this installation does not answer."""


class BadRequest(Problem):
    """The request cannot be understood."""


class MethodNotAllowed(Problem):
    """This address does not take that method."""


class MediaTypeUnsupported(Problem):
    """The request's Content-Type is not one that this address reads."""


class InternalError(Problem):
    """Something went wrong inside Alongside; its log says more."""


class Misconfigured(Problem):
    """The configuration does not allow this process to start."""
