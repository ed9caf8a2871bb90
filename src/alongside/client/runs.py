"""Runs: launch them, follow them, stop and start them, take what they produced."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from alongside import values
from alongside.client.answers import Access, Explained, Ports, Preview, Progress, ShellAccess, ShownRun
from alongside.client.errors import Damaged, Refused, RunFailed, TimedOut, Unreachable
from alongside.client.transport import Transport, loaded, segment
from alongside.spec.runs import FINAL, Action, Artifact, Attempt, DatasetUse, Event, Run, RunRequest

#: a stream that says nothing for so long is asked for again; the hub sends something every 15 s
SILENCE_S = 45.0
#: how long a dispatcher may be away before following it is given up
AWAY_MAX_S = 120.0


class Runs:
    def __init__(self, transport: Transport) -> None:
        self._hub = transport

    def list(
        self,
        *,
        state: str | None = None,
        tool: str | None = None,
        kind: str | None = None,
        account: str | None = None,
        all: bool | None = None,
    ) -> Iterator[Run]:
        """Your runs, newest first; `all` shows an administrator everybody's."""
        filters = {"state": state, "tool": tool, "kind": kind, "account": account, "all": all}
        for item in self._hub.pages("/runs", **filters):
            yield loaded(Run, item)

    def show(self, run: str) -> ShownRun:
        return loaded(ShownRun, self._hub.get(_path(run)))

    def preview(self, wish: RunRequest) -> Preview:
        """What a launch would do: where it could run, why not elsewhere, a run to return to instead."""
        return loaded(Preview, self._hub.post("/runs/preview", values.dump(wish)))

    def launch(self, wish: RunRequest) -> Run:
        """Ask for a run; it waits in the queue until a site takes it."""
        return loaded(Run, self._hub.post("/runs", values.dump(wish)))

    def stop(self, run: str) -> Action:
        """An interactive run pauses and keeps everything; a task is canceled."""
        return self._act(run, "stop")

    def start(self, run: str) -> Action:
        """Start a stopped run again: same link, same home, same datasets."""
        return self._act(run, "start")

    def cancel(self, run: str) -> Action:
        return self._act(run, "cancel")

    def extend(self, run: str, seconds: float) -> Action:
        """Let it live longer, up to the most that its tool, class and account allow."""
        return self._act(run, "extend", {"seconds": seconds})

    def keep(self, run: str) -> Action:
        """Say that it is in use although nothing happens in it."""
        return self._act(run, "keep")

    def delete(self, run: str) -> Action | None:
        """For good, with its home; None when that is done already."""
        answer = self._hub.call("DELETE", _path(run))
        return loaded(Action, answer) if answer else None

    def attach(self, run: str, dataset: DatasetUse) -> Action:
        """Add a dataset, also while it runs."""
        return loaded(Action, self._hub.post(f"{_path(run)}/datasets", values.dump(dataset)))

    def detach(self, run: str, name: str) -> Action:
        return loaded(Action, self._hub.call("DELETE", f"{_path(run)}/datasets/{segment(name)}"))

    def access(self, run: str) -> Access:
        """A link that signs a browser in at the tool, once."""
        return loaded(Access, self._hub.post(f"{_path(run)}/access"))

    def shell(self, run: str) -> ShellAccess:
        """A one-time ticket for a shell, a command, ssh or a port."""
        return loaded(ShellAccess, self._hub.post(f"{_path(run)}/shell"))

    def ports(self, run: str) -> Ports:
        """On which programs of the run listen."""
        return loaded(Ports, self._hub.get(f"{_path(run)}/ports"))

    def explain(self, run: str) -> Explained:
        """Why it waits: what each runner said, and its place in the queue."""
        return loaded(Explained, self._hub.get(f"{_path(run)}/explain"))

    def events(self, run: str) -> Iterator[Event]:
        for item in self._hub.pages(f"{_path(run)}/events"):
            yield loaded(Event, item)

    def attempts(self, run: str) -> Iterator[Attempt]:
        for item in self._hub.pages(f"{_path(run)}/attempts"):
            yield loaded(Attempt, item)

    def action(self, id: str) -> Action:
        return loaded(Action, self._hub.get(f"/actions/{segment(id)}"))

    def log(self, run: str, *, attempt: int | None = None) -> str:
        """What the run has written so far."""
        return self._hub.text(f"{_path(run)}/log", attempt=attempt)

    def follow(self, run: str) -> Iterator[str]:
        """What the run writes, from the beginning and as it comes, until it ends."""
        query = {"offset": 0}
        for event, data in self._stream(f"/live/v1/runs/{segment(run)}/log", query):
            if event == "end":
                return
            if event == "log":
                piece = json.loads(data)
                query["offset"] = piece["offset"] + len(piece["text"].encode())
                yield piece["text"]

    def progress(self, run: str) -> Iterator[Progress]:
        """Each step on the way, until the run is ready, has ended or has failed."""
        last: Progress | None = None
        for event, data in self._stream(f"/live/v1/runs/{segment(run)}/progress", {}):
            if event != "message":
                continue
            step = loaded(Progress, json.loads(data))
            if step != last:
                yield step
            last = step
            if step.over:
                return

    def wait(self, run: str, *, timeout_s: float | None = None) -> Run:
        """Until a task has ended, or an interactive run is ready.

        Raises:
            RunFailed: it failed, or an interactive run stopped on its way.
            TimedOut: after `timeout_s`; the run goes on.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            found = self.show(run)
            if found.state in ("executor_error", "system_error", "preempted", "canceled", "paused"):
                raise RunFailed(f"the run is {found.state}: {found.reason or 'no reason given'}", run)
            if found.state in FINAL or found.ready:
                return found
            if deadline is not None and time.monotonic() > deadline:
                raise TimedOut(f"the run is still {found.state} after {timeout_s:g} s")
            time.sleep(0.5)

    def settle(self, action: Action, *, timeout_s: float = 60.0) -> Action:
        """Wait until an action was carried out.

        Raises:
            RunFailed: it was not, with the reason.
            TimedOut: its runner may be away; the action is kept for it.
        """
        deadline = time.monotonic() + timeout_s
        while action.state not in FINAL:
            if time.monotonic() > deadline:
                raise TimedOut(f"the {action.kind} is still {action.state}", hint="its runner may be away")
            time.sleep(0.2)
            action = self.action(action.id)
        if action.state != "complete":
            raise RunFailed(f"the {action.kind} was not carried out: {action.reason}", action.run)
        return action

    def artifacts(self, run: str) -> Iterator[Artifact]:
        for item in self._hub.pages(f"{_path(run)}/artifacts"):
            yield loaded(Artifact, item)

    def download(self, run: str, artifact: Artifact, into: Path) -> Path:
        """Save one artifact below `into`, checked against its SHA-256.

        Raises:
            Damaged: the bytes are others; nothing is left behind.
        """
        target = into / safe(artifact.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        digest = hashlib.sha256()
        path = "/".join(segment(name) for name in PurePosixPath(artifact.path).parts)
        with part.open("wb") as file:
            for piece in self._hub.stream(f"{_path(run)}/artifacts/{path}"):
                digest.update(piece)
                file.write(piece)
        if artifact.sha256 and digest.hexdigest() != artifact.sha256:
            part.unlink()
            raise Damaged(f"{artifact.path} did not arrive as it was produced", hint="download it again")
        return part.replace(target)

    def _act(self, run: str, verb: str, body: Any = None) -> Action:
        return loaded(Action, self._hub.post(f"{_path(run)}/{verb}", body))

    def _stream(self, path: str, query: dict[str, int]) -> Iterator[tuple[str, str]]:
        """Events of one stream, asked for again when it breaks: the dispatcher may be restarting.

        `query` is read anew each time, so the caller moves on by changing it.
        """
        last_word = time.monotonic()
        while True:
            try:
                for event in self._hub.events(path, silence_s=SILENCE_S, **query):
                    last_word = time.monotonic()
                    yield event
            except (Unreachable, Refused) as error:
                refused = isinstance(error, Refused) and error.code != "unavailable"
                if refused or time.monotonic() - last_word > AWAY_MAX_S:
                    raise
            time.sleep(0.5)


def uses(datasets: Sequence[str]) -> tuple[DatasetUse, ...]:
    """`identifier`, or `name=identifier` to choose its name in data/."""
    found = []
    for text in datasets:
        name, equals, id = text.partition("=")
        named = equals and name and not any(sign in name for sign in ":/.?")
        found.append(DatasetUse(id, name=name) if named else DatasetUse(text))
    return tuple(found)


def safe(path: str) -> Path:
    """An artifact's path as one that cannot leave the folder it is saved in."""
    parts = [part for part in PurePosixPath(path).parts if part not in ("/", "..", ".")]
    if not parts:
        raise Damaged(f"{path!r} is no name for a file")
    return Path(*parts)


def _path(run: str) -> str:
    return f"/runs/{segment(run)}"
