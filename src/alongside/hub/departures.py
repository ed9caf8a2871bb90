"""Leaving for good: everything the hub knows about somebody as an archive, and their account's end.

The account's name, address and ways in go at once; its runs are deleted by the dispatcher, some at a time.
Datasets that it registered stay, owned by nobody. What its runs used stays in the figures, without a name.
"""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from typing import Any

import structlog

from alongside import values
from alongside.config import Config
from alongside.errors import Problem
from alongside.hub import accounts, homes, runs
from alongside.hub.store import accounts as accounts_store
from alongside.hub.store import admission as links_store
from alongside.hub.store import changes
from alongside.hub.store import runs as runs_store
from alongside.hub.store.database import Tx
from alongside.spec.accounts import ROLE_SCOPES, Account, Caller

log = structlog.get_logger("alongside.dispatcher")

#: a deletion changes about five rows, and a transaction at most 500
RUNS_AT_ONCE = 50
#: guests whose time is over, per look
GUESTS_AT_ONCE = 20
EXPORTED_MAX = 10_000
ABOUT = """\
What Alongside knows about the account {name}, as of {now}.

account.json   the account, its groups, tags, outside identities and API tokens (without their secrets)
runs.json      its runs, newest first
datasets.json  datasets that it registered
audit.json     what administrators did to it

The files of its homes are not in here: fetch them on the page Files, or by WebDAV.
"""


def export(tx: Tx, account: Account, now: datetime) -> bytes:
    """A zip archive of everything that the hub knows about an account."""
    told: dict[str, Any] = {
        "account.json": {
            "account": values.dump(account),
            "groups": accounts_store.group_names(tx, account.id),
            "tags": sorted(accounts_store.tag_names(tx, account.id)),
            "outside_identities": [
                {"issuer": issuer, "subject": subject}
                for issuer, subject in links_store.identities_of(tx, account.id)
            ],
            "tokens": [
                values.dump(token) for token in accounts.list_tokens(tx, account.id, None, EXPORTED_MAX)
            ],
        },
        "runs.json": [
            values.dump(run) for run in runs_store.listing(tx, account=account.id, limit=EXPORTED_MAX)
        ],
        "datasets.json": accounts_store.datasets_by(tx, account.id, EXPORTED_MAX),
        "audit.json": [
            values.dump(entry)
            for entry in accounts.auditing.entries(tx, None, EXPORTED_MAX, thing=account.name)
        ],
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("README.txt", ABOUT.format(name=account.name, now=f"{now:%Y-%m-%d %H:%M} UTC"))
        for name, content in told.items():
            zipped.writestr(name, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return archive.getvalue()


def leave(tx: Tx, account: Account, now: datetime) -> None:
    """End an account for good; its runs follow.

    Raises:
        InUse: it is the last administrator.
    """
    name = account.name
    accounts.bury(tx, account, now)
    accounts.auditing.note(tx, now, name, "expire" if account.guest else "leave", name)
    changes.note(tx, "departure", account.id)


def clear(tx: Tx, account_id: str, now: datetime, config: Config) -> None:
    """Delete some of the runs of who left; a change is noted while there are more."""
    account = accounts.get(tx, account_id)
    gone = Caller(account, ROLE_SCOPES[account.role], "session", "departure")
    found = runs_store.listing(tx, account=account_id, limit=RUNS_AT_ONCE)
    deleted = 0
    for run in found:
        try:
            with tx.begin_nested():
                runs.act(tx, gone, run.id, "delete", {}, now, config=config)
            deleted += 1
        except Problem as problem:
            log.warning("departure.run_stays", run=run.id, reason=str(problem))
    if deleted and len(found) == RUNS_AT_ONCE:
        changes.note(tx, "departure", account_id)
    else:
        homes.leave(tx, account_id, now)


def end_guests(tx: Tx, now: datetime) -> None:
    """Let guests go whose time is over."""
    for account in accounts.guests.overdue(tx, now, GUESTS_AT_ONCE):
        leave(tx, account, now)
