"""Logs as segment files: by offset, with head and tail kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alongside.errors import Conflict
from alongside.hub.store import logs

RUN = "01m8000000000000000000000a"


def test_an_empty_log_has_no_file(tmp_path: Path) -> None:
    assert logs.append(tmp_path, RUN, 1, 0, b"") == 0
    assert list(tmp_path.iterdir()) == []
    piece = logs.read(tmp_path, RUN, 1)
    assert (piece.data, piece.offset, piece.size) == (b"", 0, 0)


def test_what_is_there_already_is_skipped(tmp_path: Path) -> None:
    logs.append(tmp_path, RUN, 1, 0, b"hello ")
    assert logs.append(tmp_path, RUN, 1, 2, b"llo world") == 11
    assert logs.append(tmp_path, RUN, 1, 0, b"HELLO") == 11
    assert logs.read(tmp_path, RUN, 1).data == b"hello world"


def test_a_piece_beyond_the_end_is_refused_with_the_size(tmp_path: Path) -> None:
    logs.append(tmp_path, RUN, 1, 0, b"hello")
    with pytest.raises(Conflict) as caught:
        logs.append(tmp_path, RUN, 1, 6, b"world")
    assert caught.value.extra["size"] == 5


def test_attempts_have_logs_of_their_own(tmp_path: Path) -> None:
    logs.append(tmp_path, RUN, 1, 0, b"one")
    logs.append(tmp_path, RUN, 2, 0, b"two")
    assert logs.read(tmp_path, RUN, 2).data == b"two"
    logs.remove(tmp_path, RUN)
    assert logs.read(tmp_path, RUN, 1).size == 0


def test_of_a_huge_log_the_beginning_and_the_end_are_kept(tmp_path: Path) -> None:
    mebibyte = 1 << 20
    for index in range(30):
        logs.append(tmp_path, RUN, 1, index * mebibyte, bytes([index]) * mebibyte)
    size = 30 * mebibyte
    assert logs.append(tmp_path, RUN, 1, size, b"end") == size + 3
    kept = sum(path.stat().st_size for path in (tmp_path / RUN / "1").iterdir())
    assert 20 * mebibyte <= kept <= 22 * mebibyte
    assert logs.read(tmp_path, RUN, 1, offset=9 * mebibyte, limit=1).data == b"\x09"
    beyond = logs.read(tmp_path, RUN, 1, offset=12 * mebibyte, limit=1)
    assert beyond.data == b"\x14"
    assert beyond.offset == 20 * mebibyte
    assert logs.read(tmp_path, RUN, 1, offset=-3).data == b"end"


@given(
    st.lists(st.binary(max_size=7), max_size=12),
    st.integers(0, 60),
    st.integers(1, 30),
)
@settings(max_examples=100, deadline=None)
def test_however_it_is_cut_a_log_reads_as_one_text(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], offset: int, limit: int
) -> None:
    folder, whole = tmp_path_factory.mktemp("logs"), b"".join(pieces)
    sent = 0
    for piece in pieces:
        logs.append(folder, RUN, 1, sent, piece)
        sent += len(piece)
    piece = logs.read(folder, RUN, 1, offset=offset, limit=limit)
    assert piece.data == whole[offset : offset + limit]
    assert piece.size == len(whole)
