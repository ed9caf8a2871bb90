"""Doors for sign-in by OpenID Connect: off to the provider, and back with a code.

They are here and not at the hub because they call out. What must survive the way to the provider and back
(state, nonce, PKCE verifier, where to go on) is in a signed cookie of ten minutes, not in the store.
"""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from datetime import datetime
from urllib.parse import urlencode

import structlog
from aiohttp import web

from alongside.errors import AccountWaiting, NotFound, Problem, RegistrationClosed, Unauthenticated
from alongside.hub import accounts
from alongside.hub.accounts import NewSession
from alongside.hub.doors import Hub
from alongside.hub.live import desk as live
from alongside.hub.live.provider import Provider
from alongside.spec.accounts import Account

CALLBACK = "/live/v1/oidc/callback"
COOKIE = "alongside_oidc"
WAY_S = 600
NEXT_MAX = 2000
PROVIDER: web.AppKey[Provider] = web.AppKey("provider", Provider)

log = structlog.get_logger("alongside.dispatcher")


@dataclass(frozen=True)
class Way:
    """One sign-in on its way."""

    state: str
    nonce: str
    verifier: str
    next: str
    #: seconds since 1970
    until: int


def install(app: web.Application, hub: Hub) -> None:
    app[PROVIDER] = Provider(hub.config.oidc, hub.config.hub.url.rstrip("/") + CALLBACK)
    app.add_routes(ROUTES)


async def start(request: web.Request) -> web.Response:
    """Off to the provider."""
    hub = live.desk(request).hub
    _switched_on(hub)
    wanted = request.query.get("next", "/")
    way = Way(
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        next=wanted if _is_ours(wanted) else "/",
        until=int(hub.clock().timestamp()) + WAY_S,
    )
    response = _on_to(await request.app[PROVIDER].authorization_url(way.state, way.nonce, way.verifier))
    response.set_cookie(
        _cookie(hub),
        _sealed(way, hub),
        max_age=WAY_S,
        httponly=True,
        secure=hub.https,
        samesite="Lax",
        path="/",
    )
    return response


async def callback(request: web.Request) -> web.Response:
    """Back from the provider: sets the session's cookies, or says on the sign-in page why not."""
    desk, now = live.desk(request), live.desk(request).hub.clock()
    hub = desk.hub
    _switched_on(hub)
    way = _opened(request.cookies.get(_cookie(hub), ""), hub, now)
    try:
        if way is None or not hmac.compare_digest(
            request.query.get("state", "").encode(errors="replace"), way.state.encode()
        ):
            raise Unauthenticated("This sign-in was not begun in this browser, or took too long.")
        if not (code := request.query.get("code", "")):
            raise Unauthenticated("The provider did not sign you in.")
        who = await request.app[PROVIDER].who(code[:NEXT_MAX], way.nonce, way.verifier, now)
        # Whoever waits for an approval has to be in the store before they are told so.
        account = await desk.write(lambda tx: accounts.outside.enter(tx, who, hub.config, now))
        accounts.admission.admitted(account, hub.config, now)
        session = await desk.write(
            lambda tx: accounts.open_session(tx, account, hub.config.hub.session_days, now)
        )
    except Problem as problem:
        log.info("oidc.refused", code=problem.code, reason=problem.detail)
        response = _on_to(f"/sign-in?{urlencode({'refused': _refusal(problem)})}")
    else:
        response = _on_to(way.next)
        _let_in(response, hub, account, session, now)
    response.del_cookie(_cookie(hub), path="/", secure=hub.https, httponly=True, samesite="Lax")
    return response


ROUTES = (
    web.get("/live/v1/oidc/start", start),
    web.get(CALLBACK, callback),
)


def _let_in(response: web.Response, hub: Hub, account: Account, session: NewSession, now: datetime) -> None:
    lasts = int((session.expires_at - now).total_seconds())
    for name, value, hidden in (
        (hub.session_cookie, session.secret, True),
        (hub.csrf_cookie, session.csrf, False),
    ):
        response.set_cookie(
            name, value, max_age=lasts, httponly=hidden, secure=hub.https, samesite="Lax", path="/"
        )
    log.info("oidc.entered", account=account.name)


def _refusal(problem: Problem) -> str:
    """A word that the sign-in page knows."""
    if isinstance(problem, AccountWaiting):
        return str(problem.extra.get("standing", "waiting"))
    return "closed" if isinstance(problem, RegistrationClosed) else "provider"


def _switched_on(hub: Hub) -> None:
    if "oidc" not in hub.config.accounts.sign_in:
        raise NotFound("nobody signs in by OpenID Connect here (accounts.sign_in)")


def _is_ours(path: str) -> bool:
    """A path of this hub: `//host` and `/\\host` are other hosts to a browser."""
    return (
        path.startswith("/") and path[1:2] not in {"/", "\\"} and path.isprintable() and len(path) <= NEXT_MAX
    )


def _cookie(hub: Hub) -> str:
    return f"__Host-{COOKIE}" if hub.https else COOKIE


def _sealed(way: Way, hub: Hub) -> str:
    body = urlsafe_b64encode(json.dumps(asdict(way)).encode()).decode()
    return f"{body}.{_mac(body, hub)}"


def _opened(text: str, hub: Hub, now: datetime) -> Way | None:
    body, _, mac = text.rpartition(".")
    if not hmac.compare_digest(mac.encode(errors="replace"), _mac(body, hub).encode()):
        return None
    way = Way(**json.loads(urlsafe_b64decode(body)))
    return way if way.until > now.timestamp() else None


def _mac(body: str, hub: Hub) -> str:
    return urlsafe_b64encode(hub.keyring.mac(b"oidc\0" + body.encode(errors="replace"))).decode()


def _on_to(address: str) -> web.Response:
    headers = {"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(status=303, headers=headers)
