"""How people come to have an account, under each policy, with a clock moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alongside.config import AccountSettings, Config, HubSettings, MailSettings, OidcSettings, read
from alongside.errors import AccountWaiting, Invalid, RegistrationClosed, Unauthenticated
from alongside.hub import accounts
from alongside.hub.accounts import Passwords
from alongside.hub.accounts.outside import Outsider
from alongside.hub.store.database import Database
from support.api import Api
from support.clocks import Clock
from support.post import letters

PASSWORD = "correct horse"
MAIL = MailSettings(host="mail.example.org")
Open = Callable[..., Api]


@pytest.fixture
def hub(tmp_path: Path, clock: Clock) -> Iterator[Open]:
    opened: list[Api] = []

    def open_(registration: str, *, mail: MailSettings = MAIL, **settings: Any) -> Api:
        config = Config(
            data_dir=tmp_path,
            hub=HubSettings(),
            accounts=AccountSettings(registration=registration, **settings),
            mail=mail,
        )
        opened.append(Api(tmp_path, clock, config))
        return opened[-1]

    yield open_
    for api in opened:
        api.close()


def register(api: Api, name: str = "ann", **more: Any) -> Any:
    return api.nobody().post("/accounts", {"name": name, "password": PASSWORD, **more})


def sign_in(api: Api, name: str = "ann", password: str = PASSWORD) -> Any:
    return api.nobody().post("/sign-in", {"name": name, "password": password})


def test_where_registration_is_closed_only_administrators_add_people(hub: Open) -> None:
    api = hub("closed")
    assert register(api).json["code"] == "registration_closed"
    assert api.nobody().get("/sign-in/ways").json["registration"] == "closed"
    root = api.person("root", "admin")
    made = root.post("/accounts", {"name": "bob", "role": "user", "password": PASSWORD})
    assert (made.status_code, sign_in(api, "bob").status_code) == (201, 200)
    assert root.post("/invitations", {}).json["code"] == "registration_closed"


def test_where_it_is_open_whoever_registers_is_in_and_no_more_than_a_user(hub: Open) -> None:
    api = hub("open")
    made = register(api, email="Ann@Example.org")
    assert made.json["role"] == "user"
    assert (made.json["email"], made.json["email_verified"]) == ("ann@example.org", False)
    assert sign_in(api).json["account"]["name"] == "ann"
    for more in ({"role": "admin"}, {"limits": {"cpus": 99}}, {"account_class": "vip"}):
        assert register(api, "eve", **more).json["code"] == "forbidden"
    wrong = register(api, "Eve", email="nobody", password="short")
    assert {fault["field"] for fault in wrong.json["faults"]} == {"name", "password"}
    assert register(api, "ann").json["code"] == "name_taken"


def test_an_address_is_proven_by_its_letter_and_belongs_to_one_account(hub: Open, clock: Clock) -> None:
    api = hub("open")
    register(api, "ann", email="ann@example.org")
    clock.pass_(seconds=1)
    register(api, "eve", email="ann@example.org")
    first, second = letters(api.hub.database, "ann@example.org")
    assert "#token=" in first.body
    confirmed = api.nobody().post("/addresses/confirm", {"token": first.token})
    assert confirmed.json == {"email": "ann@example.org", "admitted": True}
    assert api.nobody().post("/addresses/confirm", {"token": first.token}).status_code == 401
    assert api.nobody().post("/addresses/confirm", {"token": second.token}).status_code == 401
    assert api.person("ann").get("/me").json["account"]["email_verified"] is True
    changed = api.person("ann").patch("/me", {"email": "a@example.org"}).json["account"]
    assert changed["email_verified"] is False


def test_by_domain_an_address_there_has_to_be_proven_first(hub: Open) -> None:
    api = hub("domain", email_domains=("example.org",))
    refused = register(api, email="ann@evil-example.org")
    assert refused.json["faults"] == [{"field": "email", "reason": "must be an address at example.org"}]
    assert register(api, email="ann@example.org").json["standing"] == "waiting"
    waiting = sign_in(api)
    assert (waiting.status_code, waiting.json["code"]) == (403, "account_waiting")
    assert waiting.json["waits_for"] == "address"
    assert sign_in(api, password="another horse").status_code == 401, "who cannot prove it is told nothing"
    [letter] = letters(api.hub.database, "ann@example.org")
    assert api.nobody().post("/addresses/confirm", {"token": letter.token}).json["admitted"] is True
    assert sign_in(api).status_code == 200


def test_an_approval_is_asked_for_given_and_written_down(hub: Open, clock: Clock) -> None:
    api = hub("approval")
    root = api.person("root", "admin")
    assert register(api, email="ann@example.org").json["standing"] == "waiting"
    clock.pass_(seconds=1)
    register(api, "bob")
    told = root.get("/notices").json["items"]
    assert {notice["kind"] for notice in told} == {"approval"}
    queue = root.get("/accounts?standing=waiting").json["items"]
    assert [account["name"] for account in queue] == ["ann", "bob"]
    assert sign_in(api).json["waits_for"] == "approval"
    ann, bob = (account["id"] for account in queue)
    assert root.post(f"/accounts/{ann}/approve").json["standing"] == "admitted"
    assert root.post(f"/accounts/{ann}/refuse").json["code"] == "state_conflict"
    assert root.post(f"/accounts/{bob}/refuse").json["standing"] == "refused"
    assert sign_in(api).status_code == 200
    assert sign_in(api, "bob").json["standing"] == "refused"
    assert "approved" in letters(api.hub.database, "ann@example.org")[-1].subject
    audit = [(entry["actor"], entry["action"], entry["thing"]) for entry in root.get("/audit").json["items"]]
    assert audit == [("root", "refuse", "bob"), ("root", "approve", "ann")]


def test_an_invitation_admits_as_often_as_it_says_until_it_ends_or_is_revoked(
    hub: Open, clock: Clock
) -> None:
    api = hub("invitation")
    root = api.person("root", "admin")
    group = root.post("/groups", {"name": "course"}).json["id"]
    assert register(api).json["faults"][0]["field"] == "invitation"
    made = root.post("/invitations", {"uses": 2, "group": group, "account_class": "student"}).json
    secret = made["url"].partition("/register#invitation=")[2]
    assert made["sent"] is False
    joined = register(api, "ann", invitation=secret)
    assert joined.json["account_class"] == "student"
    assert root.get(f"/groups/{group}").json["members"] == [joined.json["id"]]
    assert register(api, "bob", invitation=secret).status_code == 201
    assert register(api, "eve", invitation=secret).json["faults"][0]["field"] == "invitation"
    personal = root.post("/invitations", {"email": "Cyd@example.org"}).json
    assert personal["sent"] is True
    [letter] = letters(api.hub.database, "cyd@example.org")
    assert register(api, "eve", invitation=letter.token).json["faults"][0]["field"] == "email"
    assert register(api, "cyd", invitation=letter.token, email="cyd@example.org").status_code == 201
    late = root.post("/invitations", {"days": 1}).json["url"].partition("=")[2]
    clock.pass_(days=1)
    assert register(api, "eve", invitation=late).status_code == 422
    listed = root.get("/invitations").json["items"]
    assert "secret" not in str(listed)
    assert root.delete(f"/invitations/{listed[0]['id']}").status_code == 204
    assert root.delete(f"/invitations/{listed[0]['id']}").json["code"] == "invitation_unknown"


def test_a_link_by_mail_makes_the_account_on_first_use_and_tells_nobody_who_is_known(
    hub: Open, clock: Clock
) -> None:
    api = hub("domain", email_domains=("example.org",), sign_in=("link",))
    assert sign_in(api).json["code"] == "forbidden", "no password here"
    for email in ("new.person@example.org", "stranger@elsewhere.org"):
        assert api.nobody().post("/sign-in/ask", {"email": email}).status_code == 202
    assert letters(api.hub.database, "stranger@elsewhere.org") == []
    [letter] = letters(api.hub.database, "new.person@example.org")
    entered = api.nobody().post("/sign-in/link", {"token": letter.token}).json["account"]
    assert (entered["name"], entered["email_verified"]) == ("new.person", True)
    assert api.nobody().post("/sign-in/link", {"token": letter.token}).status_code == 401
    clock.pass_(seconds=1)
    api.nobody().post("/sign-in/ask", {"email": "New.Person@example.org"})
    again = letters(api.hub.database, "new.person@example.org")[-1]
    assert api.nobody().post("/sign-in/link", {"token": again.token}).json["account"]["id"] == entered["id"]


def test_a_forgotten_password_is_set_by_a_letter_and_every_session_ends(hub: Open, clock: Clock) -> None:
    api = hub("open")
    register(api, email="ann@example.org")
    ann = api.person("ann")
    clock.pass_(seconds=1)
    for email in ("ann@example.org", "nobody@example.org"):
        assert api.nobody().post("/password-reset", {"email": email}).status_code == 202
    assert letters(api.hub.database, "nobody@example.org") == []
    letter = letters(api.hub.database, "ann@example.org")[-1]
    wanted = {"token": letter.token, "password": "another horse"}
    assert api.nobody().post("/password-reset/finish", {**wanted, "password": "x"}).status_code == 422
    assert api.nobody().post("/password-reset/finish", wanted).status_code == 204
    assert api.nobody().post("/password-reset/finish", wanted).status_code == 401
    assert ann.get("/me").status_code == 401
    assert sign_in(api, password="another horse").status_code == 200
    clock.pass_(seconds=1)
    api.nobody().post("/password-reset", {"email": "ann@example.org"})
    late = letters(api.hub.database, "ann@example.org")[-1]
    clock.pass_(hours=2)
    assert api.nobody().post("/password-reset/finish", {**wanted, "token": late.token}).status_code == 401


def test_a_letter_to_an_address_of_before_sets_no_password(hub: Open, clock: Clock) -> None:
    api = hub("open")
    register(api, email="ann@example.org")
    ann = api.person("ann")
    clock.pass_(seconds=1)
    api.nobody().post("/password-reset", {"email": "ann@example.org"})
    letter = letters(api.hub.database, "ann@example.org")[-1]
    assert ann.patch("/me", {"email": "ann@example.net"}).status_code == 200
    wanted = {"token": letter.token, "password": "another horse"}
    assert api.nobody().post("/password-reset/finish", wanted).status_code == 401


def test_strangers_make_the_hub_hash_passwords_only_so_often(
    hub: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = hub("closed")
    monkeypatch.setattr(Passwords, "hashed", lambda *_, **__: pytest.fail("hashed"))
    nobody = {"name": "ann", "password": "a good horse"}
    assert closed.nobody().post("/accounts", nobody).json["code"] == "registration_closed"
    monkeypatch.setattr(Passwords, "hashed", lambda *_, **__: "x")
    guess = {"token": "alm_x", "password": "a good horse"}
    answers = {closed.nobody().post("/password-reset/finish", guess).status_code for _ in range(100)}
    assert answers == {401}
    assert closed.nobody().post("/password-reset/finish", guess).status_code == 429


def test_one_address_is_not_flooded_with_letters_whoever_has_it(hub: Open) -> None:
    api = hub("open")
    register(api, email="ann@example.org")
    for email in ("ann@example.org", "nobody@example.org"):
        answers = [api.nobody().post("/password-reset", {"email": email}).status_code for _ in range(6)]
        assert answers == [202] * 5 + [429]
    assert len(letters(api.hub.database, "ann@example.org")) == 6


def test_an_administrator_looks_as_somebody_and_changes_nothing(hub: Open, clock: Clock) -> None:
    api = hub("closed")
    root, ann, other = api.person("root", "admin"), api.person("ann"), api.person("other", "admin")
    assert root.post(f"/accounts/{other.account.id}/look").json["code"] == "forbidden"
    assert (
        api.program("root", "admin", scopes=("admin",)).post(f"/accounts/{ann.account.id}/look").status_code
        == 403
    )
    assert root.post(f"/accounts/{ann.account.id}/look").status_code == 200
    me = root.get("/me").json
    assert (me["account"]["name"], me["looker"], me["scopes"]) == ("ann", "root", ["read"])
    assert root.patch("/me", {"display_name": "x"}).json["code"] == "read_only_look"
    assert root.post("/tokens", {"name": "t", "scopes": ["read"]}).json["code"] == "read_only_look"
    assert root.get("/accounts").status_code == 403
    assert root.get("/me/export").json["code"] == "read_only_look"
    assert root.delete("/look").status_code == 204
    assert root.get("/me").json["account"]["name"] == "root"
    root.post(f"/accounts/{ann.account.id}/look")
    clock.pass_(minutes=61)
    assert root.get("/me").json["looker"] is None
    acts = [entry["action"] for entry in root.get("/audit?thing=ann").json["items"]]
    assert acts == ["look", "look_ended", "look"]


def test_an_outside_identity_is_its_issuer_and_subject_and_not_an_address(
    database: Database, clock: Clock
) -> None:
    config = Config(accounts=AccountSettings(registration="closed"))
    ann = Outsider("https://id.example.org", "1", "ann@example.org", True, "Ann Lee", "ann")
    with database.write() as tx:
        local = accounts.create(
            tx, clock(), name="ann", role="user", email="ann@example.org", email_verified=True
        )
        entered = accounts.outside.enter(tx, ann, config, clock())
        assert entered.id != local.id, "a provider that says so does not enter an account that exists"
        assert (entered.name, entered.email_verified) == ("ann-2", False)
        renamed = Outsider(ann.issuer, "1", "other@example.org", True, "Somebody", "eve")
        assert accounts.outside.enter(tx, renamed, config, clock()).id == entered.id
    strict = Config(
        accounts=config.accounts, oidc=OidcSettings(admits_all=False, trusted_domains=("example.org",))
    )
    with database.write() as tx:
        trusted = Outsider("https://id.example.org", "2", "ann@example.org", True)
        assert accounts.outside.enter(tx, trusted, strict, clock()).id == local.id
        with pytest.raises(RegistrationClosed):
            accounts.outside.enter(tx, Outsider("https://id.example.org", "3"), strict, clock())
        accounts.edit(tx, entered.id, {"active": False})
        with pytest.raises(Unauthenticated):
            accounts.admission.admitted(accounts.outside.enter(tx, ann, config, clock()), config, clock())
    waiting = Config(accounts=AccountSettings(registration="approval"), oidc=OidcSettings(admits_all=False))
    bobs = Outsider("https://id.example.org", "4", name="Bob")
    with database.write() as tx:
        bob = accounts.outside.enter(tx, bobs, waiting, clock())
    with pytest.raises(AccountWaiting):
        accounts.admission.admitted(bob, waiting, clock())


def test_settings_that_contradict_each_other_are_refused_all_at_once(tmp_path: Path) -> None:
    environ = {
        "ALONGSIDE_DATA_DIR": str(tmp_path),
        "ALONGSIDE_ACCOUNTS_REGISTRATION": "domain",
        "ALONGSIDE_ACCOUNTS_SIGN_IN": "link,oidc,carrier-pigeon",
        "ALONGSIDE_OIDC_ISSUER": "http://id.example.org",
    }
    with pytest.raises(Invalid) as caught:
        read(environ=environ)
    named = {fault.field for fault in caught.value.faults}
    assert named == {
        "accounts.sign_in",
        "accounts.email_domains",
        "mail.host",
        "oidc.client_id",
        "oidc.issuer",
    }
