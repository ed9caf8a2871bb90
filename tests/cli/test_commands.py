"""The command line, as a person types it."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from alongside.cli import durations
from alongside.cli.datasets import location
from alongside.cli.launch import arguments
from alongside.cli.session import local_token_file, remember_data_folder
from alongside.client import Client
from support.small_hub import SmallHub

Run = Callable[..., Any]


def test_without_signing_in_the_next_step_is_said(alongside: Run, hub: SmallHub) -> None:
    said = alongside("--url", hub.url, "runs", "list")
    assert said.code == 3
    assert "alongside login" in said.err
    assert said.out == ""


def test_a_password_signs_in_and_the_kept_token_is_private(
    alongside: Run, hub: SmallHub, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client.admin.add_account("carol", "user", password="correct horse battery")
    with (tmp_path / "password").open("w+") as file:
        file.write("correct horse battery\n")
        file.seek(0)
        monkeypatch.setattr("sys.stdin", file)
        said = alongside("login", hub.url, "--name", "carol", "--password-stdin")
    assert said.code == 0, said.err
    kept = next((tmp_path / "home").rglob("hubs.json"))
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(alongside("me", "--json").out)["account"]["name"] == "carol"
    assert alongside("logout").code == 0
    assert alongside("me").code == 3
    assert "carol" not in kept.read_text()


def test_a_sign_in_link_is_enough_to_log_in(alongside: Run, client: Client) -> None:
    client.admin.add_account("dora", "user")
    link = client.admin.sign_in_link("dora").url
    address = f"{client.url}/sign-in#{link.partition('#')[2]}"
    assert alongside("login", address).code == 0
    assert "dora" in alongside("me").out


def test_datasets_are_registered_listed_and_resolved(alongside: Run, hub: SmallHub) -> None:
    as_admin = ("--url", hub.url, "--token", hub.token)
    made = alongside(
        *as_admin, "datasets", "register", "local:/data/cli.laz", "--id", "doi:10.5072/cli", "--json"
    )
    assert json.loads(made.out)["title"] == "cli.laz"
    assert "doi:10.5072/cli" in alongside(*as_admin, "datasets", "search", "cli.laz").out
    assert "local" in alongside(*as_admin, "datasets", "resolve", "https://doi.org/10.5072/cli").out
    unknown = alongside(*as_admin, "datasets", "show", "doi:10.5072/unheard-of")
    assert unknown.code == 4
    assert "alongside datasets" in unknown.err


def test_a_specification_with_several_faults_names_each_and_fails(
    alongside: Run, hub: SmallHub, tmp_path: Path
) -> None:
    spec = tmp_path / "tool.yaml"
    spec.write_text("name: Bad Name\nversion: ''\nkind: task\ncomponents: []\n")
    said = alongside("--url", hub.url, "--token", hub.token, "tools", "validate", str(spec))
    assert said.code == 1
    for field in ("name", "version", "components"):
        assert field in said.out


def test_json_is_what_the_api_writes_and_nothing_else(alongside: Run, hub: SmallHub) -> None:
    for words in (["tools", "list"], ["runs", "list"], ["datasets", "list"], ["admin", "sites", "list"]):
        said = alongside("--url", hub.url, "--token", hub.token, *words, "--json")
        assert said.code == 0, said.err
        assert isinstance(json.loads(said.out), list)


def test_administration_of_people_and_tags(alongside: Run, hub: SmallHub) -> None:
    def admin(*words: str) -> Any:
        said = alongside("--url", hub.url, "--token", hub.token, "admin", *words)
        assert said.code == 0, said.err
        return said

    assert "/sign-in#token=" in admin("accounts", "add", "erin").out
    admin("groups", "add", "lidar")
    admin("groups", "join", "lidar", "erin")
    assert "erin" in admin("groups", "list").out
    admin("tags", "add", "embargo", "--description", "until 2030")
    admin("tags", "grant", "embargo", "--group", "lidar")
    assert "embargo" in admin("tags", "list").out
    assert admin("sites", "token", "local").out.strip()


def test_a_misspelt_command_ends_with_2(alongside: Run) -> None:
    assert alongside("dataset", "list").code == 2


def test_a_misspelt_setting_is_named(alongside: Run) -> None:
    said = alongside("--set", "hub.prot=1", "settings")
    assert said.code == 1
    assert "hub.prot" in said.err


def test_settings_come_from_flag_then_environment_then_file(
    alongside: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[hub]\nport = 1001\nworkers = 3\n[edge]\nport = 1004\n")
    monkeypatch.setenv("ALONGSIDE_HUB_WORKERS", "5")
    monkeypatch.setenv("ALONGSIDE_EDGE_PORT", "1005")
    said = alongside("--config", str(file), "--set", "edge.port=1006", "settings", "--json")
    values = {row["name"]: row["value"] for row in json.loads(said.out)}
    assert (values["hub.port"], values["hub.workers"], values["edge.port"]) == (1001, 5, 1006)


def test_arguments_are_typed_by_the_tools_schema() -> None:
    schema = {"properties": {"pixels": {"type": "integer"}, "name": {"type": "string"}}}
    given = ["pixels=64", "name=64", "flag=true", "text=a=b"]
    assert arguments(given, schema) == {"pixels": 64, "name": "64", "flag": True, "text": "a=b"}


@pytest.mark.parametrize("text", ["relative/path", "local:relative", "/no/site"])
def test_a_location_needs_a_site_and_an_absolute_path(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        location(text)


def test_a_backup_is_restored_into_an_empty_folder_and_never_over_another(
    alongside: Run, hub: SmallHub, client: Client, tmp_path: Path
) -> None:
    client.datasets.register(
        [{"url": "https://data.example.org/kept"}], title="kept", identifiers=["doi:10.5072/kept"]
    )
    folder = str(hub.config.data_dir)
    assert alongside("--data-dir", folder, "admin", "backup", str(tmp_path / "copy")).code == 0
    said = alongside("--data-dir", folder, "admin", "restore", str(tmp_path / "copy"))
    assert said.code == 1
    assert "not empty" in said.err
    fresh = str(tmp_path / "fresh")
    assert alongside("--data-dir", fresh, "admin", "restore", str(tmp_path / "copy")).code == 0
    assert alongside("--data-dir", fresh, "admin", "migrate").code == 0
    assert (tmp_path / "fresh" / "keys").is_dir()


def test_doctor_says_how_to_mend_a_taken_port(alongside: Run, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"dispatcher.port={other.getsockname()[1]}"
        url = "hub.url=http://127.0.0.1:9"
        said = alongside("--data-dir", str(tmp_path), "--set", taken, "--set", url, "doctor", "--json")
    assert said.code == 1
    finding = next(item for item in json.loads(said.out) if item["what"] == "dispatcher.port")
    assert finding["verdict"] == "bad"
    assert "--set dispatcher.port=" in finding["mend"]


def test_doctor_shows_why_each_executor_offers_less(alongside: Run, tmp_path: Path) -> None:
    missing = tmp_path / "docker.sock"
    options = ["--data-dir", str(tmp_path), "--set", f"runner.docker_socket={missing}"]
    said = alongside(*options, "--set", "runner.environments=r=/nowhere", "doctor", "--json")
    found = {item["what"]: item for item in json.loads(said.out)}
    assert found["executor docker"]["verdict"] == "limited"
    assert str(missing) in found["executor docker"]["found"]
    assert "r: there is no folder /nowhere" in found["executor process"]["found"]
    assert "runner.share_network" in found["executor process"]["found"]


def test_commands_find_the_installation_that_was_started_last(
    alongside: Run, hub: SmallHub, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere" / "data"
    kept = local_token_file(folder)
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps({"url": hub.url, "token": hub.token}))
    assert alongside("me").code == 3
    remember_data_folder(folder)
    said = alongside("me")
    assert said.code == 0, said.err
    assert "admin" in said.out
    assert alongside("--data-dir", str(tmp_path / "another"), "me").code == 3


def test_what_an_account_may_hold_is_set_and_taken_back(
    alongside: Run, hub: SmallHub, client: Client
) -> None:
    client.admin.add_account("grace", "user")
    access = ("--url", hub.url, "--token", hub.token, "admin", "accounts", "limits", "grace")
    assert alongside(*access, "--running", "2", "--memory-gb", "8").code == 0
    limits = client.admin.account("grace").limits
    assert (limits.running, limits.cpus, limits.memory_gb) == (2, None, 8)
    refused = alongside(*access, "--running", "-3")
    assert refused.code == 1
    assert "limits.running" in refused.err
    assert alongside(*access).code == 0
    assert client.admin.account("grace").limits.running is None


def test_classes_and_labels_are_made_and_shown(alongside: Run, hub: SmallHub, client: Client) -> None:
    as_admin = ("--url", hub.url, "--token", hub.token)
    made = alongside(
        *as_admin, "admin", "classes", "add", "tiny", "--cpus", "0.5", "--memory-gb", "1", "--lifetime", "2h"
    )
    assert made.code == 0, made.err
    assert "for everyone" in made.err
    listed = json.loads(alongside(*as_admin, "admin", "classes", "list", "--json").out)
    assert [(item["name"], item["lifetime_s"]) for item in listed] == [("tiny", 7200)]
    assert alongside(*as_admin, "admin", "classes", "delete", "tiny").code == 0
    put = alongside(*as_admin, "admin", "account-classes", "set", "students", "--gpus", "0", "--cpus", "2")
    assert put.err.strip() == "students: 2 cores, 0 GPUs."
    client.admin.add_account("stu", "user")
    moved = alongside(*as_admin, "admin", "accounts", "class", "stu", "students")
    assert moved.err.strip() == "stu is in the class students."
    client.admin.change_account("stu", {"account_class": "standard"})
    assert alongside(*as_admin, "admin", "account-classes", "delete", "students").code == 0
    assert not list(client.admin.account_classes())


def test_images_are_asked_for_by_name_or_tool_where_an_engine_answers(alongside: Run, hub: SmallHub) -> None:
    sites = ("--url", hub.url, "--token", hub.token, "admin", "sites")
    assert "was not asked for images" in alongside(*sites, "images", "local").err
    assert alongside(*sites, "pull", "local").code == 2
    refused = alongside(*sites, "pull", "local", "lab:1", "--wait")
    assert (refused.code, "Docker Engine" in refused.err) == (1, True)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 5400), ("45m", 2700), ("1h30m", 5400), ("1d", 86_400), ("0.5h", 1800)]
)
def test_durations_are_read_as_people_type_them(text: str, seconds: float) -> None:
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0", "-1h", "inf", "nan"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write it as"):
        durations.seconds(text)
