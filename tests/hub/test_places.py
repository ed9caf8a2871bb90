"""Sites, registration and the sessions of runners, on each database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from alongside.errors import (
    EpochStale,
    InUse,
    Invalid,
    NameTaken,
    NotFound,
    RunnerUnknown,
    SiteUnknown,
    Unauthenticated,
)
from alongside.hub import accounts, sites
from alongside.hub.store import changes, schema
from alongside.hub.store.database import Database, Tx
from alongside.spec import wire
from alongside.spec.accounts import ROLE_SCOPES, Caller
from support.clocks import Clock

EDGE = "http://{run}.localhost:8470"


def user(tx: Tx, clock: Clock, *tags: str) -> Caller:
    account = accounts.create(tx, clock(), name="ann", role="user")
    return Caller(account, ROLE_SCOPES["user"], "session", "none", frozenset(tags))


def join(tx: Tx, clock: Clock, site: str, name: str = "one") -> wire.Registered:
    secret = sites.create_registration_token(tx, site, "", 1, clock()).secret
    return sites.register(tx, wire.Registration(secret, name, labels=("gpu",)), clock())


def test_a_runner_joins_the_site_of_its_token(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        sites.create(tx, clock(), name="sdsc", edge_url=EDGE)
        joined = join(tx, clock, "sdsc")
        found = sites.get(tx, "sdsc").runners
        assert [(runner.id, runner.name, runner.state, runner.labels) for runner in found] == [
            (joined.id, "one", "offline", ("gpu",))
        ]
        assert changes.Change("runner", joined.id) in changes.consume(tx)


def test_a_registration_token_ends_by_time_and_by_revocation(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        sites.create(tx, clock(), name="sdsc", edge_url=EDGE)
        short = sites.create_registration_token(tx, "sdsc", "", 1, clock())
        long = sites.create_registration_token(tx, "sdsc", "", 9, clock())
        clock.pass_(days=2)
        with pytest.raises(Unauthenticated):
            sites.register(tx, wire.Registration(short.secret, "one"), clock())
        sites.revoke_registration_token(tx, "sdsc", long.id)
        with pytest.raises(Unauthenticated):
            sites.register(tx, wire.Registration(long.secret, "one"), clock())
        with pytest.raises(NotFound):
            sites.revoke_registration_token(tx, "sdsc", long.id)


def test_each_session_begins_an_epoch_and_ends_the_ones_before(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        sites.create(tx, clock(), name="sdsc", edge_url=EDGE)
        joined = join(tx, clock, "sdsc")
        first = sites.open_session(tx, joined.id, joined.token, wire.VERSION, clock())
        assert sites.check_epoch(tx, joined.id, joined.token, first.epoch) == "sdsc"
        second = sites.open_session(tx, joined.id, joined.token, wire.VERSION, clock())
        assert second.epoch == first.epoch + 1
        with pytest.raises(EpochStale):
            sites.check_epoch(tx, joined.id, joined.token, first.epoch)
        with pytest.raises(Unauthenticated):
            sites.open_session(tx, joined.id, "wrong", wire.VERSION, clock())
        with pytest.raises(Invalid, match="version"):
            sites.open_session(tx, joined.id, joined.token, wire.VERSION + 1, clock())


def test_a_name_is_taken_over_from_an_offline_runner_only(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        sites.create(tx, clock(), name="sdsc", edge_url=EDGE)
        old = join(tx, clock, "sdsc")
        session = sites.open_session(tx, old.id, old.token, wire.VERSION, clock())
        tx.execute(update(schema.runners).values(online=True))
        with pytest.raises(NameTaken):
            join(tx, clock, "sdsc")
        tx.execute(update(schema.runners).values(online=False))
        new = join(tx, clock, "sdsc")
        assert new.id == old.id
        with pytest.raises(Unauthenticated):
            sites.check_epoch(tx, old.id, old.token, session.epoch)
        with pytest.raises(EpochStale):
            sites.check_epoch(tx, new.id, new.token, session.epoch)


def test_a_site_with_runners_or_datasets_is_not_removed(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        site = sites.create(tx, clock(), name="sdsc", edge_url=EDGE)
        joined = join(tx, clock, "sdsc")
        with pytest.raises(InUse, match="one"):
            sites.remove(tx, "sdsc")
        sites.remove_runner(tx, joined.id)
        now = clock()
        tx.execute(
            schema.datasets.insert().values(
                id="d1", title="d", creators=[], metadata={}, created_at=now, updated_at=now
            )
        )
        tx.execute(
            schema.locations.insert().values(
                id="l1", dataset_id="d1", site_id=site.id, kind="file", path="/data/x"
            )
        )
        with pytest.raises(InUse):
            sites.remove(tx, "sdsc")
        tx.execute(schema.locations.delete())
        sites.remove(tx, "sdsc")
        with pytest.raises(SiteUnknown):
            sites.get(tx, "sdsc")


def test_a_tagged_site_and_its_runners_are_hidden_from_others(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        site = sites.create(tx, clock(), name="sdsc", edge_url=EDGE)
        sites.create(tx, clock(), name="open", edge_url=EDGE)
        runner = join(tx, clock, "sdsc").id
        tag = accounts.create_tag(tx, "lab", "", clock())
        accounts.put_tag_on(tx, tag.id, "site", site.name)
        ann = user(tx, clock)
        holder = replace(ann, tags=frozenset({"lab"}))
        assert [found.name for found in sites.page(tx, None, 9, ann)] == ["open"]
        with pytest.raises(SiteUnknown):
            sites.get(tx, "sdsc", ann)
        with pytest.raises(RunnerUnknown):
            sites.runner(tx, runner, ann)
        assert sites.get(tx, "sdsc", holder).tags == ("lab",)
        assert sites.runner(tx, runner, holder).id == runner


@pytest.mark.parametrize(
    "edge_url",
    [
        "",
        "http://localhost:8470",
        "http://tools.example.org/{run}",
        "https://{run}.{run}.example.org",
        "ftp://{run}.example.org",
        "https://{run}.example.org/path",
        "https://[::1",
    ],
)
def test_an_edge_without_an_origin_for_each_run_is_refused(edge_url: str) -> None:
    assert sites.edge_url_faults(edge_url)


@pytest.mark.parametrize("edge_url", [EDGE, "https://{run}.tools.example.org", "https://{run}.t.org/"])
def test_an_edge_with_an_origin_for_each_run_is_accepted(edge_url: str) -> None:
    assert not sites.edge_url_faults(edge_url)
