"""Doors for leaving: what the hub knows about me, and the end of my account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from alongside import errors, values
from alongside.hub import accounts, departures
from alongside.hub.api.guard import Answer, caller, door, hub
from alongside.hub.doors import Media, Tx

doors = APIBlueprint("departures", __name__, tag="Sign-in and own account")


@values.strict
@dataclass(frozen=True)
class Farewell:
    #: the name of the account that is to end
    confirm: Annotated[str, Field(max_length=63)]
    #: needed where one is set
    password: Annotated[str, Field(max_length=1024)] = ""


@door(
    doors,
    "GET",
    "/me/export",
    answers={200: Media("application/zip", {"type": "string", "format": "binary"})},
)
def export_me(tx: Tx) -> Answer:
    """Everything that the hub knows about me, as a zip archive of JSON files."""
    if caller().looker is not None:
        raise errors.ReadOnlyLook
    account = caller().account
    headers = {"Content-Disposition": f'attachment; filename="alongside-{account.name}.zip"'}
    return Answer(departures.export(tx, account, hub().clock()), headers=headers)


@door(
    doors,
    "POST",
    "/me/leave",
    body=Farewell,
    answers={204: None},
    problems=(errors.InUse,),
    tx="none",
)
def leave(body: Farewell) -> Response:
    """Delete my account for good, with my runs; datasets that I registered stay, owned by nobody."""
    here, account = hub(), caller().account
    if caller().via != "session":
        raise errors.Forbidden("Sign in with a browser session to delete your account.")
    faults: list[errors.Fault] = []
    if body.confirm != account.name:
        faults.append(errors.Fault("confirm", "must be the name of your account"))
    with here.database.read() as tx:
        _, stored = accounts.password_of(tx, account.name)
    if stored is not None and not here.passwords.matches(stored, body.password):
        faults.append(errors.Fault("password", "is not your password"))
    if faults:
        raise errors.Invalid(faults)
    with here.database.write() as tx:
        departures.leave(tx, accounts.get(tx, account.id), here.clock())
    response = Response(status=204)
    for name in (here.session_cookie, here.csrf_cookie):
        response.delete_cookie(name, secure=here.https, samesite="Lax")
    return response
