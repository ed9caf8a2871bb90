"""Rules of coming in, on whatever people type."""

from __future__ import annotations

import re
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from alongside.spec.admission import address, first_standing, in_domains, names_for

POLICIES = st.sampled_from(["open", "domain", "invitation", "approval", "closed"])


@given(st.text(max_size=80))
def test_a_name_made_of_anything_is_one_that_an_account_may_have(text: str) -> None:
    names = list(islice(names_for(text), 5))
    assert len(set(names)) == 5
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", name) for name in names)


@given(st.text(max_size=60))
def test_an_address_is_compared_in_one_form_or_refused(text: str) -> None:
    found = address(text)
    if found is not None:
        assert address(found) == found
        assert found.count("@") == 1
        assert not any(char.isspace() or char in "<>,;\r\n\0" for char in found)


def test_addresses_that_mail_servers_would_not_take_are_refused() -> None:
    assert address(" Ann@Example.ORG ") == "ann@example.org"
    for text in ("", "ann", "@x.org", "ann@", "a b@x.org", "a@b@c", "a@x..org", "a@x.org\nBcc: b@x.org"):
        assert address(text) is None


def test_a_domain_is_not_the_one_it_ends_with() -> None:
    assert in_domains("ann@example.org", ["Example.org"])
    assert in_domains("ann@example.org", ["@example.org"])
    assert not in_domains("ann@evil-example.org", ["example.org"])
    assert not in_domains("ann@sub.example.org", ["example.org"])


@given(POLICIES, st.booleans(), st.booleans(), st.sampled_from([None, "a@x.org", "a@y.org"]))
def test_nobody_is_admitted_by_a_policy_that_does_not_say_so(
    policy: str, invited: bool, verified: bool, email: str | None
) -> None:
    standing, waits = first_standing(
        policy,  # type: ignore[arg-type]
        invited=invited,
        email=email,
        verified=verified,
        domains=["x.org"],
    )
    assert (standing == "waiting") == (waits != "")
    if policy == "closed" or (policy == "invitation" and not invited):
        assert standing == "refused"
    if policy == "approval" and not invited:
        assert (standing, waits) == ("waiting", "approval")
    if policy == "domain" and not invited:
        assert (standing == "admitted") == (email == "a@x.org" and verified)
