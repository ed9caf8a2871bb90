"""Tools, as a caller of the hub sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from alongside.client.answers import ToolCard
from alongside.client.transport import Transport, loaded, segment
from alongside.errors import Fault
from alongside.spec.tools import ToolVersion


class Tools:
    def __init__(self, transport: Transport) -> None:
        self._hub = transport

    def list(self) -> Iterator[ToolCard]:
        """All tools you may use, each with whether it can run now, and if not, why."""
        for item in self._hub.pages("/tools"):
            yield loaded(ToolCard, item)

    def show(self, name: str) -> ToolVersion:
        """`name` for the latest version, `name@version` for a certain one."""
        name, _, version = name.partition("@")
        if version:
            return loaded(ToolVersion, self._hub.get(f"/tools/{segment(name)}/versions/{segment(version)}"))
        return loaded(ToolCard, self._hub.get(f"/tools/{segment(name)}")).latest

    def publish(self, spec: Mapping[str, Any] | str) -> ToolVersion:
        """Publish a version: a document, or its YAML text. Publishing the same again changes nothing."""
        return loaded(ToolVersion, self._send("/tools", spec))

    def validate(self, spec: Mapping[str, Any] | str) -> tuple[Fault, ...]:
        """Every fault of a specification; nothing is published."""
        answer = self._send("/tools/validate", spec)
        return tuple(Fault(fault["field"], fault["reason"]) for fault in answer["faults"])

    def delete(self, name: str) -> None:
        name, _, version = name.partition("@")
        path = f"/tools/{segment(name)}"
        self._hub.call("DELETE", f"{path}/versions/{segment(version)}" if version else path)

    def _send(self, path: str, spec: Mapping[str, Any] | str) -> Any:
        if isinstance(spec, str):
            return self._hub.call("POST", path, body=spec, headers={"Content-Type": "application/yaml"})
        return self._hub.post(path, dict(spec))
