"""Codes that people pass on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alongside.spec.sharing import CODE_ALPHABET, CODE_LENGTH, code_of, read_code

entropy = st.binary(min_size=10, max_size=10)


@given(entropy)
def test_a_code_is_read_as_it_was_written(data: bytes) -> None:
    code = code_of(data)
    assert len(code) == CODE_LENGTH + 3
    assert read_code(code) == code.replace("-", "")


@given(entropy, entropy)
def test_other_bytes_make_another_code(one: bytes, other: bytes) -> None:
    assert (code_of(one) == code_of(other)) == (one == other)


@given(entropy)
def test_what_people_misread_and_leave_out_does_not_matter(data: bytes) -> None:
    code = code_of(data)
    typed = " " + code.replace("-", " ").upper().replace("0", "O").replace("1", "l") + "\n"
    assert read_code(typed) == read_code(code)


@given(st.text(max_size=40))
def test_anything_else_is_no_code(text: str) -> None:
    read = read_code(text)
    assert read is None or (len(read) == CODE_LENGTH and set(read) <= set(CODE_ALPHABET))
