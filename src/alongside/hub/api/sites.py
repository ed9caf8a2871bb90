"""Doors for sites and for the tokens with which their runners register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import sites
from alongside.hub.api.guard import caller, door, given, hub
from alongside.hub.doors import Page, Paging, Tx
from alongside.spec.sites import Site

doors = APIBlueprint("sites", __name__, tag="Sites")

Title = Annotated[str, Field(max_length=200)]
Description = Annotated[str, Field(max_length=5000)]
Url = Annotated[str, Field(max_length=1000)]


@values.strict
@dataclass(frozen=True)
class NewSite:
    name: Annotated[str, Field(pattern=sites.NAME_PATTERN)]
    title: Title = ""
    description: Description = ""
    #: origin of a run, with {run} first in the host; left out: this hub's own edge
    edge_url: Url | None = None


@values.strict
@dataclass(frozen=True)
class SiteEdit:
    """Members that are left out stay as they are."""

    title: Title | None = None
    description: Description | None = None
    edge_url: Url | None = None
    enabled: bool | None = None


@values.strict
@dataclass(frozen=True)
class RegistrationTokenRequest:
    name: Annotated[str, Field(max_length=100)] = ""
    days: Annotated[float, Field(gt=0, le=3650)] = 7.0


@door(doors, "GET", "/sites", query=Paging, answers={200: Page[Site]})
def list_sites(tx: Tx, query: Paging) -> Page[Site]:
    """Sites that I may use, with their runners."""
    return query.page(sites.page(tx, query.after, query.fetch, caller()), lambda site: site.id)


@door(doors, "POST", "/sites", needs="admin", body=NewSite, answers={201: Site}, problems=(errors.NameTaken,))
def create_site(tx: Tx, body: NewSite) -> Site:
    """Make a site; its runners register with a token of its own."""
    return sites.create(
        tx,
        hub().clock(),
        name=body.name,
        edge_url=body.edge_url or hub().config.edge.url,
        title=body.title,
        description=body.description,
    )


@door(doors, "GET", "/sites/<name>", answers={200: Site}, problems=(errors.SiteUnknown,))
def get_site(tx: Tx, name: str) -> Site:
    """One site with its runners."""
    return sites.get(tx, name, caller())


@door(
    doors,
    "PATCH",
    "/sites/<name>",
    needs="admin",
    body=SiteEdit,
    answers={200: Site},
    problems=(errors.SiteUnknown,),
)
def edit_site(tx: Tx, name: str, body: SiteEdit) -> Site:
    """Change a site; one that is not enabled gets no new runs."""
    members = {member: value for member, value in given(body).items() if value is not None}
    return sites.edit(tx, name, members)


@door(
    doors,
    "DELETE",
    "/sites/<name>",
    needs="admin",
    answers={204: None},
    problems=(errors.SiteUnknown, errors.InUse),
)
def delete_site(tx: Tx, name: str) -> None:
    """Remove a site that has no runners, datasets or runs."""
    sites.remove(tx, name)


@door(
    doors,
    "GET",
    "/sites/<name>/registration-tokens",
    needs="admin",
    query=Paging,
    answers={200: Page[sites.RegistrationToken]},
    problems=(errors.SiteUnknown,),
)
def list_registration_tokens(tx: Tx, name: str, query: Paging) -> Page[sites.RegistrationToken]:
    """A site's registration tokens, without their secrets."""
    return query.page(sites.registration_tokens(tx, name, query.after, query.fetch), lambda token: token.id)


@door(
    doors,
    "POST",
    "/sites/<name>/registration-tokens",
    needs="admin",
    body=RegistrationTokenRequest,
    answers={201: sites.NewRegistrationToken},
    problems=(errors.SiteUnknown,),
    secret=True,
)
def create_registration_token(
    tx: Tx, name: str, body: RegistrationTokenRequest
) -> sites.NewRegistrationToken:
    """Make a token with which runners of this site register; its secret is shown this once."""
    return sites.create_registration_token(tx, name, body.name, body.days, hub().clock())


@door(
    doors,
    "DELETE",
    "/sites/<name>/registration-tokens/<id>",
    needs="admin",
    answers={204: None},
    problems=(errors.SiteUnknown,),
)
def revoke_registration_token(tx: Tx, name: str, id: str) -> None:
    """Revoke a registration token; runners that registered with it stay."""
    sites.revoke_registration_token(tx, name, id)
