"""Folders that a home begins with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alongside.spec.homes import hierarchy

NAMES = st.text("abcXYZ09._- ", min_size=1, max_size=8).filter(lambda name: name not in (".", ".."))
TREES = st.recursive(st.just({}), lambda below: st.dictionaries(NAMES, below, max_size=3), max_leaves=20)


@given(TREES)
def test_every_folder_comes_after_the_one_it_is_in(tree: dict[str, Any]) -> None:
    found = hierarchy(json.dumps(tree), "ann")
    assert len(set(found)) == len(found)
    for place, path in enumerate(found):
        above = path.rpartition("/")[0]
        assert not above or above in found[:place]


def test_the_name_is_put_in_and_lists_are_paths() -> None:
    assert hierarchy('{"ShinyApps": {"4.2": {}}, "@@": null}', "ann") == ("ShinyApps", "ShinyApps/4.2", "ann")
    assert hierarchy('["data/@@", "work"]', "ann") == ("data/ann", "work")
    assert hierarchy("  ", "ann") == ()


@pytest.mark.parametrize("text", ["{", '"work"', "7", '["../x"]', '{"/etc": {}}', '["a//b"]', '{"a": 1}'])
def test_what_would_lead_out_of_the_home_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|folder"):
        hierarchy(text, "ann")
