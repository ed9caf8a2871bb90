from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from alongside.cli import main
from alongside.client import Client
from support.small_hub import SmallHub, small_hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallHub]:
    with small_hub(tmp_path_factory.mktemp("installation")) as running:
        yield running


@pytest.fixture
def client(hub: SmallHub) -> Iterator[Client]:
    with Client(hub.url, hub.token) as connected:
        yield connected


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def alongside(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Said]:
    """Run a command as a person would, in a home of its own, and take what it says."""
    for name in ("ALONGSIDE_URL", "ALONGSIDE_TOKEN", "ALONGSIDE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)

    def run(*words: str, stdin: str = "") -> Said:
        monkeypatch.setattr("sys.argv", ["alongside", *words])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return Said(int(ended.value.code or 0), out, err)

    return run
