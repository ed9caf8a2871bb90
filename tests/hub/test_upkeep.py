"""First starts, keys, backup and restore."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from alongside.config import Config, EdgeSettings, HubSettings
from alongside.errors import Misconfigured
from alongside.hub import accounts, backup, keyring, sites
from alongside.hub.bootstrap import bootstrap, file_system, prepare_folder
from alongside.hub.store import changes, migrate
from alongside.hub.store.database import Database
from alongside.spec import wire
from support import postgres as support
from support.clocks import Clock


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data_dir=tmp_path / "data")


def names(config: Config) -> list[str]:
    database = Database(config.database_url)
    with database.read() as tx:
        found = [account.name for account in accounts.page(tx, None, 100)]
    database.close()
    return found


def test_a_first_start_makes_an_administrator_and_a_site(config: Config, clock: Clock) -> None:
    started = bootstrap(config, clock())
    assert started.first
    assert started.sign_in_url.startswith("http://127.0.0.1:8470/sign-in#token=")
    database = Database(config.database_url)
    with database.write() as tx:
        who = accounts.by_token(tx, started.api_token, clock()).caller
        assert who.is_admin
        assert accounts.use_link(tx, started.sign_in_url.partition("token=")[2], clock()) == who.account
        assert sites.get(tx, "local").edge_url == config.edge.url
        assert started.registration_token is not None
        sites.register(tx, wire.Registration(started.registration_token, "one"), clock())
        clock.pass_(hours=2)
        with pytest.raises(Exception, match="token"):
            accounts.by_token(tx, started.api_token, clock())
    database.close()


def test_a_second_start_finds_everything_as_it_was(config: Config, clock: Clock) -> None:
    first = bootstrap(config, clock())
    moved = replace(config, edge=EdgeSettings(port=9000, url="http://{run}.localhost:9000"))
    second = bootstrap(moved, clock())
    assert not second.first
    assert second.admin == first.admin
    assert second.sign_in_url != first.sign_in_url
    assert names(config) == ["admin"]
    database = Database(config.database_url)
    with database.read() as tx:
        assert [site.edge_url for site in sites.page(tx, None, 9)] == ["http://{run}.localhost:9000"]
    database.close()


def test_nobody_else_can_read_the_data_folder(config: Config, clock: Clock) -> None:
    bootstrap(config, clock())
    for path in (config.data_dir, config.data_dir / "keys"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in (config.data_dir / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_data_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="data_dir"):
        prepare_folder(Config(data_dir=tmp_path / "file" / "data"))


def test_the_file_system_of_a_folder_is_that_of_its_innermost_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    inner = tmp_path / "with space"
    inner.mkdir()
    place = str(inner.resolve()).replace(" ", "\\040")
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nserver:/x {place} nfs4 rw 0 0\n")
    assert file_system(inner / "deep", mounts) == "nfs4"
    assert file_system(tmp_path, mounts) == "ext4"
    assert file_system(tmp_path, tmp_path / "none") is None


def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(keyring.opened(tmp_path / "keys").public_pem))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["attempts.key", "hub.pem"]


def test_a_signature_holds_for_its_message_alone(tmp_path: Path) -> None:
    keys = keyring.opened(tmp_path)
    public = load_pem_public_key(keys.public_pem.encode())
    assert isinstance(public, Ed25519PublicKey)
    public.verify(keys.sign(b"GET\nrun\n60"), b"GET\nrun\n60")
    with pytest.raises(InvalidSignature):
        public.verify(keys.sign(b"GET\nrun\n60"), b"GET\nrun\n61")
    assert keys.mac(b"a") == keyring.opened(tmp_path).mac(b"a") != keys.mac(b"b")


def filled(config: Config, clock: Clock) -> None:
    bootstrap(config, clock())
    (config.data_dir / "blobs" / "ab").mkdir()
    (config.data_dir / "blobs" / "ab" / "cd").write_bytes(b"artifact")
    (config.data_dir / "logs" / "run.log").write_text("hello\n")


def test_what_is_backed_up_comes_back_whole(config: Config, tmp_path: Path, clock: Clock) -> None:
    filled(config, clock)
    key = keyring.opened(config.data_dir / "keys").public_pem
    copy = backup.backup(config, tmp_path / "copy")
    again = replace(config, data_dir=tmp_path / "again")
    backup.restore(again, copy)
    assert names(again) == ["admin"]
    assert (again.data_dir / "blobs" / "ab" / "cd").read_bytes() == b"artifact"
    assert (again.data_dir / "logs" / "run.log").read_text() == "hello\n"
    assert keyring.opened(again.data_dir / "keys").public_pem == key
    database = Database(again.database_url)
    migrate.check(database)
    database.close()


def test_a_restored_installation_lets_its_runner_join_anew(
    config: Config, tmp_path: Path, clock: Clock
) -> None:
    first = bootstrap(config, clock())
    known = join(config, first.registration_token, clock)
    credentials = config.data_dir / "runner" / "credentials.json"
    credentials.parent.mkdir()
    credentials.write_text("{}")
    assert bootstrap(config, clock()).registration_token is None
    again = replace(config, data_dir=tmp_path / "again")
    backup.restore(again, backup.backup(config, tmp_path / "copy"))
    assert join(again, bootstrap(again, clock()).registration_token, clock) == known


def join(config: Config, token: str | None, clock: Clock) -> str:
    assert token is not None
    database = Database(config.database_url)
    try:
        with database.write() as tx:
            return sites.register(tx, wire.Registration(token, "one"), clock()).id
    finally:
        database.close()


def test_a_backup_beside_busy_writers_is_of_one_moment(config: Config, tmp_path: Path, clock: Clock) -> None:
    bootstrap(config, clock())
    database, ended, written = Database(config.database_url), threading.Event(), []

    def write() -> None:
        # Two rows per transaction: a copy of one moment holds an even number.
        while not ended.is_set():
            with database.write() as tx:
                changes.note(tx, "run", "a")
                changes.note(tx, "run", "b")
            written.append(2)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(written) < 5:
            pass
        copy = backup.backup(config, tmp_path / "copy")
    finally:
        ended.set()
        writer.join()
        database.close()
    again = replace(config, data_dir=tmp_path / "again")
    backup.restore(again, copy)
    restored = Database(again.database_url)
    with restored.write() as tx:
        found = changes.consume(tx, limit=100_000)
    restored.close()
    pairs = [change for change in found if change.kind == "run"]
    assert pairs
    assert len(pairs) % 2 == 0


def test_a_backup_goes_into_an_empty_folder_only(config: Config, tmp_path: Path, clock: Clock) -> None:
    filled(config, clock)
    full = tmp_path / "full"
    full.mkdir()
    (full / "something").write_text("")
    with pytest.raises(Misconfigured, match="not empty"):
        backup.backup(config, full)
    assert [path.name for path in full.iterdir()] == ["something"]


def test_a_restore_touches_no_folder_that_holds_something(
    config: Config, tmp_path: Path, clock: Clock
) -> None:
    filled(config, clock)
    copy = backup.backup(config, tmp_path / "copy")
    with pytest.raises(Misconfigured, match="not empty"):
        backup.restore(config, copy)
    assert (config.data_dir / "blobs" / "ab" / "cd").exists()


def no_manifest(copy: Path) -> None:
    (copy / "backup.json").unlink()


def broken_manifest(copy: Path) -> None:
    (copy / "backup.json").write_text("{")


def foreign_manifest(copy: Path) -> None:
    (copy / "backup.json").write_text(json.dumps({"database": "../../etc/passwd", "sha256": ""}))


def flipped_byte(copy: Path) -> None:
    data = bytearray((copy / "hub.sqlite").read_bytes())
    data[len(data) // 2] ^= 1
    (copy / "hub.sqlite").write_bytes(data)


@pytest.mark.parametrize("damage", [no_manifest, broken_manifest, foreign_manifest, flipped_byte])
def test_a_damaged_or_incomplete_backup_is_refused_before_anything_is_written(
    config: Config, tmp_path: Path, clock: Clock, damage: Callable[[Path], None]
) -> None:
    filled(config, clock)
    copy = backup.backup(config, tmp_path / "copy")
    damage(copy)
    again = replace(config, data_dir=tmp_path / "again")
    with pytest.raises(Misconfigured):
        backup.restore(again, copy)
    assert not again.data_dir.exists()


def test_an_installation_on_postgres_is_backed_up_and_restored(
    tmp_path: Path, clock: Clock, postgres: support.Postgres
) -> None:
    here = Config(data_dir=tmp_path / "data", hub=HubSettings(database=postgres.new_database()))
    filled(here, clock)
    copy = backup.backup(here, tmp_path / "copy")
    there = Config(data_dir=tmp_path / "again", hub=HubSettings(database=postgres.new_database()))
    backup.restore(there, copy)
    assert names(there) == ["admin"]
    assert (there.data_dir / "blobs" / "ab" / "cd").exists()
    with pytest.raises(Misconfigured, match="not empty"):
        backup.restore(replace(there, data_dir=tmp_path / "third"), copy)
    with pytest.raises(Misconfigured, match="another kind"):
        backup.restore(Config(data_dir=tmp_path / "fourth"), copy)
