"""The hub's API in Python: the verbs of the command line, typed.

    from alongside.client import Client

    with Client("http://127.0.0.1:8470", token="…") as client:
        run = client.launch("jupyterlab", "doi:10.5072/autzen")
        for step in client.runs.progress(run.id):
            ...

Answers are the values of `alongside.spec` (and of `answers`, where only the API has them). What the
hub refuses raises `Refused` with its code, detail, faults and a hint; see `errors`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from alongside.client.admin import Admin
from alongside.client.answers import Me, NewToken
from alongside.client.datasets import Datasets
from alongside.client.errors import CallFailed as CallFailed
from alongside.client.errors import Refused as Refused
from alongside.client.files import Files
from alongside.client.homes import Homes
from alongside.client.notices import Notices
from alongside.client.runs import Runs, uses
from alongside.client.shares import Shares
from alongside.client.tools import Tools
from alongside.client.transport import Transport, loaded, segment
from alongside.client.usage import Banners, Classes, Usage
from alongside.spec.accounts import Token
from alongside.spec.runs import Run, RunRequest


class Client:
    """One hub, asked by one caller: by API token, or after `sign_in`. Close it, or use `with`."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._hub = Transport(url, token)
        self.datasets = Datasets(self._hub)
        self.tools = Tools(self._hub)
        self.runs = Runs(self._hub)
        self.files = Files(self._hub)
        self.homes = Homes(self._hub)
        self.shares = Shares(self._hub)
        self.admin = Admin(self._hub)
        self.notices = Notices(self._hub)
        self.usage = Usage(self._hub)
        self.classes = Classes(self._hub)
        self.banners = Banners(self._hub)

    @property
    def url(self) -> str:
        return self._hub.url

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._hub.close()

    def sign_in(self, name: str, password: str) -> Me:
        """Open a session, which the following calls use; `new_token` makes something that lasts."""
        return loaded(Me, self._hub.post("/sign-in", {"name": name, "password": password}))

    def sign_in_by_link(self, token: str) -> Me:
        """Use up a one-time link: `token` is what follows `#token=` in it."""
        return loaded(Me, self._hub.post("/sign-in/link", {"token": token}))

    def sign_out(self) -> None:
        self._hub.post("/sign-out")

    def me(self) -> Me:
        return loaded(Me, self._hub.get("/me"))

    def tokens(self) -> Iterator[Token]:
        return (loaded(Token, item) for item in self._hub.pages("/tokens"))

    def new_token(self, name: str, scopes: Sequence[str], days: int | None = None) -> NewToken:
        body: dict[str, Any] = {"name": name, "scopes": list(scopes)}
        if days is not None:
            body["days"] = days
        return loaded(NewToken, self._hub.post("/tokens", body))

    def revoke_token(self, id: str) -> None:
        self._hub.call("DELETE", f"/tokens/{segment(id)}")

    def status(self) -> dict[str, Any]:
        """Version, sites, runners and queue of the hub."""
        return self._hub.get("/status")

    def launch(
        self,
        tool: str,
        *datasets: str,
        arguments: Mapping[str, Any] | None = None,
        open: str | None = None,
        **more: Any,
    ) -> Run:
        """Ask for a run of a tool beside datasets, named by identifiers in any common form.

        `more` are the other members of `RunRequest`: site, executor, resources, title, ….
        """
        wish = RunRequest(tool, uses(datasets), arguments=dict(arguments or {}), open=open, **more)
        return self.runs.launch(wish)
