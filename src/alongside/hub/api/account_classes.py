"""Doors for account classes: the limits that their members share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import accounts
from alongside.hub.api.accounts import WantedLimits
from alongside.hub.api.guard import door
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.accounts import AccountClass

doors = APIBlueprint("account_classes", __name__, tag="Accounts")


@values.strict
@dataclass(frozen=True)
class WantedAccountClass:
    title: Annotated[str, Field(max_length=200)] = ""
    limits: WantedLimits = field(default_factory=WantedLimits)


@door(doors, "GET", "/account-classes", needs="admin", query=Paging, answers={200: Page[AccountClass]})
def list_account_classes(tx: Tx, query: Paging) -> Page[AccountClass]:
    """Classes of accounts, by name."""
    found = accounts.account_classes(tx, query.after, query.fetch)
    return query.page(found, lambda item: item.name)


@door(
    doors,
    "PUT",
    "/account-classes/<name>",
    needs="admin",
    body=WantedAccountClass,
    answers={200: AccountClass},
)
def put_account_class(tx: Tx, name: str, body: WantedAccountClass) -> AccountClass:
    """Make a class of accounts, or change its limits; what runs keeps what it was given."""
    return accounts.put_account_class(tx, name, body.title, body.limits.limits())


@door(
    doors,
    "DELETE",
    "/account-classes/<name>",
    needs="admin",
    answers={204: None},
    problems=(errors.AccountClassUnknown, errors.InUse),
)
def delete_account_class(tx: Tx, name: str) -> None:
    """Remove a class that no account is in."""
    accounts.remove_account_class(tx, name)
