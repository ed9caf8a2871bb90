"""The client of an OpenID Connect provider: where it is, its keys, and what its id tokens say.

Everything that an id token claims is checked (OpenID Connect Core 3.1.3.7); what the provider says about
itself and its keys is remembered for an hour.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from alongside.config import OidcSettings
from alongside.errors import Unauthenticated, Unavailable
from alongside.hub.accounts.outside import Outsider

KEPT_S = 3600.0
#: keys are asked for again at most so often, whatever key an id token names
KEYS_AGAIN_S = 30.0
TIMEOUT_S = 10.0
ANSWER_MAX = 1 << 20
LEEWAY_S = 60
#: signatures that only the provider can make
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"]


@dataclass(frozen=True)
class Endpoints:
    authorization: str
    token: str
    keys: str
    #: empty: none
    userinfo: str
    #: the secret goes into the form instead of the header
    secret_in_form: bool


class Provider:
    """One provider. All its methods are called from one event loop."""

    def __init__(self, settings: OidcSettings, redirect_uri: str) -> None:
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._endpoints: Endpoints | None = None
        self._keys: KeySet | None = None
        self._learned = self._keys_learned = float("-inf")

    async def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where a person's browser goes to sign in.

        Raises:
            Unavailable: the provider does not answer.
        """
        endpoints = await self._known()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._settings.client_id,
                "redirect_uri": self._redirect_uri,
                "scope": " ".join(self._settings.scopes),
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        return f"{endpoints.authorization}{'&' if '?' in endpoints.authorization else '?'}{query}"

    async def who(self, code: str, nonce: str, verifier: str, now: datetime) -> Outsider:
        """Whom the provider vouches for.

        Raises:
            Unauthenticated: the code or the id token will not do.
            Unavailable: the provider does not answer.
        """
        endpoints = await self._known()
        answer = await self._exchange(endpoints, code, verifier)
        claims = await self._claims(endpoints, str(answer.get("id_token", "")), nonce, now)
        if "email" not in claims and endpoints.userinfo and isinstance(answer.get("access_token"), str):
            more = await self._ask(
                "GET", endpoints.userinfo, headers={"Authorization": f"Bearer {answer['access_token']}"}
            )
            if more.get("sub") == claims["sub"]:
                claims = {**more, **claims}
        return Outsider(
            issuer=self._settings.issuer,
            subject=claims["sub"],
            email=_text(claims, "email") or None,
            email_verified=claims.get("email_verified") is True,
            name=_text(claims, "name"),
            username=_text(claims, "preferred_username"),
        )

    async def _exchange(self, endpoints: Endpoints, code: str, verifier: str) -> dict[str, Any]:
        settings = self._settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "client_id": settings.client_id,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        if settings.client_secret and endpoints.secret_in_form:
            form["client_secret"] = settings.client_secret
        elif settings.client_secret:
            # RFC 6749, 2.3.1: both are form-encoded first.
            pair = f"{quote(settings.client_id, safe='')}:{quote(settings.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return await self._ask("POST", endpoints.token, data=form, headers=headers)

    async def _claims(self, endpoints: Endpoints, token: str, nonce: str, now: datetime) -> dict[str, Any]:
        try:
            claims = await self._decoded(endpoints, token)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Unauthenticated(
                f"The provider's id token cannot be believed ({type(error).__name__})."
            ) from None
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        moment = now.timestamp()
        faults = [
            fault
            for wrong, fault in (
                (claims.get("iss") != self._settings.issuer, "it is from another issuer"),
                (self._settings.client_id not in audiences, "it is for somebody else"),
                (
                    claims.get("azp", self._settings.client_id) != self._settings.client_id,
                    "it was asked for by somebody else",
                ),
                (not _is_after(claims.get("exp"), moment - LEEWAY_S), "it has ended"),
                (_is_after(claims.get("iat"), moment + LEEWAY_S), "it is from the future"),
                (claims.get("nonce") != nonce, "it answers another sign-in"),
                (
                    not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255,
                    "it names nobody",
                ),
            )
            if wrong
        ]
        if faults:
            raise Unauthenticated(f"The provider's id token cannot be believed: {'; '.join(faults)}.")
        return claims

    async def _decoded(self, endpoints: Endpoints, token: str) -> dict[str, Any]:
        keys = self._keys if time.monotonic() - self._keys_learned < KEPT_S else None
        if keys is not None:
            try:
                return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
            except (JoseError, ValueError):
                # Providers change their keys; an attacker must not make us ask for them all the time.
                if time.monotonic() - self._keys_learned < KEYS_AGAIN_S:
                    raise
        keys = KeySet.import_key_set(await self._ask("GET", endpoints.keys))  # type: ignore[arg-type]
        self._keys, self._keys_learned = keys, time.monotonic()
        return jwt.decode(token, keys, algorithms=ALGORITHMS).claims

    async def _known(self) -> Endpoints:
        if self._endpoints is not None and time.monotonic() - self._learned < KEPT_S:
            return self._endpoints
        issuer = self._settings.issuer
        told = await self._ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if told.get("issuer") != issuer:
            raise Unavailable("The sign-in provider calls itself differently than oidc.issuer does.")
        methods = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        found = Endpoints(
            authorization=_text(told, "authorization_endpoint"),
            token=_text(told, "token_endpoint"),
            keys=_text(told, "jwks_uri"),
            userinfo=_text(told, "userinfo_endpoint"),
            secret_in_form="client_secret_basic" not in methods and "client_secret_post" in methods,
        )
        scheme = urlsplit(issuer).scheme
        wanted = (found.authorization, found.token, found.keys, found.userinfo or found.keys)
        if not all(urlsplit(url).scheme in {scheme, "https"} for url in wanted):
            raise Unavailable("The sign-in provider does not say where its endpoints are.")
        self._endpoints, self._learned = found, time.monotonic()
        return found

    async def _ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """
        Raises:
            Unauthenticated: it refuses.
            Unavailable: it does not answer with JSON.
        """
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=True) as http,
                http.request(method, url, allow_redirects=False, **more) as response,
            ):
                if response.status in {400, 401, 403}:
                    raise Unauthenticated("The sign-in provider refused; sign in again.")
                if response.status != 200:
                    raise Unavailable(f"The sign-in provider answered with {response.status}.")
                text = await response.content.read(ANSWER_MAX)
                while len(text) < ANSWER_MAX and (more_text := await response.content.read(ANSWER_MAX)):
                    text += more_text
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"The sign-in provider does not answer ({type(error).__name__}).") from None
        try:
            answer = _json(text)
        except ValueError:
            raise Unavailable("The sign-in provider's answer is no JSON.") from None
        return answer


def _json(text: bytes) -> dict[str, Any]:
    answer = json.loads(text)
    if not isinstance(answer, dict):
        raise ValueError("not an object")
    return answer


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    return value[:1000] if isinstance(value, str) and "\0" not in value else ""


def _is_after(value: Any, moment: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > moment
