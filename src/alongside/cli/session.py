"""Which hub a command talks to, and as whom: flag, then environment, then what `login` kept."""

from __future__ import annotations

import json
import os
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from alongside.client import Client
from alongside.client.errors import Refused
from alongside.config import Config, read

DEFAULT_URL = "http://127.0.0.1:8470"


@dataclass(frozen=True)
class Session:
    """The options that stand before the command."""

    url: str | None = None
    token: str | None = None
    data_dir: Path | None = None
    config_file: Path | None = None
    settings: tuple[str, ...] = ()

    def config(self, **flags: Any) -> Config:
        """The configuration of a process that runs here, not of the hub we talk to."""
        given: dict[str, Any] = {"data_dir": self.data_dir}
        for item in self.settings:
            name, equals, value = item.partition("=")
            if not equals:
                raise typer.BadParameter(f"{item!r}: write it as section.name=value", param_hint="--set")
            given[name] = value
        return read(file=self.config_file, flags={**given, **flags})


def of_one_machine(config: Config) -> dict[str, Any]:
    """Settings that follow from others where everything runs here, unless they were given themselves."""
    fresh = Config()
    follow: dict[str, Any] = {}
    origin = f"http://{config.edge.host}:{config.edge.port}"
    if config.hub.url == fresh.hub.url:
        follow["hub.url"] = origin
    if config.runner.hub_url == fresh.runner.hub_url:
        follow["runner.hub_url"] = follow.get("hub.url", config.hub.url)
    if config.edge.url == fresh.edge.url:
        follow["edge.url"] = f"http://{{run}}.localhost:{config.edge.port}"
    if config.edge.hub_upstream == fresh.edge.hub_upstream:
        follow["edge.hub_upstream"] = f"{config.hub.host}:{config.hub.port}"
    if config.edge.live_upstream == fresh.edge.live_upstream:
        follow["edge.live_upstream"] = f"{config.dispatcher.host}:{config.dispatcher.port}"
    return follow


_current: ContextVar[Session] = ContextVar("session")


def begin(session: Session) -> None:
    """Set what the command that follows is given."""
    _current.set(session)


def current() -> Session:
    return _current.get(Session())


def connect(*, signed_in: bool = True) -> Client:
    """A client of the chosen hub."""
    session = current()
    kept = Kept.read()
    here = _left_by_up(session)
    url = session.url or kept.default or here.get("url") or DEFAULT_URL
    token = session.token or kept.token(url) or (here.get("token") if _same(url, here.get("url")) else None)
    if signed_in and not token:
        raise Refused(401, {"code": "unauthenticated", "detail": f"You are not signed in at {url}."})
    return Client(url, token)


class Kept:
    """The file in which `login` keeps a token per hub; nobody else may read it."""

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self._path = path
        self._content = content

    @classmethod
    def read(cls) -> Kept:
        path = _own_folder() / "hubs.json"
        try:
            content = json.loads(path.read_text())
        except (OSError, ValueError):
            content = {}
        return cls(path, content if isinstance(content, dict) else {})

    @property
    def default(self) -> str | None:
        """The hub signed in at last."""
        return self._content.get("default")

    def token(self, url: str) -> str | None:
        return self._content.get("hubs", {}).get(url.rstrip("/"), {}).get("token")

    def token_id(self, url: str) -> str | None:
        return self._content.get("hubs", {}).get(url.rstrip("/"), {}).get("id")

    def keep(self, url: str, token: str, id: str) -> None:
        url = url.rstrip("/")
        hubs = {**self._content.get("hubs", {}), url: {"token": token, "id": id}}
        self._write({"default": url, "hubs": hubs})

    def forget(self, url: str) -> None:
        hubs = {
            known: hub for known, hub in self._content.get("hubs", {}).items() if known != url.rstrip("/")
        }
        self._write({"default": next(iter(hubs), None), "hubs": hubs})

    def _write(self, content: dict[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_secret(self._path, json.dumps(content, indent=2))
        self._content = content


def write_secret(path: Path, text: str) -> None:
    """Replace a file that only its owner may read; never half, never readable in between."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)


def local_token_file(data_dir: Path) -> Path:
    """Where `alongside up` leaves a token for commands of whoever may read its data folder."""
    return data_dir / "keys" / "command-line.json"


def remember_data_folder(data_dir: Path) -> None:
    """Let commands in any folder find the installation that this account started last."""
    try:
        _own_folder().mkdir(parents=True, exist_ok=True)
        write_secret(_own_folder() / "started-last", str(data_dir.absolute()))
    except OSError:
        # a home that cannot be written: commands then need --data-dir or `login`, and say so
        return


def _left_by_up(session: Session) -> dict[str, str]:
    """Address and token of an installation on this machine, if its data folder can be read."""
    for folder in _data_folders(session):
        try:
            content = json.loads(local_token_file(folder).read_text())
        except (OSError, ValueError):
            continue
        return content if isinstance(content, dict) else {}
    return {}


def _data_folders(session: Session) -> list[Path]:
    named = session.data_dir or os.environ.get("ALONGSIDE_DATA_DIR")
    if named:
        return [Path(named)]
    try:
        started_last = [Path((_own_folder() / "started-last").read_text())]
    except OSError:
        started_last = []
    return [Path("alongside-data"), *started_last]


def _own_folder() -> Path:
    return Path(typer.get_app_dir("alongside"))


def _same(url: str, other: str | None) -> bool:
    return other is not None and url.rstrip("/") == other.rstrip("/")
