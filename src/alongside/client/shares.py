"""Sharing: let others open a run, shut them out, see who is in, and what others share with you."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alongside.client.transport import Transport, loaded, segment
from alongside.spec.sharing import Present, RunShare, SharedRun, ShareKind


@dataclass(frozen=True)
class NewShare:
    """A share, and for a code what opens it, which is shown this once."""

    share: RunShare
    code: str | None = None
    link: str | None = None


class Shares:
    def __init__(self, transport: Transport) -> None:
        self._hub = transport

    def add(
        self, run: str, kind: ShareKind, name: str | None = None, *, lasts_s: float | None = None
    ) -> NewShare:
        """Let a person or group of this name in, or whoever redeems the code in the answer."""
        body: dict[str, Any] = {"kind": kind, "name": name, "lasts_s": lasts_s}
        return loaded(NewShare, self._hub.post(_path(run), body))

    def of(self, run: str) -> Iterator[RunShare]:
        for item in self._hub.pages(_path(run)):
            yield loaded(RunShare, item)

    def revoke(self, run: str, share: str) -> None:
        """End a share: whoever is in by it is out at once."""
        self._hub.call("DELETE", f"{_path(run)}/{segment(share)}")

    def shut_out(self, run: str, share: str, account: str) -> None:
        """One person of a group or of a code, by name or id; the others stay."""
        self._hub.call("DELETE", f"{_path(run)}/{segment(share)}/members/{segment(account)}")

    def present(self, run: str) -> list[Present]:
        """Who is in, then who was."""
        answer = self._hub.get(f"/runs/{segment(run)}/presence")
        return [loaded(Present, item) for item in answer["items"]]

    def redeem(self, code: str) -> SharedRun:
        """Come in by a code that somebody gave you."""
        return loaded(SharedRun, self._hub.post("/shares/redeem", {"code": code}))

    def with_me(self) -> Iterator[SharedRun]:
        """Runs of others that are shared with you, newest first."""
        for item in self._hub.pages("/shared-runs"):
            yield loaded(SharedRun, item)


def _path(run: str) -> str:
    return f"/runs/{segment(run)}/shares"
