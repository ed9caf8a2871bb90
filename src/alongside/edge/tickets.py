"""Checks what the hub signed, and remembers which tickets were used.

A site holds only the hub's public keys: whoever takes over an edge can issue nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OKPKey

from alongside import values
from alongside.edge.records import replace_file
from alongside.errors import Fault, Invalid, Unauthenticated
from alongside.spec.files import AUDIENCE as FILES_AUDIENCE
from alongside.spec.files import GRANT_S, Folder
from alongside.spec.ids import is_ulid

AUDIENCE = "edge"
SHELL_AUDIENCE = "shell"
#: how far the hub's clock and ours may be apart
LEEWAY_S = 10.0
#: longest life of a ticket that is believed, which bounds the memory of used ones
LIFE_MAX_S = 600.0
#: RFC 9864 renames EdDSA; both names mean an Ed25519 signature here because the keys are Ed25519
ALGORITHMS = ["EdDSA", "Ed25519"]


T = TypeVar("T", bound="Ticket")


@dataclass(frozen=True)
class Ticket:
    """The hub's word that this grantee may use this run."""

    run: str
    grantee: str
    jti: str
    issued_at: float
    expires_at: float


@dataclass(frozen=True)
class ShellTicket(Ticket):
    """The hub's word that this person may have a shell in this run, once."""

    #: which of the site's runners has it
    runner: str


class Trust:
    """The hub's Ed25519 public keys, kept on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pems: tuple[str, ...] = ()
        self._keys: tuple[Ed25519PublicKey, ...] = ()
        if path.exists():
            self._use(json.loads(path.read_text())["public_keys"])

    def __len__(self) -> int:
        return len(self._keys)

    def replace(self, pems: Sequence[str]) -> None:
        """Trust these keys and no others.

        Raises:
            Invalid: naming each text that is not an Ed25519 public key.
        """
        self._use(pems)
        replace_file(self._path, json.dumps({"public_keys": list(pems)}).encode())

    def ticket(self, text: str, now: float) -> Ticket:
        """The ticket in a signed text.

        Raises:
            Unauthenticated: it is not signed by the hub, not meant for an edge, or too old.
        """
        return self._read(Ticket, AUDIENCE, text, now, {})

    def shell(self, text: str, now: float) -> ShellTicket:
        """As `ticket`, for a shell: neither opens what the other is for."""
        return self._read(ShellTicket, SHELL_AUDIENCE, text, now, {"runner": "runner"})

    def _read(self, kind: type[T], audience: str, text: str, now: float, more: Mapping[str, str]) -> T:
        claims = self._claims(text)
        try:
            ticket = kind(
                run=str(claims["run"]),
                grantee=str(claims["sub"]),
                jti=str(claims["jti"]),
                issued_at=float(claims["iat"]),
                expires_at=float(claims["exp"]),
                **{member: str(claims[name]) for member, name in more.items()},
            )
        except (KeyError, TypeError, ValueError):
            raise Unauthenticated("the ticket lacks a claim") from None
        if claims.get("aud") not in (audience, [audience]):
            raise Unauthenticated("the ticket is not meant for this door")
        if not is_ulid(ticket.run) or not ticket.grantee or not ticket.jti or not ticket.jti.isprintable():
            raise Unauthenticated("the ticket names no run, person or number")
        if now > ticket.expires_at + LEEWAY_S or ticket.expires_at > now + LIFE_MAX_S:
            raise Unauthenticated("the ticket is too old")
        return ticket

    def grant(self, text: str, now: float) -> Folder:
        """The folder that a signed text opens.

        Raises:
            Unauthenticated: it is not signed by the hub, not meant for a file server, or too old.
        """
        claims = self._claims(text)
        try:
            folder, expires_at = values.load(Folder, claims["folder"]), float(claims["exp"])
        except (KeyError, TypeError, ValueError, Invalid):
            raise Unauthenticated("the grant lacks a claim") from None
        if claims.get("aud") != FILES_AUDIENCE:
            raise Unauthenticated("this is no grant for files")
        if now > expires_at + LEEWAY_S or expires_at > now + GRANT_S + LEEWAY_S:
            raise Unauthenticated("the grant is too old; ask for a new one")
        return folder

    def signed(self, message: str, signature: str) -> bool:
        """Whether the hub signed this message; the signature is base64url."""
        try:
            raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        except (binascii.Error, ValueError):
            return False
        return any(_verifies(key, raw, message.encode()) for key in self._keys)

    def _use(self, pems: Sequence[str]) -> None:
        faults: list[Fault] = []
        keys: list[Ed25519PublicKey] = []
        for index, pem in enumerate(pems):
            try:
                key = load_pem_public_key(pem.encode())
            except ValueError as error:
                faults.append(Fault(f"public_keys[{index}]", str(error)))
                continue
            if isinstance(key, Ed25519PublicKey):
                keys.append(key)
            else:
                faults.append(Fault(f"public_keys[{index}]", "not an Ed25519 key"))
        if faults:
            raise Invalid(faults)
        self._keys = tuple(keys)
        self._pems = tuple(pems)

    def _claims(self, text: str) -> dict[str, Any]:
        for pem in self._pems:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SecurityWarning)
                try:
                    return jwt.decode(text, OKPKey.import_key(pem), algorithms=ALGORITHMS).claims
                except (JoseError, ValueError):
                    continue
        raise Unauthenticated("the ticket is not signed by this site's hub")


class UsedTickets:
    """Numbers of redeemed tickets, appended to a file before the redemption is answered."""

    def __init__(self, path: Path, now: float) -> None:
        self._path = path
        self._until: dict[str, float] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                until, _, jti = line.partition(" ")
                if jti and float(until) > now:
                    self._until[jti] = float(until)
        self._compact(now)

    def claim(self, ticket: Ticket, now: float) -> None:
        """Use up a ticket.

        Raises:
            Unauthenticated: it was used before.
        """
        if ticket.jti in self._until:
            raise Unauthenticated("the ticket was used before")
        if self._lines > 10_000:
            self._compact(now)
        until = ticket.expires_at + 2 * LEEWAY_S
        self._until[ticket.jti] = until
        with self._path.open("a") as file:
            file.write(f"{until:.0f} {ticket.jti}\n")
            file.flush()
            os.fsync(file.fileno())
        self._lines += 1

    def _compact(self, now: float) -> None:
        self._until = {jti: until for jti, until in self._until.items() if until > now}
        text = "".join(f"{until:.0f} {jti}\n" for jti, until in self._until.items())
        replace_file(self._path, text.encode())
        self._lines = len(self._until)


def _verifies(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
