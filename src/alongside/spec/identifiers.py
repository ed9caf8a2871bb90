"""Identifiers of datasets: any common form of a DOI, Handle, ARK, URN, URL… to one canonical form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Identifier:
    """A persistent identifier in canonical form.

    `value` is what is compared and stored, `scheme:`-prefixed (`doi:10.5072/abc`); `display` is
    the form its owner gave.
    """

    scheme: str
    value: str
    display: str
