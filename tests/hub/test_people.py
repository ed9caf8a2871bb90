"""Accounts, credentials, groups, tags and quotas, on each database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert

from alongside.config import AccountSettings
from alongside.errors import (
    AccountUnknown,
    Forbidden,
    InUse,
    Invalid,
    NameTaken,
    QuotaExceeded,
    RateLimited,
    TokenUnknown,
    Unauthenticated,
)
from alongside.hub import accounts
from alongside.hub.store import changes, schema
from alongside.hub.store.database import Database, Tx
from alongside.spec.accounts import ROLE_SCOPES, Account, Caller, Limits, Role
from alongside.spec.tools import Resources
from support.clocks import Clock


def person(tx: Tx, clock: Clock, name: str, role: Role = "user", **more: object) -> Account:
    return accounts.create(tx, clock(), name=name, role=role, **more)  # type: ignore[arg-type]


def caller(account: Account) -> Caller:
    return Caller(account, ROLE_SCOPES[account.role], "session", "none")


def add_run(tx: Tx, clock: Clock, account: Account, number: int, **more: object) -> None:
    if number == 0:
        tx.execute(insert(schema.tools).values(id="t1", name="t", created_at=clock()))
        tx.execute(
            insert(schema.tool_versions).values(
                id="v1", tool_id="t1", version="1", spec={}, digest="", created_at=clock()
            )
        )
    tx.execute(
        insert(schema.runs).values(
            id=f"r{number}",
            account_id=account.id,
            tool_version_id="v1",
            tool="t",
            version="1",
            kind="task",
            request={},
            created_at=clock(),
            updated_at=clock(),
            **{"state": "running", "cpus": 2.0, "memory_gb": 4.0, **more},
        )
    )


def test_an_account_is_found_as_it_was_made(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        made = person(tx, clock, "ann", email="ann@example.org", limits=Limits(running=2))
    with database.read() as tx:
        assert accounts.get(tx, made.id) == made
        assert accounts.by_name(tx, "ann") == made
        assert accounts.page(tx, None, 10) == [made]


def test_two_accounts_cannot_have_one_name(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        person(tx, clock, "ann")
    with pytest.raises(NameTaken), database.write() as tx:
        person(tx, clock, "ann")


@pytest.mark.parametrize("name", ["", "Ann", "-a", "../etc", "a b", "a" * 64, "ä", "a\n"])
def test_a_name_that_cannot_be_a_folder_is_refused(
    sqlite_database: Database, clock: Clock, name: str
) -> None:
    with pytest.raises(Invalid), sqlite_database.write() as tx:
        person(tx, clock, name)


def test_pages_follow_each_other_without_gap_or_repetition(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        made = []
        for number in range(5):
            made.append(person(tx, clock, f"p{number}"))
            clock.pass_(seconds=1)
    with database.read() as tx:
        first = accounts.page(tx, None, 2)
        second = accounts.page(tx, first[-1].id, 2)
        third = accounts.page(tx, second[-1].id, 2)
    assert [*first, *second, *third] == made


def test_the_last_administrator_stays(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        root = person(tx, clock, "root", "admin")
        for members in ({"role": "user"}, {"active": False}):
            with pytest.raises(InUse):
                accounts.edit(tx, root.id, members)
        with pytest.raises(InUse):
            accounts.remove(tx, root.id)
        other = person(tx, clock, "other", "admin")
        accounts.remove(tx, root.id)
        with pytest.raises(AccountUnknown):
            accounts.get(tx, root.id)
        assert accounts.page(tx, None, 10) == [other]


def test_an_account_with_runs_is_not_removed(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        ann = person(tx, clock, "ann")
        add_run(tx, clock, ann, 0, state="complete")
        with pytest.raises(InUse):
            accounts.remove(tx, ann.id)


def test_a_session_ends_by_time_by_signing_out_and_with_its_account(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        ann = person(tx, clock, "ann")
        first = accounts.open_session(tx, ann, 1, clock())
        second = accounts.open_session(tx, ann, 3, clock())
        who = accounts.by_session(tx, first.secret, clock())
        assert (who.caller.account, who.csrf) == (ann, first.csrf)
        clock.pass_(days=2)
        with pytest.raises(Unauthenticated):
            accounts.by_session(tx, first.secret, clock())
        accounts.sign_out(tx, accounts.by_session(tx, second.secret, clock()).caller)
        with pytest.raises(Unauthenticated):
            accounts.by_session(tx, second.secret, clock())
        third = accounts.open_session(tx, ann, 3, clock())
        accounts.edit(tx, ann.id, {"active": False})
        with pytest.raises(Unauthenticated):
            accounts.by_session(tx, third.secret, clock())


def test_signing_out_tells_the_dispatcher_to_close_the_tools(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        ann = person(tx, clock, "ann")
        session = accounts.open_session(tx, ann, 1, clock())
        accounts.sign_out(tx, accounts.by_session(tx, session.secret, clock()).caller)
        assert changes.Change("revoke", f"account:{ann.id}") in changes.consume(tx)


def test_secrets_are_nowhere_in_the_database(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        ann = person(tx, clock, "ann")
        secrets = [
            accounts.open_session(tx, ann, 1, clock()).secret,
            accounts.create_token(tx, caller(ann), "t", ["read"], 1, clock()).secret,
            accounts.create_link(tx, ann.id, 5, clock())[0],
        ]
        rows = [str(row) for table in schema.metadata.sorted_tables for row in tx.execute(table.select())]
    # the account and word of it, and one for each secret
    assert len(rows) == 2 + len(secrets)
    assert not [secret for secret in secrets if any(secret in row for row in rows)]


def test_a_link_signs_in_once_and_only_in_time(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        ann = person(tx, clock, "ann")
        secret, _ = accounts.create_link(tx, ann.id, 10, clock())
        late, _ = accounts.create_link(tx, ann.id, 10, clock())
        assert accounts.use_link(tx, secret, clock()) == ann
        with pytest.raises(Unauthenticated):
            accounts.use_link(tx, secret, clock())
        clock.pass_(minutes=11)
        with pytest.raises(Unauthenticated):
            accounts.use_link(tx, late, clock())


def test_a_token_carries_what_both_it_and_its_owner_hold(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        root = person(tx, clock, "root", "admin")
        person(tx, clock, "other", "admin")
        token = accounts.create_token(tx, caller(root), "t", ["admin", "read"], 1, clock())
        assert accounts.by_token(tx, token.secret, clock()).caller.scopes == {"read", "admin"}
        accounts.edit(tx, root.id, {"role": "guest"})
        found = accounts.by_token(tx, token.secret, clock()).caller
        assert (found.scopes, found.is_admin) == ({"read"}, False)


def test_nobody_gives_a_token_more_than_they_hold(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        guest = person(tx, clock, "guest", "guest")
        with pytest.raises(Forbidden, match="publish"):
            accounts.create_token(tx, caller(guest), "t", ["read", "publish"], 1, clock())


def test_a_token_ends_by_time_and_by_revocation_by_its_owner_alone(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        ann, bob = person(tx, clock, "ann"), person(tx, clock, "bob")
        short = accounts.create_token(tx, caller(ann), "short", ["read"], 1, clock())
        long = accounts.create_token(tx, caller(ann), "long", ["read"], 9, clock())
        clock.pass_(days=2)
        with pytest.raises(Unauthenticated):
            accounts.by_token(tx, short.secret, clock())
        with pytest.raises(TokenUnknown):
            accounts.revoke_token(tx, bob.id, long.token.id)
        assert accounts.by_token(tx, long.secret, clock()).caller.account == ann
        accounts.revoke_token(tx, ann.id, long.token.id)
        with pytest.raises(Unauthenticated):
            accounts.by_token(tx, long.secret, clock())


def test_a_new_password_ends_the_other_sessions(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        ann = person(tx, clock, "ann")
        here, there = (accounts.open_session(tx, ann, 1, clock()) for _ in range(2))
        accounts.change_password(tx, ann.id, "hash", keep_session=here.id)
        assert accounts.by_session(tx, here.secret, clock()).caller.account == ann
        with pytest.raises(Unauthenticated):
            accounts.by_session(tx, there.secret, clock())
        assert accounts.password_of(tx, "ann") == (ann, "hash")


def test_tags_come_from_the_account_and_from_its_groups(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        ann, bob = person(tx, clock, "ann"), person(tx, clock, "bob")
        group = accounts.create_group(tx, "lidar", clock())
        accounts.add_member(tx, group.id, ann.id)
        mine, ours = (accounts.create_tag(tx, name, "", clock()) for name in ("mine", "ours"))
        accounts.grant_to_account(tx, mine.id, ann.id)
        accounts.grant_to_group(tx, ours.id, group.id)
        # A second time changes nothing.
        accounts.grant_to_group(tx, ours.id, group.id)
        session = accounts.open_session(tx, ann, 1, clock())
        assert accounts.by_session(tx, session.secret, clock()).caller.tags == {"mine", "ours"}
        accounts.remove_member(tx, group.id, ann.id)
        assert accounts.by_session(tx, session.secret, clock()).caller.tags == {"mine"}
        other = accounts.open_session(tx, bob, 1, clock())
        assert accounts.by_session(tx, other.secret, clock()).caller.tags == frozenset()


def test_a_tagged_thing_is_seen_by_holders_and_administrators_only(
    sqlite_database: Database, clock: Clock
) -> None:
    with sqlite_database.write() as tx:
        ann, root = caller(person(tx, clock, "ann")), caller(person(tx, clock, "root", "admin"))
    holder = replace(ann, tags=frozenset({"lidar"}))
    assert accounts.may_see(ann, ())
    assert not accounts.may_see(ann, ("lidar",))
    assert accounts.may_see(holder, ("other", "lidar"))
    assert accounts.may_see(root, ("lidar",))


def test_removing_a_group_or_tag_takes_its_grants_along(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        ann = person(tx, clock, "ann")
        group = accounts.create_group(tx, "g", clock())
        tag = accounts.create_tag(tx, "t", "", clock())
        accounts.add_member(tx, group.id, ann.id)
        accounts.grant_to_group(tx, tag.id, group.id)
        accounts.grant_to_account(tx, tag.id, ann.id)
        accounts.remove_group(tx, group.id)
        assert accounts.get_tag(tx, tag.id).groups == ()
        assert accounts.get_tag(tx, tag.id).accounts == (ann.id,)
        accounts.remove(tx, ann.id)
        assert accounts.get_tag(tx, tag.id).accounts == ()


def test_a_quota_names_every_limit_in_the_way(database: Database, clock: Clock) -> None:
    settings = AccountSettings(running_max=2, cpus_max=5.0, memory_gb_max=0.0)
    with database.write() as tx:
        ann = person(tx, clock, "ann")
        add_run(tx, clock, ann, 0)
        accounts.check_quota(tx, ann, Resources(cpus=3, memory_gb=1000), settings)
        add_run(tx, clock, ann, 1)
        add_run(tx, clock, ann, 2, state="complete")
        quota = accounts.usage(tx, ann, settings)
        assert quota.running == accounts.Share(2, 2)
        assert quota.memory_gb == accounts.Share(8.0, None)
        with pytest.raises(QuotaExceeded, match=r"2 runs at once, hold 2 .* 5 cores, hold 4") as caught:
            accounts.check_quota(tx, ann, Resources(cpus=2, memory_gb=1), settings)
    assert caught.value.extra["cpus"] == {"used": 4.0, "limit": 5.0}


def test_limits_of_an_account_come_before_those_of_the_hub(database: Database, clock: Clock) -> None:
    settings = AccountSettings(running_max=1)
    with database.write() as tx:
        ann = person(tx, clock, "ann", limits=Limits(running=0))
        with pytest.raises(QuotaExceeded):
            accounts.check_quota(tx, ann, Resources(), settings)


def test_a_password_is_recognised_and_others_are_not() -> None:
    passwords = accounts.Passwords()
    stored = passwords.hashed("correct horse")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.matches(stored, "correct horse")
    assert not passwords.matches(stored, "wrong horse")
    assert not passwords.matches(None, "correct horse")
    assert not passwords.matches(stored, "x" * 2000)


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
def test_a_password_of_a_wrong_length_is_refused(password: str) -> None:
    with pytest.raises(Invalid):
        accounts.Passwords().hashed(password)


def test_guessing_is_slowed_down_and_forgotten_later(database: Database, clock: Clock) -> None:
    ann, here = accounts.throttle.FAILED_NAME.of("ann"), accounts.throttle.FAILED_ADDRESS.of("192.0.2.1")
    for _ in range(10):
        with database.write() as tx:
            accounts.throttle.check(tx, [ann, here], clock())
            accounts.throttle.count(tx, [ann, here], clock())
    with database.read() as tx:
        with pytest.raises(RateLimited) as caught:
            accounts.throttle.check(tx, [ann], clock())
        assert 0 < caught.value.extra["retry_after_s"] <= 301  # type: ignore[operator]
        accounts.throttle.check(tx, [accounts.throttle.FAILED_NAME.of("bob"), here], clock())
        clock.pass_(minutes=6)
        accounts.throttle.check(tx, [ann], clock())
    with database.write() as tx:
        accounts.throttle.count(tx, [ann], clock())
        accounts.throttle.check(tx, [ann], clock())
        clock.pass_(days=2)
        accounts.throttle.purge(tx, clock())


def test_one_address_cannot_guess_for_many_names(database: Database, clock: Clock) -> None:
    here, there = (accounts.throttle.FAILED_ADDRESS.of(address) for address in ("192.0.2.1", "192.0.2.2"))
    with database.write() as tx:
        for _ in range(50):
            accounts.throttle.count(tx, [here], clock())
        with pytest.raises(RateLimited):
            accounts.throttle.check(tx, [here], clock())
        accounts.throttle.check(tx, [there], clock())
