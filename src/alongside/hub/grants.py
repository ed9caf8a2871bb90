"""Capabilities: tickets to a run's origin, tokens of attempts, signed links to a site's files."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from joserfc import jwt
from joserfc.jwk import OKPKey

from alongside.config import Config
from alongside.errors import Fault, Invalid, RunUnknown, StateConflict, Unauthenticated
from alongside.hub.keyring import Keyring
from alongside.hub.store import grants as store
from alongside.hub.store import outbox, sharing
from alongside.hub.store.database import Tx
from alongside.spec import shells
from alongside.spec.accounts import Caller

TICKET_S = 60
FILE_LINK_S = 600
#: an interactive attempt may last for months; its token ends soon after it (`admit_attempt`)
ATTEMPT_TOKEN_DAYS = 365
#: so long after an attempt has ended, its runner may send the rest of its log and artifacts
ATTEMPT_TAIL = timedelta(hours=1)
EXPIRY_DIGITS_MAX = 12


@dataclass(frozen=True)
class Access:
    """How to get into a ready run: POST /runs/{id}/access, and where GET /open/{run} redirects to."""

    url: str
    ticket_url: str
    expires_at: datetime


def access(
    tx: Tx, caller: Caller, run_id: str, path: str | None, now: datetime, *, config: Config, keyring: Keyring
) -> Access:
    """A one-time ticket for the run's origin; `path` None opens what the launch asked for.

    Raises:
        RunUnknown
        StateConflict: nothing answers at the origin yet, or any more.
        Invalid: the path is not one of that origin.
    """
    place = store.place(tx, run_id)
    mine = place is not None and (caller.is_admin or place.account == caller.account.id)
    if place is None or not (mine or sharing.let_in(tx, run_id, [caller.account.id], now)):
        raise RunUnknown(f"no run has the id {run_id}")
    if not place.ready or place.edge_url is None:
        raise StateConflict("the run is not ready to be opened", state=place.state)
    path = place.open_path if path is None else path
    # `//host` and `/\host` are addresses of other hosts to a browser.
    if not path.startswith("/") or path[1:2] in {"/", "\\"} or not path.isprintable():
        raise Invalid([Fault("path", "must start with a single /")])
    origin = place.edge_url.replace("{run}", run_id).rstrip("/")
    ticket = sign_ticket(run_id, caller.account.id, now, config=config, keyring=keyring)
    query = urlencode({"t": ticket, "next": path})
    return Access(
        url=origin + path,
        ticket_url=f"{origin}/.alongside/ticket?{query}",
        expires_at=now + timedelta(seconds=TICKET_S),
    )


def sign_ticket(
    run_id: str, grantee: str, now: datetime, *, config: Config, keyring: Keyring, **more: str
) -> str:
    """A JWT that the site's edge takes once for a secret of its own."""
    issued = int(now.timestamp())
    claims = {
        "iss": config.hub.url,
        "aud": "edge",
        "run": run_id,
        "sub": grantee,
        "jti": secrets.token_urlsafe(16),
        "iat": issued,
        "exp": issued + TICKET_S,
        **more,
    }
    key = OKPKey.import_key(keyring.private_pem)
    return jwt.encode({"alg": "Ed25519"}, claims, key, algorithms=["Ed25519"])


@dataclass(frozen=True)
class ShellAccess:
    """How to open one shell: a WebSocket whose first message is the ticket."""

    url: str
    #: used once; never part of an address
    ticket: str
    expires_at: datetime


def shell(
    tx: Tx, caller: Caller, run_id: str, now: datetime, *, config: Config, keyring: Keyring
) -> ShellAccess:
    """A one-time ticket for a shell: for the owner and administrators, not for those it is shared with.

    Raises:
        RunUnknown
        StateConflict: it has no processes now.
    """
    place = store.place(tx, run_id)
    if place is None or not (caller.is_admin or place.account == caller.account.id):
        raise RunUnknown(f"no run has the id {run_id}")
    runners = [runner for _, _, runner in store.reachable(tx, [run_id])]
    if place.state != "running" or place.edge_url is None or not runners:
        raise StateConflict(
            "the run is not running, so there is nothing to have a shell in", state=place.state
        )
    origin = place.edge_url.replace("{run}", run_id).rstrip("/")
    claims = {"aud": "shell", "runner": runners[0]}
    ticket = sign_ticket(run_id, caller.account.id, now, config=config, keyring=keyring, **claims)
    url = origin.replace("http", "ws", 1) + shells.PATH
    return ShellAccess(url, ticket, now + timedelta(seconds=TICKET_S))


