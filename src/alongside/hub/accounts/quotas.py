"""What an account holds of what it may hold: by limits of its own, else its class's, else everyone's."""

from __future__ import annotations

from dataclasses import dataclass

from alongside.config import AccountSettings
from alongside.errors import QuotaExceeded
from alongside.hub.store import account_classes
from alongside.hub.store import accounts as store
from alongside.hub.store.database import Tx
from alongside.spec.accounts import Account, Limits
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
    gpus: Share

    def refusals(self, wanted: Resources) -> list[str]:
        """Each limit in the way of one more run of this size."""
        asked = (
            (self.running, 1, "runs at once"),
            (self.cpus, wanted.cpus, "cores"),
            (self.memory_gb, wanted.memory_gb, "GB of memory"),
            (self.gpus, wanted.gpus, "GPUs"),
        )
        return [_text(share, more, what) for share, more, what in asked if more and not share.admits(more)]


def limits(tx: Tx, account: Account, settings: AccountSettings) -> Limits:
    """What holds for this account."""
    everyone = Limits(
        running=settings.running_max or None,
        cpus=settings.cpus_max or None,
        memory_gb=settings.memory_gb_max or None,
        gpus=settings.gpus_max if settings.gpus_max >= 0 else None,
        lifetime_s=settings.lifetime_max_s or None,
    )
    shared = account_classes.limits_of(tx, account.account_class)
    return account.limits.or_else(shared).or_else(everyone)


def usage(tx: Tx, account: Account, settings: AccountSettings) -> Quota:
    """What the account's active runs hold, waiting ones included, against its limits."""
    held, most = store.held(tx, account.id), limits(tx, account, settings)
    return Quota(
        running=Share(held.running, most.running),
        cpus=Share(held.cpus, most.cpus),
        memory_gb=Share(held.memory_gb, most.memory_gb),
        gpus=Share(held.gpus, most.gpus),
    )


def check_quota(tx: Tx, account: Account, wanted: Resources, settings: AccountSettings) -> None:
    """To be called in the transaction that adds the run.

    Raises:
        QuotaExceeded: naming each limit in the way, what is held and what was asked for.
    """
    quota = usage(tx, account, settings)
    refusals = quota.refusals(wanted)
    if refusals:
        raise QuotaExceeded(
            f"{'; '.join(refusals)}. Stop a run, or ask an administrator for more.",
            running={"used": quota.running.used, "limit": quota.running.limit},
            cpus={"used": quota.cpus.used, "limit": quota.cpus.limit},
            memory_gb={"used": quota.memory_gb.used, "limit": quota.memory_gb.limit},
            gpus={"used": quota.gpus.used, "limit": quota.gpus.limit},
        )


def _text(share: Share, wanted: float, what: str) -> str:
    limit = 0.0 if share.limit is None else share.limit
    return f"you may hold {limit:g} {what}, hold {share.used:g} and ask for {wanted:g} more"
