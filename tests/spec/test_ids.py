"""Our own ids: lower-case ULIDs, ordered by time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alongside.spec.ids import ENTROPY_BYTES, is_ulid, ulid

moments = st.integers(0, 2**48 - 1)
entropies = st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES)


@given(moments, entropies)
def test_a_ulid_is_a_host_name_label_and_known_as_one(milliseconds: int, entropy: bytes) -> None:
    key = ulid(milliseconds, entropy)
    assert re.fullmatch(r"[0-9a-z]{26}", key)
    assert is_ulid(key)


@given(moments, moments, entropies, entropies)
def test_ulids_sort_by_time(one: int, other: int, first: bytes, second: bytes) -> None:
    if one < other:
        assert ulid(one, first) < ulid(other, second)


def test_a_known_ulid_is_made_as_the_specification_says() -> None:
    assert ulid(1469918176385, bytes(10)) == "01aryz6s410000000000000000"


@pytest.mark.parametrize("text", ["", "01ARYZ6S410000000000000000", "8" + "0" * 25, "0" * 25, "0" * 27])
def test_other_text_is_no_ulid(text: str) -> None:
    assert not is_ulid(text)


def test_letters_that_look_like_digits_do_not_occur() -> None:
    for letter in "ilou":
        assert not is_ulid("0" * 25 + letter)


def test_too_little_entropy_is_refused() -> None:
    with pytest.raises(ValueError, match="10 bytes"):
        ulid(0, b"short")