def revoke(tx: Tx, run_ids: Iterable[str], grantee: str | None, now: datetime) -> list[str]:
    """Close the way into runs for one grantee, or for all; answers the runners that are told."""
    told: list[str] = []
    for run_id, attempt, runner in store.reachable(tx, run_ids):
        body = {"run": run_id, "grantee": grantee}
        outbox.put(tx, runner, "revoke", body, now, run=run_id, attempt=attempt)
        told.append(runner)
    return told


def revoke_account(tx: Tx, account: str, now: datetime) -> list[str]:
    """Close every way that an account has into runs: it signed out, or was locked."""
    open_to = {*store.runs_open_to(tx, account), *sharing.run_ids_of(tx, account, now)}
    return revoke(tx, sorted(open_to), account, now)


def revoke_people(tx: Tx, run_id: str, accounts: Collection[str], now: datetime) -> list[str]:
    """Close the ways of these people into a run; answers the runners that are told."""
    told: list[str] = []
    # Also of a run that is stopped: the edge keeps what its visitors came by for the next start.
    for attempt, runner in store.latest_runner(tx, run_id) if accounts else ():
        bodies = [(run_id, attempt, {"run": run_id, "grantee": account}) for account in sorted(accounts)]
        outbox.put_all(tx, runner, "revoke", bodies, now)
        told.append(runner)
    return told


def attempt_token(run_id: str, attempt: int, now: datetime, keyring: Keyring) -> str:
    """What a runner shows when it sends logs and artifacts of this attempt."""
    expires = int((now + timedelta(days=ATTEMPT_TOKEN_DAYS)).timestamp())
    return f"ala_{expires}.{_encoded(keyring.mac(_message(run_id, attempt, expires)))}"


def check_attempt_token(run_id: str, attempt: int, token: str, now: datetime, keyring: Keyring) -> None:
    """
    Raises:
        Unauthenticated: it is not this attempt's token, or has ended.
    """
    expires_text, _, mac = token.removeprefix("ala_").partition(".")
    whole = expires_text.isascii() and expires_text.isdigit() and len(expires_text) <= EXPIRY_DIGITS_MAX
    expires = int(expires_text) if whole else 0
    expected = _encoded(keyring.mac(_message(run_id, attempt, expires)))
    if expires <= now.timestamp() or not hmac.compare_digest(mac.encode(errors="replace"), expected.encode()):
        raise Unauthenticated("this is not the attempt's token, or it has ended")


def admit_attempt(tx: Tx, run_id: str, attempt: int, token: str, now: datetime, keyring: Keyring) -> None:
    """
    Raises:
        Unauthenticated: it is not this attempt's token, or has ended with the attempt or its runner.
        RunUnknown: the run was deleted.
    """
    check_attempt_token(run_id, attempt, token, now, keyring)
    found = store.attempt_end(tx, run_id, attempt)
    if found is None:
        raise RunUnknown(f"there is no attempt {attempt} of the run {run_id} any more")
    lately = found.ended_at is not None and now - found.ended_at < ATTEMPT_TAIL
    if not found.runner or not (found.held or found.counts_still or lately):
        raise Unauthenticated(f"attempt {attempt} of the run {run_id} has ended, or its runner was removed")


def output_tree(run_id: str, attempt: int) -> str:
    """The name under which a site's file server knows the outputs of an attempt."""
    return f"{run_id}-{attempt}"


def file_link(
    tx: Tx, run_id: str, tree: str, path: str, now: datetime, *, config: Config, keyring: Keyring
) -> str:
    """A link to a file below a tree of the site's file server, good for a few minutes.

    Raises:
        RunUnknown: the run never was at a site.
    """
    place = store.place(tx, run_id)
    if place is None or place.edge_url is None:
        raise RunUnknown
    expires = int(now.timestamp()) + FILE_LINK_S
    signature = _encoded(keyring.sign(f"GET\n{tree}/{path}\n{expires}".encode()))
    origin = place.edge_url.replace("{run}", config.edge.files_host).rstrip("/")
    return f"{origin}/f/{quote(tree)}/{quote(path)}?exp={expires}&sig={signature}"


def _message(run_id: str, attempt: int, expires: int) -> bytes:
    return f"attempt\n{run_id}\n{attempt}\n{expires}".encode()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
