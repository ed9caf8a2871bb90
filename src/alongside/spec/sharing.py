"""Sharing a running tool: with a person, with a group, or by a code that whoever knows it redeems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from alongside.spec.runs import State, Word

ShareKind = Literal["person", "group", "code"]

#: Crockford's alphabet: no letters that are taken for digits
CODE_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
#: five bits each: nobody guesses eighty
CODE_LENGTH = 16
_CODE_GROUP = 4
_MISREAD = str.maketrans({"o": "0", "i": "1", "l": "1"})


def code_of(entropy: bytes) -> str:
    """A code as people pass it on: `7k3m-…`; every ten bytes make another one."""
    number = int.from_bytes(entropy[: CODE_LENGTH * 5 // 8], "big")
    signs = [CODE_ALPHABET[(number >> 5 * place) & 31] for place in reversed(range(CODE_LENGTH))]
    return "-".join("".join(signs[at : at + _CODE_GROUP]) for at in range(0, CODE_LENGTH, _CODE_GROUP))


def read_code(text: str) -> str | None:
    """The code in what somebody typed, without its dashes; None when it cannot be one."""
    signs = "".join(text.split()).replace("-", "").lower().translate(_MISREAD)
    whole = len(signs) == CODE_LENGTH and all(sign in CODE_ALPHABET for sign in signs)
    return signs if whole else None


@dataclass(frozen=True)
class ShareMember:
    """Somebody who redeemed a code, or who was shut out of a group's share alone."""

    account: str
    name: str
    joined_at: datetime | None
    removed_at: datetime | None


@dataclass(frozen=True)
class RunShare:
    """A way into one run for somebody else, until it expires or is revoked."""

    id: str
    run: str
    kind: ShareKind
    #: name of the person or group; empty for a code
    name: str
    #: id of the person or group
    account: str | None
    group: str | None
    created_at: datetime
    expires_at: datetime | None
    members: tuple[ShareMember, ...] = ()


@dataclass(frozen=True)
class SharedRun:
    """A run of somebody else's, as those see it whom it was shared with: they can open it, and no more."""

    id: str
    title: str
    tool: str
    owner: str
    state: State
    word: Word
    ready: bool
    #: when the last way into it ends; null while one has no end
    expires_at: datetime | None
    #: opens the tool in a signed-in browser; null unless it is ready
    open_url: str | None


@dataclass(frozen=True)
class Present:
    """Somebody who is in a run now, or was."""

    account: str
    name: str
    came_at: datetime
    #: null while this person is in
    left_at: datetime | None
