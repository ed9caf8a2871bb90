"""Doors on a run's own origin below /.alongside/, and the answer to everybody without a key.

Whatever reaches this app was not let through to a tool. The host name says which run is meant.
"""

from __future__ import annotations

import time
from urllib.parse import quote

from aiohttp import web

from alongside.edge.origin import Origins
from alongside.edge.replies import instant, page, problem, problems, status_of
from alongside.edge.routes import Routes
from alongside.edge.shells import Shells
from alongside.edge.tickets import Ticket, Trust, UsedTickets
from alongside.errors import Fault, Forbidden, Invalid, Problem, RunUnknown, StateConflict, Unauthenticated

TICKET_PATH = "/.alongside/ticket"
BODY_MAX_BYTES = 16_384


class Gate:
    """Redeems tickets for secrets."""

    def __init__(
        self, routes: Routes, trust: Trust, used: UsedTickets, origins: Origins, shells: Shells
    ) -> None:
        self._routes = routes
        self._trust = trust
        self._used = used
        self._origins = origins
        self._shells = shells

    def app(self) -> web.Application:
        app = web.Application(middlewares=[problems], client_max_size=BODY_MAX_BYTES)
        app.router.add_get(TICKET_PATH, self.redeem_in_browser, allow_head=False)
        app.router.add_post(TICKET_PATH, self.redeem_in_program)
        app.router.add_routes([self._shells.route()])
        app.router.add_route("*", "/{path:.*}", self.refuse)
        return app

    async def redeem_in_browser(self, request: web.Request) -> web.StreamResponse:
        """A ticket in the address becomes a cookie, and the address becomes the tool's."""
        run = _run_of(request)
        held = self.held(request)
        try:
            ticket = self._ticket(request.query.get("t", ""), run)
            route = self._routes.check(ticket)
            there = own_path(request.query.get("next", "")) or own_path(route.open_path) or "/"
            secret, _ = await self._redeem(ticket)
        except Unauthenticated as error:
            if held:  # the address of a used ticket, loaded again
                there = own_path(request.query.get("next", "")) or "/"
                return _see_other(there)
            return closed(self._origins, run, error, "text/html", "")
        except Problem as error:
            return closed(self._origins, run, error, "text/html", "")
        answer = _see_other(there)
        answer.set_cookie(
            self._origins.cookie,
            secret,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self._origins.secure,
        )
        return answer

    async def redeem_in_program(self, request: web.Request) -> web.StreamResponse:
        """`{t}` → `{secret, expires_at}`; the secret is then sent as `Authorization: Bearer`."""
        try:
            body = await request.json()
            text = str(body["t"])
        except (ValueError, KeyError, TypeError):
            raise Invalid([Fault("t", "send a JSON object with the ticket")]) from None
        ticket = self._ticket(text, _run_of(request))
        self._routes.check(ticket)
        secret, expires_at = await self._redeem(ticket)
        answer = {"secret": secret, "expires_at": instant(expires_at)}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        """No key, or the key of a run that is stopped: say where to get in."""
        run = _run_of(request)
        if self.held(request):
            error: Problem = StateConflict("The run is stopped, or just starting.")
        else:
            error = Unauthenticated("This address opens only for people to whom the run was given.")
        return closed(self._origins, run, error, request.headers.get("Accept", ""), request.path_qs)

    def held(self, request: web.Request) -> bool:
        """Whether the request carries a secret that opens this run when it runs."""
        secret = request.cookies.get(self._origins.cookie, "")
        _, _, bearer = request.headers.get("Authorization", "").partition(" ")
        run = _run_of(request)
        return any(text and self._routes.holder(run, text) for text in (secret, bearer.strip()))

    def _ticket(self, text: str, run: str) -> Ticket:
        ticket = self._trust.ticket(text, time.time())
        if ticket.run != run:
            raise Unauthenticated("the ticket is for another run")
        return ticket

    async def _redeem(self, ticket: Ticket) -> tuple[str, float]:
        now = time.time()
        self._used.claim(ticket, now)
        return await self._routes.grant(ticket, now)


def closed(origins: Origins, run: str, error: Problem, accept: str, path: str) -> web.Response:
    """The answer to somebody who is not let in, as a page for people and a document for programs."""
    if "text/html" not in accept:
        return problem(error)
    link = origins.open_link(run)
    if path not in ("", "/") and not path.startswith("/.alongside/"):
        link += f"?path={quote(path, safe='')}"
    title, link_text = next(
        (words for kind, words in _WORDS if isinstance(error, kind)), (error.title, "Look at the run")
    )
    return page(status_of(error), title, error.detail, link, link_text)


_WORDS: tuple[tuple[type[Problem], tuple[str, str]], ...] = (
    (StateConflict, ("Not running", "Look at the run")),
    (RunUnknown, ("Not running", "Look at the run")),
    (Forbidden, ("Not shared", "Look at the run")),
    (Unauthenticated, ("This door is closed", "Open it from Alongside")),
)


def own_path(text: str) -> str:
    """The path if it stays on this origin (`//host`, `/\\host` and schemes do not), else nothing."""
    safe = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if safe and "\\" not in text.partition("?")[0] else ""


def _run_of(request: web.Request) -> str:
    return request.host.partition(".")[0].lower()


def _see_other(path: str) -> web.Response:
    location = quote(path, safe="/?#[]@!$&'()*+,;=%:~-._")
    return web.Response(
        status=303,
        headers={"Location": location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )
