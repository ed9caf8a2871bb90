"""Logs of attempts as segment files: the first and the last 10 MiB are kept, the middle may go."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """Part of a log. `offset` is where `data` starts, which is later than asked for when the middle is gone."""

    data: bytes
    offset: int
    #: bytes written so far, kept or not
    size: int
    #: nothing will be added
    ended: bool = False
