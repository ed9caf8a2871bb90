"""From a request to a result, over the real store, on a clock turned by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event

from alongside.errors import Forbidden, Invalid, NameTaken, QuotaExceeded, RunUnknown, Unplaceable
from alongside.hub import accounts, datasets, runs
from alongside.hub.clockwork import Incoming
from alongside.hub.store import changes
from alongside.hub.store.database import Database
from alongside.hub.store.leadership import LeadershipLost
from alongside.hub.store.schema import runners
from alongside.spec.accounts import Limits
from alongside.spec.runs import DatasetUse, RunRequest
from alongside.spec.wire import Holding, Report, SyncAnswer
from support import catalog
from support.houses import House, a_house
from support.people import person


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path / "data", database=database) as house:
        house.join("lab", "r1")
        house.sync("r1")
        yield house


def test_a_task_is_assigned_by_a_sync_and_completed_by_reports(house: House) -> None:
    run = house.request("count", arguments={"n": 3})
    assert run.state == "queued"

    house.sync("r1")
    (held,) = house.runners["r1"].held.values()
    assert (held.assignment.run, held.assignment.attempt) == (run.id, 1)
    assert held.assignment.arguments == {"n": 3}
    assert house.run(run.id).state == "initializing"

    house.runners["r1"].start(run.id)
    house.sync("r1")
    assert house.run(run.id).state == "running"

    house.runners["r1"].finish(run.id, exit_code=0)
    house.sync("r1")
    done = house.run(run.id)
    assert (done.state, done.exit_code, done.progress) == ("complete", 0, 100.0)
    assert house.runners["r1"].held == {}


def test_a_run_that_is_read_again_waits_once(house: House) -> None:
    house.request("count", cpus=4)
    other = house.request("count", cpus=4)
    house.sync("r1")
    # Whatever changes about a site makes the dispatcher read every waiting run again.
    for name in ("one", "two"):
        house.dataset(f"doi:10.5072/{name}", at="lab")
        house.sync("r1")
    (held,) = house.runners["r1"].held
    house.runners["r1"].finish(held[0], exit_code=0)
    house.sync("r1")
    assert [run for run, _ in house.runners["r1"].held] == [other.id]


def test_quick_tasks_of_one_kind_share_a_lease(house: House) -> None:
    def finish_all() -> None:
        double = house.runners["r1"]
        for run, _ in list(double.held):
            double.start(run)
            house.sync("r1")
            house.clock.pass_s(0.1)
            double.finish(run, exit_code=0)
            house.sync("r1")

    house.request("count", cpus=4)
    house.sync("r1")
    finish_all()
    runs = [house.request("count", cpus=4) for _ in range(5)]
    house.sync("r1")
    held = house.runners["r1"].held
    assert [run for run, _ in held] == [run.id for run in runs]
    assert len({item.assignment.lease for item in held.values()}) == 1
    finish_all()
    assert {house.run(run.id).state for run in runs} == {"complete"}


def test_slow_tasks_do_not_wait_behind_each_other(house: House) -> None:
    house.request("count", cpus=4)
    house.sync("r1")
    ((run, _),) = house.runners["r1"].held
    house.runners["r1"].start(run)
    house.sync("r1")
    house.pass_s(30, syncing=("r1",))
    house.runners["r1"].finish(run, exit_code=0)
    for _ in range(2):
        house.request("count", cpus=4)
    house.sync("r1")
    assert len(house.runners["r1"].held) == 1


def test_a_quota_is_checked_when_a_run_is_asked_for_and_when_it_starts_again(house: House) -> None:
    with house.hub.database.write() as tx:
        house.people["bob"] = person(tx, house.clock(), "bob", limits=Limits(running=1))
    first = house.request("notebook", who="bob")
    with pytest.raises(QuotaExceeded, match="hold 1 runs at once, hold 1 and ask for 1 more"):
        house.request("notebook", who="bob")
    house.act(first.id, "stop", who="bob")
    house.request("count", who="bob")
    with pytest.raises(QuotaExceeded):
        house.act(first.id, "start", who="bob")


def test_every_fault_of_a_request_is_named(house: House) -> None:
    with house.hub.database.write() as tx:
        catalog.tool(
            tx,
            house.people["admin"],
            "strict",
            house.clock(),
            input_path="/in",
            arguments={
                "type": "object",
                "properties": {"n": {"type": "integer"}, "mode": {"enum": ["a", "b"]}},
                "required": ["n"],
                "additionalProperties": False,
            },
        )
    with pytest.raises(Invalid) as caught:
        house.request(
            "strict", arguments={"mode": "c", "x": 1}, time_limit_s=-1, executor="docker", open="../x"
        )
    assert {fault.field for fault in caught.value.faults} == {
        "arguments",
        "arguments.mode",
        "datasets",
        "executor",
        "open",
        "time_limit_s",
    }
    assert len([fault for fault in caught.value.faults if fault.field == "arguments"]) == 2


def test_what_no_site_can_ever_run_is_refused_with_the_reasons(house: House) -> None:
    with pytest.raises(Unplaceable) as caught:
        house.request("count", cpus=64)
    assert caught.value.detail == "no site can run this: lab: needs 64 cpus, 4 in all"
    house.join("sdsc", "r2")
    house.dataset("doi:10.5072/far", at="sdsc")
    with pytest.raises(Unplaceable, match=r"lab: no location of doi:10\.5072/far here"):
        house.request("count", datasets=("https://doi.org/10.5072/FAR",), site="lab")


def test_a_run_goes_to_the_site_of_its_dataset_and_is_told_where_it_lies(house: House) -> None:
    house.join("sdsc", "r2")
    house.sync("r2")
    house.dataset("doi:10.5072/far", at="sdsc")
    run = house.request("count", datasets=("doi:10.5072/far",))
    house.sync("r1")
    house.sync("r2")
    (held,) = house.runners["r2"].held.values()
    assert held.assignment.run == run.id
    (mount,) = held.assignment.datasets
    assert (mount.name, mount.mode, [source.path for source in mount.sources]) == (
        "far",
        "mount",
        ["/data/far"],
    )


def test_datasets_come_and_go_while_a_tool_runs(house: House) -> None:
    for name in ("one", "two"):
        house.dataset(f"doi:10.5072/{name}", at="lab")
    run = house.request("notebook", datasets=("doi:10.5072/one",))
    house.sync("r1")
    early = house.act(run.id, "attach", id="doi:10.5072/two")
    assert early.state == "queued"
    house.runners["r1"].start(run.id)
    house.runners["r1"].ready(run.id)
    for _ in range(3):
        house.sync("r1")
    assert house.action(early.id).state == "complete"
    assert {item.name: item.status for item in house.run(run.id).datasets} == {"one": None, "two": "mounted"}
    with pytest.raises(NameTaken):
        house.act(run.id, "attach", id="doi:10.5072/two")
    gone = house.act(run.id, "detach", name="one")
    for _ in range(2):
        house.sync("r1")
    assert house.action(gone.id).state == "complete"
    assert [item.name for item in house.run(run.id).datasets] == ["two"]


def test_a_dataset_that_cannot_come_is_not_attached(house: House) -> None:
    house.join("sdsc", "r2")
    house.dataset("doi:10.5072/far", at="sdsc")
    run = house.request("notebook", site="lab")
    house.sync("r1")
    house.runners["r1"].start(run.id)
    house.sync("r1")
    with pytest.raises(Unplaceable, match="is at sdsc and cannot be brought to lab"):
        house.act(run.id, "attach", id="doi:10.5072/far")


def test_why_a_run_waits_and_where_it_stands_in_the_line(house: House) -> None:
    house.request("count", cpus=4)
    first = house.request("count", cpus=3)
    second = house.request("count", cpus=2)
    house.sync("r1")
    with house.hub.database.read() as tx:
        explanation = runs.explain(
            tx, house.people["ann"], second.id, house.hub.clock(), config=house.hub.config
        )
    assert [item.reason for item in explanation.refusals] == ["lab: needs 2 cpus, 0 free"]
    assert explanation.position == 2
    assert house.run(first.id).reason == "lab: needs 3 cpus, 0 free"


def test_nobody_is_told_of_a_site_that_is_closed_to_them(house: House) -> None:
    house.join("secret", "r2")
    house.sync("r2")
    with house.hub.database.write() as tx:
        tag = accounts.create_tag(tx, "project", "", house.clock())
        accounts.put_tag_on(tx, tag.id, "site", "secret")
    house.request("count", cpus=4)
    waits = house.request("count", cpus=3)
    house.sync("r1")
    told = house.run(waits.id)
    assert (told.reason, told.reason_code) == ("lab: needs 3 cpus, 0 free", "waiting_for_capacity")
    with house.hub.database.read() as tx:
        seen = runs.explain(tx, house.people["ann"], waits.id, house.hub.clock(), config=house.hub.config)
        administrators = runs.explain(
            tx, house.people["admin"], waits.id, house.hub.clock(), config=house.hub.config
        )
        history = [event.message for event in runs.events(tx, house.people["ann"], waits.id)]
    assert [refusal.site for refusal in seen.refusals] == ["lab"]
    assert [refusal.site for refusal in administrators.refusals] == ["lab", "secret"]
    assert not any("secret" in message for message in history)


def test_a_site_that_was_closed_to_somebody_takes_their_runs_no_longer(house: House) -> None:
    ann = house.people["ann"].account.id
    with house.hub.database.write() as tx:
        tag = accounts.create_tag(tx, "project", "", house.clock()).id
        accounts.grant_to_account(tx, tag, ann)
        accounts.put_tag_on(tx, tag, "site", "lab")
    before = house.request("count")
    house.sync("r1")
    waiting = house.request("count").id
    with house.hub.database.write() as tx:
        accounts.take_from_account(tx, tag, ann)
    house.sync("r1")
    assert (house.run(before.id).state, house.run(waiting).state) == ("initializing", "queued")
    with house.hub.database.write() as tx:
        group = accounts.create_group(tx, "team", house.clock()).id
        accounts.grant_to_group(tx, tag, group)
        accounts.add_member(tx, group, ann)
    house.sync("r1")
    assert house.run(waiting).state == "initializing"


def test_other_people_see_nothing_of_a_run_and_steer_nothing(house: House) -> None:
    with house.hub.database.write() as tx:
        house.people["eve"] = person(tx, house.clock(), "eve")
    run = house.request("count")
    eve = house.people["eve"]
    with house.hub.database.read() as tx:
        assert runs.listing(tx, eve) == []
        for look in (runs.get, runs.events, runs.attempts):
            with pytest.raises(RunUnknown):
                look(tx, eve, run.id)
        with pytest.raises(Forbidden):
            runs.listing(tx, eve, everyone=True)
        assert [item.id for item in runs.listing(tx, house.people["admin"], everyone=True)] == [run.id]
    with pytest.raises(RunUnknown):
        house.act(run.id, "cancel", who="eve")


def test_a_matching_run_is_offered_again(house: House) -> None:
    house.dataset("doi:10.5072/one", at="lab")
    run = house.request("notebook", datasets=("doi:10.5072/one",))
    ann = house.people["ann"]
    wish = RunRequest("notebook", datasets=(DatasetUse("https://doi.org/10.5072/one"),))
    with house.hub.database.read() as tx:
        found = runs.find_match(tx, ann, wish)
        assert found is not None
        assert found.id == run.id
        assert runs.find_match(tx, ann, RunRequest("notebook")) is None
        assert runs.find_match(tx, house.people["admin"], wish) is None


def test_a_run_with_more_data_than_asked_for_is_offered_if_none_has_just_that(house: House) -> None:
    one, two = "doi:10.5072/one", "doi:10.5072/two"
    for name in (one, two):
        house.dataset(name, at="lab")
    double = house.runners["r1"]

    def start(*datasets: str) -> str:
        run = house.request("notebook", datasets=datasets, cpus=1).id
        house.sync("r1")
        double.start(run)
        double.ready(run)
        house.sync("r1")
        return run

    def match(*datasets: str) -> str | None:
        with house.hub.database.read() as tx:
            wish = RunRequest("notebook", datasets=tuple(DatasetUse(item) for item in datasets))
            found = runs.find_match(tx, house.people["ann"], wish)
            return found and found.id

    waiting = house.request("notebook", datasets=(one, two), cpus=4).id
    assert match(one) is None, "nothing is there yet to be opened instead"
    house.act(waiting, "cancel")
    both, newest = start(one, two), start(one, two)
    assert match(one) == newest
    assert match(one, two) == newest
    exact = start(one)
    assert match(one) == exact
    assert match(two) == newest
    for run in (newest, exact):
        double.finish(run, "paused")
    house.sync("r1")
    assert match(two) == both, "one that can be opened at once comes first"
    assert match(one) == exact
    double.finish(both, "executor_error", reason="it crashed")
    house.sync("r1")
    assert match(two) == newest
    assert match("doi:10.5072/nobody-knows") is None


def test_a_dispatcher_whose_epoch_is_over_writes_nothing(house: House) -> None:
    old = house.clockwork
    house.lead()
    run = house.request("count")
    double = house.runners["r1"]
    incoming = Incoming(double.id, double.joined.token, double.say())
    with pytest.raises(LeadershipLost):
        old.turn([incoming], house.clock(), house.clock.monotonic)
    assert house.run(run.id).state == "queued"


def test_a_report_that_the_hub_cannot_take_holds_up_nothing(house: House) -> None:
    broken, other = house.request("count"), house.request("count")
    house.sync("r1")
    double = house.runners["r1"]
    for run in (broken, other):
        double.start(run.id)
    double.report(broken.id, "artifacts", body={"artifacts": [{"path": "x", "size_bytes": "many"}]})
    for run in (broken, other):
        double.finish(run.id, exit_code=0)
    answer = house.sync("r1")
    assert sorted(item.accepted for item in answer.reports) == [False, True, True, True, True]
    assert {house.run(run.id).state for run in (broken, other)} == {"complete"}


@pytest.mark.parametrize(
    ("who", "token", "members"),
    [
        ("\0", None, {}),
        (None, "\udcff", {}),
        (None, None, {"acked_to": 2**70}),
        (None, None, {"holding": (Holding("\0", 2**70, True),)}),
        (None, None, {"reports": (Report("x", 2**70, 1, "ready", datetime.now(UTC)),)}),
        (None, None, {"reports": (Report("\0", 1, 1, "ready", datetime.now(UTC)),)}),
    ],
    ids=["address", "token", "acknowledged", "holding", "attempt", "run"],
)
def test_a_sync_that_the_hub_cannot_take_fails_alone(
    house: House, who: str | None, token: str | None, members: dict[str, Any]
) -> None:
    hostile = house.join("evil", "r2")
    run = house.request("count")
    honest = house.runners["r1"]
    turn = house.turn(
        Incoming(who or hostile.id, token or hostile.joined.token, replace(hostile.say(), **members)),
        Incoming(honest.id, honest.joined.token, honest.say()),
    )
    assert not turn.failed
    answer = turn.answers[1]
    assert isinstance(answer, SyncAnswer)
    assert [item.body["run"] for item in answer.outbox] == [run.id]


def test_deleted_runs_go_for_good_with_their_files(house: House) -> None:
    run = house.request("count")
    house.sync("r1")
    house.runners["r1"].start(run.id)
    house.runners["r1"].finish(run.id, exit_code=0)
    house.sync("r1")
    folder = house.hub.config.data_dir / "logs"
    runs.add_log(folder, run.id, 1, 0, b"text")
    house.act(run.id, "delete")
    house.pass_s(2)
    assert (folder / run.id).exists()
    house.clock.pass_s(2 * 86_400)
    house.turn()
    assert not (folder / run.id).exists()


def test_every_runner_that_had_a_deleted_run_is_told_to_remove_what_it_wrote(house: House) -> None:
    ended, stopped, running = house.request("count"), house.request("notebook"), house.request("notebook")
    never = house.request("notebook")
    house.act(never.id, "delete")
    double = house.runners["r1"]
    house.sync("r1")
    for run in (ended, stopped, running):
        double.start(run.id)
    double.finish(ended.id, exit_code=0)
    house.act(stopped.id, "stop")
    house.settle()
    for run in (ended, stopped, running):
        house.act(run.id, "delete")
    house.settle()
    told = [item.body for item in double.heard if item.kind == "remove"]
    assert sorted(item["run"] for item in told) == sorted((ended.id, stopped.id, running.id))
    assert {item["account"] for item in told} == {ended.account}


def test_a_runner_that_is_removed_takes_nothing_with_it(house: House) -> None:
    run = house.request("count")
    house.sync("r1")
    gone = house.runners.pop("r1").id
    with house.hub.database.write() as tx:
        tx.execute(delete(runners).where(runners.c.id == gone))
        changes.note(tx, "runner", gone)
    house.turn()
    assert (house.run(run.id).state, house.run(run.id).reason_code) == ("queued", "waiting_for_site")


def test_signing_out_closes_the_ways_into_tools(house: House) -> None:
    run = house.request("notebook")
    house.sync("r1")
    house.runners["r1"].start(run.id)
    house.runners["r1"].ready(run.id)
    house.sync("r1")
    with house.hub.database.write() as tx:
        changes.note(tx, "revoke", f"account:{house.people['ann'].account.id}")
    house.sync("r1")
    heard = house.runners["r1"].heard[-1]
    assert (heard.kind, heard.body) == (
        "revoke",
        {"run": run.id, "grantee": house.people["ann"].account.id},
    )


def test_a_size_that_nobody_stated_is_learned_from_the_runner_that_staged_it(house: House) -> None:
    at_site = house.dataset("doi:10.5072/here", at="lab")
    by_address = house.dataset("doi:10.5072/there", at=None, may_leave=True)
    unsized = house.dataset("doi:10.5072/unsized", at=None, address_size=None, may_leave=True)
    wanted = ("doi:10.5072/here", "doi:10.5072/there", "doi:10.5072/unsized")
    run = house.request("notebook", datasets=wanted).id
    house.sync("r1")
    double = house.runners["r1"]
    mounts = double.held[run, 1].assignment.datasets
    assert [mount.sources[0].size_bytes for mount in mounts] == [None, 1000, None]

    def mounted(index: int, **said: object) -> None:
        source = mounts[index].sources[0]
        body = {"name": mounts[index].name, "status": "mounted", "mode": "mount", "detail": ""}
        where = {"location": source.path or source.url}
        double.report(run, "dataset", body={**body, **where, **said})
        house.sync("r1")

    def sizes() -> list[int | None]:
        with house.hub.database.read() as tx:
            ann = house.people["ann"]
            return [datasets.get(tx, ann, item.id).size_bytes for item in (at_site, by_address, unsized)]

    for wrong in (-1, True, "5", 1e300, None):
        mounted(0, size_bytes=wrong)
    mounted(0, size_bytes=5, location="/data/elsewhere")
    assert sizes() == [None, 1000, None]
    mounted(0, size_bytes=12_345)
    assert changes.Change("dataset", at_site.id) in house.turn().heard, "the web app shows it"
    mounted(0, size_bytes=99)
    mounted(1, size_bytes=99)
    mounted(2, size_bytes=99)
    assert sizes() == [12_345, 1000, None], "what is stated stays; at an address it would be a limit"


def test_a_runner_that_is_not_root_serves_administrators_and_says_why_nobody_else(house: House) -> None:
    double = house.join("laptop", "mine")
    alone = tuple(replace(executor, single_tenant=True) for executor in double.offer.executors)
    double.offer = replace(double.offer, executors=alone)
    house.sync("mine")
    run = house.request("count", who="admin", site="laptop")
    house.sync("mine")
    assert list(double.held) == [(run.id, 1)]
    with pytest.raises(Unplaceable, match="serves only administrators here, because the runner is not root"):
        house.request("count", who="ann", site="laptop")


def test_many_tasks_cost_few_statements_each(house: House) -> None:
    with house.hub.database.write() as tx:
        house.people["busy"] = person(tx, house.clock(), "busy", limits=Limits(50, 50, 50))
    double = house.join("lab", "large", cpus=50, memory_gb=50, labels=("large",))
    house.sync("large")
    tasks = [house.request("count", who="busy", cpus=1, labels=("large",)).id for _ in range(40)]
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    event.listen(house.hub.database.engine, "before_cursor_execute", counted)
    house.sync("large")
    assert {run for run, _ in double.held} == set(tasks)
    for run in tasks:
        double.start(run)
        double.finish(run, exit_code=0)
    house.sync("large")
    assert double.spool == []
    assert count < 10 * len(tasks), "reading and writing run by run takes 38 each"
    assert {house.run(run).state for run in tasks} == {"complete"}
