"""What an account holds of what it may hold."""

from __future__ import annotations

from dataclasses import dataclass

from alongside.config import AccountSettings
from alongside.errors import QuotaExceeded
from alongside.hub.store import accounts as store
from alongside.hub.store.database import Tx
from alongside.spec.accounts import Account
from alongside.spec.tools import Resources


@dataclass(frozen=True)
class Share:
    used: float
    #: null: no limit
    limit: float | None

    def admits(self, more: float) -> bool:
        # sums of decimal fractions: 0.1 + 0.2 must fit into 0.3
        return self.limit is None or self.used + more <= self.limit + 1e-9


@dataclass(frozen=True)
class Quota:
    running: Share
    cpus: Share
    memory_gb: Share


def usage(tx: Tx, account: Account, settings: AccountSettings) -> Quota:
    """What the account's active runs hold, waiting ones included, against its limits."""
    held, limits = store.held(tx, account.id), account.limits
    return Quota(
        running=Share(held.running, _limit(limits.running, settings.running_max)),
        cpus=Share(held.cpus, _limit(limits.cpus, settings.cpus_max)),
        memory_gb=Share(held.memory_gb, _limit(limits.memory_gb, settings.memory_gb_max)),
    )


def check_quota(tx: Tx, account: Account, wanted: Resources, settings: AccountSettings) -> None:
    """To be called in the transaction that adds the run.

    Raises:
        QuotaExceeded: naming each limit in the way, what is held and what was asked for.
    """
    quota = usage(tx, account, settings)
    refusals = [
        text
        for fits, text in (
            (quota.running.admits(1), _text(quota.running, 1, "runs at once")),
            (quota.cpus.admits(wanted.cpus), _text(quota.cpus, wanted.cpus, "cores")),
            (
                quota.memory_gb.admits(wanted.memory_gb),
                _text(quota.memory_gb, wanted.memory_gb, "GB of memory"),
            ),
        )
        if not fits
    ]
    if refusals:
        raise QuotaExceeded(
            f"{'; '.join(refusals)}. Stop a run, or ask an administrator for more.",
            running={"used": quota.running.used, "limit": quota.running.limit},
            cpus={"used": quota.cpus.used, "limit": quota.cpus.limit},
            memory_gb={"used": quota.memory_gb.used, "limit": quota.memory_gb.limit},
        )


def _limit(own: float | None, default: float) -> float | None:
    if own is not None:
        return own
    return default or None


def _text(share: Share, wanted: float, what: str) -> str:
    limit = 0.0 if share.limit is None else share.limit
    return f"you may hold {limit:g} {what}, hold {share.used:g} and ask for {wanted:g} more"
