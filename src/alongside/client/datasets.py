"""Datasets, as a caller of the hub sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alongside.client.answers import Holder, Resolved
from alongside.client.transport import Transport, loaded, segment
from alongside.spec.datasets import Dataset


class Datasets:
    def __init__(self, transport: Transport) -> None:
        self._hub = transport

    def list(self, query: str | None = None, *, site: str | None = None) -> Iterator[Dataset]:
        """All datasets you may use; `query` searches titles, descriptions, creators and identifiers."""
        for item in self._hub.pages("/datasets", q=query, site=site):
            yield loaded(Dataset, item)

    def show(self, id: str) -> Dataset:
        """By its id, or by an identifier in any common form (a DOI, a URL, …)."""
        if ":" in id or "/" in id or "." in id:
            return loaded(Dataset, self.resolve(id).dataset)
        return loaded(Dataset, self._hub.get(f"/datasets/{segment(id)}"))

    def resolve(self, id: str) -> Resolved:
        """The dataset behind an identifier, and the sites that hold it."""
        answer = self._hub.get("/resolve", id=id)
        return Resolved(answer["dataset"], tuple(loaded(Holder, site) for site in answer["sites"]))

    def register(
        self,
        locations: Sequence[Mapping[str, Any]],
        *,
        title: str | None = None,
        identifiers: Sequence[str] = (),
        description: str = "",
        creators: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] = (),
        may_leave: bool = False,
    ) -> Dataset:
        """Make a dataset known. A location is `{site, path}` or `{url}`; without an identifier the
        hub mints a local one."""
        body: dict[str, Any] = {
            "title": title,
            "identifiers": list(identifiers),
            "locations": [dict(location) for location in locations],
            "description": description,
            "creators": list(creators),
            "metadata": dict(metadata or {}),
            "tags": list(tags),
            "may_leave": may_leave,
        }
        given = {name: value for name, value in body.items() if value not in (None, "", [], {})}
        return loaded(Dataset, self._hub.post("/datasets", given))

    def edit(self, dataset: Dataset, changes: Mapping[str, Any]) -> Dataset:
        """Change a dataset as you read it; refused with `edit_conflict` if somebody was faster."""
        headers = {"If-Match": f'"{dataset.revision}"'}
        path = f"/datasets/{dataset.id}"
        return loaded(Dataset, self._hub.call("PATCH", path, body=dict(changes), headers=headers))

    def delete(self, id: str) -> None:
        """Forget a dataset; its files stay where they are."""
        dataset = self.show(id)
        headers = {"If-Match": f'"{dataset.revision}"'}
        self._hub.call("DELETE", f"/datasets/{dataset.id}", headers=headers)
