"""The table of identifiers in the reference says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alongside.spec.identifiers import parse

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "identifiers.md"


def rows() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 3 and "`" in cells[1]:
            (canonical,) = re.findall("`([^`]+)`", cells[2])
            found += [(form, canonical) for form in re.findall("`([^`]+)`", cells[1])]
    assert len(found) > 20
    return found


@pytest.mark.parametrize(("form", "canonical"), rows())
def test_every_form_in_the_table_is_the_identifier_beside_it(form: str, canonical: str) -> None:
    assert parse(form).value == canonical
