"""Capabilities: what opens a tool, and what does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from alongside.errors import Invalid, RunUnknown, StateConflict, TooLarge, Unauthenticated
from alongside.hub import artifacts, grants, sites
from alongside.spec.runs import Run
from support.houses import House, a_house
from support.people import person


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path / "data") as house:
        house.join("lab", "r1")
        house.sync("r1")
        yield house


@pytest.fixture
def run(house: House) -> Run:
    """A notebook that is ready."""
    run = house.request("notebook")
    house.sync("r1")
    house.runners["r1"].start(run.id)
    house.runners["r1"].ready(run.id, "/lab/tree/a b.ipynb")
    house.sync("r1")
    return house.run(run.id)


def open_run(house: House, run: str, path: str | None = None, who: str = "ann") -> grants.Access:
    with house.hub.database.read() as tx:
        return grants.access(
            tx,
            house.people[who],
            run,
            path,
            house.clock(),
            config=house.hub.config,
            keyring=house.hub.keyring,
        )


def test_a_ticket_names_run_and_grantee_for_a_minute(house: House, run: Run) -> None:
    access = open_run(house, run.id)
    parts = urlsplit(access.ticket_url)
    assert f"{parts.scheme}://{parts.netloc}" == f"http://{run.id}.lab.localhost:8470"
    assert parts.path == "/.alongside/ticket"
    query = parse_qs(parts.query)
    assert query["next"] == ["/lab/tree/a b.ipynb"]
    key = OKPKey.import_key(house.hub.keyring.public_pem)
    token = jwt.decode(query["t"][0], key, algorithms=["Ed25519", "EdDSA"])
    claims = token.claims
    assert (claims["iss"], claims["aud"]) == (house.hub.config.hub.url, "edge")
    assert (claims["run"], claims["sub"]) == (run.id, house.people["ann"].account.id)
    assert claims["exp"] - claims["iat"] == 60
    assert claims["jti"] not in open_run(house, run.id).ticket_url


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example", "x", "/a\nb"])
def test_a_ticket_leads_nowhere_but_to_the_runs_origin(house: House, run: Run, path: str) -> None:
    with pytest.raises(Invalid):
        open_run(house, run.id, path)


def test_only_the_owner_gets_a_ticket_and_only_while_it_is_ready(house: House, run: Run) -> None:
    with house.hub.database.write() as tx:
        house.people["eve"] = person(tx, house.clock(), "eve")
    with pytest.raises(RunUnknown):
        open_run(house, run.id, who="eve")
    house.act(run.id, "stop")
    house.settle()
    with pytest.raises(StateConflict):
        open_run(house, run.id)


def test_an_attempts_token_is_good_for_that_attempt_until_it_ends(house: House) -> None:
    now, keyring = house.clock(), house.hub.keyring
    token = grants.attempt_token("run", 1, now, keyring)
    grants.check_attempt_token("run", 1, token, now, keyring)
    later = now + timedelta(days=366)
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    for run, attempt, shown, when in (
        ("run", 2, token, now),
        ("other", 1, token, now),
        ("run", 1, forged, now),
        ("run", 1, "", now),
        ("run", 1, "ala_99999999999.", now),
        ("run", 1, f"ala_{'9' * 5000}.x", now),
        ("run", 1, "ala_99999999999.\udcff", now),
        ("run", 1, token, later),
    ):
        with pytest.raises(Unauthenticated):
            grants.check_attempt_token(run, attempt, shown, when, keyring)


def admitted(house: House, run: str, attempt: int, token: str) -> bool:
    try:
        with house.hub.database.read() as tx:
            grants.admit_attempt(tx, run, attempt, token, house.clock(), house.hub.keyring)
    except Unauthenticated:
        return False
    return True


def test_an_attempts_token_is_taken_until_an_hour_after_its_end(house: House) -> None:
    run = house.request("count")
    house.sync("r1")
    token = house.runners["r1"].held[run.id, 1].assignment.token
    house.pass_s(5, syncing=("r1",))
    house.clock.pass_s(90 * 86_400)
    house.sync("r1")
    assert admitted(house, run.id, 1, token), "an interactive attempt may last for months"
    house.runners["r1"].start(run.id)
    house.runners["r1"].finish(run.id, exit_code=0)
    house.sync("r1")
    house.clock.pass_s(3500)
    assert admitted(house, run.id, 1, token), "the end of its log may still be on its way"
    house.clock.pass_s(200)
    assert not admitted(house, run.id, 1, token)


def test_an_attempts_token_ends_with_its_runner(house: House) -> None:
    run = house.request("count")
    house.sync("r1")
    double = house.runners["r1"]
    token = double.held[run.id, 1].assignment.token
    double.start(run.id)
    double.finish(run.id, exit_code=0)
    house.sync("r1")
    assert admitted(house, run.id, 1, token)
    with house.hub.database.write() as tx:
        sites.remove_runner(tx, double.id)
    assert not admitted(house, run.id, 1, token)


def test_an_attempt_that_was_given_up_is_heard_as_long_as_its_result_would_count(house: House) -> None:
    run = house.request("count")
    house.sync("r1")
    token = house.runners["r1"].held[run.id, 1].assignment.token
    house.runners["r1"].start(run.id)
    house.sync("r1")
    house.pass_s(15)
    assert house.run(run.id).state == "queued"
    house.clock.pass_s(7200)
    assert admitted(house, run.id, 1, token), "its runner was away, and sends the log before anything else"
    house.join("lab", "r2")
    house.sync("r2")
    assert house.run(run.id).attempt == 2
    assert not admitted(house, run.id, 1, token)


def test_an_attempt_has_a_bounded_number_of_artifacts(house: House) -> None:
    run = house.request("count")
    house.sync("r1")
    now, config = house.clock(), house.hub.config

    def listed(first: int, count: int) -> str:
        found = [
            {"path": f"{number}.txt", "size_bytes": 1, "sha256": "0" * 64}
            for number in range(first, first + count)
        ]
        with house.hub.database.write() as tx:
            return artifacts.note(tx, run.id, 1, {"artifacts": found}, now, most=500)

    assert listed(0, 300) == ""
    assert listed(0, 300) == "", "these are the same ones"
    assert listed(300, 300) == "an attempt has at most 500 artifacts: 100 of these are left out"
    with house.hub.database.write() as tx:
        artifacts.receive(tx, run.id, 1, "0.txt", b"x", now, config=config, most=500)
        with pytest.raises(TooLarge, match="at most 500 artifacts"):
            artifacts.receive(tx, run.id, 1, "new.txt", b"y", now, config=config, most=500)
    assert len([item for item in (config.data_dir / "blobs").rglob("*") if item.is_file()]) == 1
    with house.hub.database.read() as tx:
        assert len(artifacts.listing(tx, house.people["ann"], run.id)) == 500


def test_no_token_of_an_attempt_is_in_the_store(house: House) -> None:
    house.request("count")
    answer = house.sync("r1", deliver=False)
    token = answer.outbox[0].body["token"]
    assert token
    house.hub.database.close()
    folder = house.hub.config.data_dir
    assert not any(token.encode() in path.read_bytes() for path in folder.glob("hub.sqlite*"))


def test_artifacts_are_a_file_of_the_hub_or_a_signed_link_to_the_site(house: House) -> None:
    run = house.request("count")
    house.sync("r1")
    double = house.runners["r1"]
    double.start(run.id)
    listed = [
        {"path": "small.json", "size_bytes": 2, "sha256": "0" * 64, "media_type": "application/json"},
        {"path": "maps/big one.tif", "size_bytes": 5_000_000, "sha256": "1" * 64, "media_type": ""},
        {"path": "../../etc/passwd", "size_bytes": 1, "sha256": "2" * 64, "media_type": ""},
    ]
    double.report(run.id, "artifacts", body={"artifacts": listed})
    double.finish(run.id, exit_code=0)
    house.sync("r1")
    with house.hub.database.write() as tx:
        artifacts.receive(tx, run.id, 1, "small.json", b"{}", house.clock(), config=house.hub.config)
    ann, hub = house.people["ann"], house.hub
    with hub.database.read() as tx:
        assert [item.path for item in artifacts.listing(tx, ann, run.id)] == [
            "maps/big one.tif",
            "small.json",
        ]
        small = artifacts.find(
            tx, ann, run.id, "small.json", house.clock(), config=hub.config, keyring=hub.keyring
        )
        big = artifacts.find(
            tx, ann, run.id, "maps/big one.tif", house.clock(), config=hub.config, keyring=hub.keyring
        )
    assert small.file is not None
    assert small.file.read_bytes() == b"{}"
    assert big.url is not None
    parts = urlsplit(big.url)
    assert parts.netloc == "files.lab.localhost:8470"
    assert parts.path == f"/f/{run.id}-1/maps/big%20one.tif"
    assert set(parse_qs(parts.query)) == {"exp", "sig"}
