"""Tables of who is who at a site, and folders of groups."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alongside.spec.identities import ID_MAX, Folder, Identity, folders, table

NAMES = st.from_regex(r"[a-z][a-z0-9._-]{0,20}", fullmatch=True)
IDS = st.integers(1, ID_MAX)


@given(st.dictionaries(NAMES, st.tuples(IDS, IDS, st.dictionaries(NAMES, IDS, max_size=3)), max_size=4))
def test_a_table_says_what_was_written(people: dict[str, tuple[int, int, dict[str, int]]]) -> None:
    lines = ["# who is who", ""]
    for name, (uid, gid, groups) in people.items():
        lines.append(
            f"{name}:{uid}:{gid}:" + " ".join(f"{group}={number}" for group, number in groups.items())
        )
    assert table(lines) == {
        name: Identity(uid, gid, tuple(groups.items())) for name, (uid, gid, groups) in people.items()
    }


@pytest.mark.parametrize(
    "line",
    [
        "ann",
        "ann:0:5",
        "ann:5:0",
        "ann:5:5:lab=0",
        "ann:x:5",
        "ann:5:5:lab",
        f"ann:{ID_MAX + 1}:5",
        "a/b:5:5",
    ],
)
def test_what_would_be_root_or_nobody_knows_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        table([line])


def test_a_person_stands_in_a_table_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        table(["ann:5:5", "ann:6:6"])


def test_groups_have_a_writable_and_a_shared_folder() -> None:
    assert folders(["lab=/nfs/lab", "lab=/nfs/handouts:ro"]) == (
        Folder("lab", "/nfs/lab"),
        Folder("lab", "/nfs/handouts", read_only=True),
    )
    assert [item.place for item in folders(["lab=/a", "lab=/b:ro"])] == ["groups/lab", "shared/lab"]
    for wrong in (["lab"], ["lab=relative"], ["../x=/a"], ["lab=/a", "lab=/b"]):
        with pytest.raises(ValueError, match=r"lab|x"):
            folders(wrong)


def test_the_gid_of_an_identity_is_no_supplementary_group() -> None:
    assert Identity(5, 7, (("lab", 9), ("own", 7), ("twin", 9))).gids == (9,)
