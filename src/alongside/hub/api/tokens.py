"""Doors for one's own API tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import accounts
from alongside.hub.api.guard import caller, door, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.accounts import Scope, Token

doors = APIBlueprint("tokens", __name__, tag="API tokens")


@values.strict
@dataclass(frozen=True)
class TokenRequest:
    name: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=4)]
    #: null: the longest that this hub allows
    days: Annotated[int | None, Field(ge=1, le=36500)] = None


@door(doors, "GET", "/tokens", query=Paging, answers={200: Page[Token]})
def list_tokens(tx: Tx, query: Paging) -> Page[Token]:
    """My API tokens, without their secrets."""
    return query.page(
        accounts.list_tokens(tx, caller().account.id, query.after, query.fetch), lambda token: token.id
    )


@door(doors, "POST", "/tokens", body=TokenRequest, answers={201: accounts.NewToken}, secret=True)
def create_token(tx: Tx, body: TokenRequest) -> accounts.NewToken:
    """Make an API token; its secret is shown this once."""
    if caller().via == "token" and "admin" not in caller().scopes:
        raise errors.Forbidden("Sign in with a browser session to make tokens.")
    days = min(body.days or hub().config.accounts.token_days, hub().config.accounts.token_days)
    return accounts.create_token(tx, caller(), body.name, body.scopes, days, hub().clock())


@door(doors, "DELETE", "/tokens/<id>", answers={204: None}, problems=(errors.TokenUnknown,))
def revoke_token(tx: Tx, id: str) -> None:
    """Revoke a token; what uses it is refused from now on."""
    accounts.revoke_token(tx, caller().account.id, id)
