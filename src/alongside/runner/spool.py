"""What a runner holds, on disk: attempts, their orders, and reports until the hub has answered them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import structlog

from alongside import values
from alongside.runner.disk import is_full, read_json, sync_folder, write_json
from alongside.runner.executors import Handle
from alongside.spec.runs import FINAL, ReasonCode
from alongside.spec.wire import Assignment, DatasetMount, Holding, Report

log = structlog.get_logger()


@dataclass(frozen=True)
class Ending:
    """An order that an attempt is to end."""

    kind: Literal["cancel", "stop", "kill"]
    reason_code: ReasonCode | None = None
    reason: str = ""


class AttemptRecord:
    """One attempt's folder. Everything here is durable when the call returns, unless it says otherwise."""

    def __init__(self, folder: Path, assignment: Assignment) -> None:
        self.folder = folder
        self.assignment = assignment
        self.reports = [values.load_json(Report, line) for line in _lines(folder / "reports.jsonl")]
        self.answered: set[int] = set(read_json(folder / "answered.json") or ())
        handle = read_json(folder / "handle.json")
        self.handle = Handle(**handle) if handle else None
        ending = read_json(folder / "ending.json")
        self.ending = Ending(**ending) if ending else None
        changed = read_json(folder / "mounts.json") or {"attached": [], "detached": []}
        #: datasets that came and went while it ran
        self.attached = tuple(values.load(DatasetMount, item) for item in changed["attached"])
        self.detached = frozenset[str](changed["detached"])
        #: the hub has answered the last report
        self.heard = asyncio.Event()
        #: reports that found no room on the disk yet
        self._unwritten = b""
        self._settle()

    @property
    def key(self) -> str:
        return self.folder.name

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def final(self) -> Report | None:
        """The report that ended this attempt, once there is one."""
        for report in reversed(self.reports):
            if report.state is not None and (report.state in FINAL or report.state == "paused"):
                return report
        return None

    @property
    def started(self) -> bool:
        return self.handle is not None or any(report.state == "running" for report in self.reports)

    @property
    def open(self) -> bool:
        """Whether the hub still has to hear of it."""
        return self.final is None or bool(self.pending())

    def holding(self) -> Holding:
        return Holding(self.assignment.run, self.assignment.attempt, self.started)

    def report(self, report: Report) -> Report:
        """Number a report and keep it until it is answered."""
        report = replace(report, number=len(self.reports) + 1)
        self._unwritten += values.dump_json(report) + b"\n"
        self.reports.append(report)
        self._write_reports()
        return report

    def _write_reports(self) -> None:
        """On a full disk reports wait in memory: told all the same, and written when there is room."""
        path = self.folder / "reports.jsonl"
        try:
            with path.open("ab") as file:
                size = file.tell()
                try:
                    file.write(self._unwritten)
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    os.truncate(path, size)
                    raise
        except OSError as error:
            if not is_full(error):
                raise
            log.error("no room for reports", attempt=self.key, waiting=len(self._unwritten))
        else:
            self._unwritten = b""

    def pending(self) -> list[Report]:
        return [report for report in self.reports if report.number not in self.answered]

    def answer(self, numbers: set[int]) -> None:
        self.answered |= numbers
        if self._unwritten:
            self._write_reports()
        # unwritten, it is asked and answered again after a restart
        _if_there_is_room(self.folder / "answered.json", sorted(self.answered), settled=False)
        self._settle()

    def _settle(self) -> None:
        if self.final is not None and not self.pending():
            self.heard.set()

    def keep(self, handle: Handle) -> None:
        if handle == self.handle:
            return
        self.handle = handle
        write_json(self.folder / "handle.json", asdict(handle))

    def end(self, ending: Ending) -> None:
        """The first order stands, except that being killed outranks being stopped."""
        if self.ending is None or (ending.kind == "kill" and self.ending.kind != "kill"):
            self.ending = ending
            _if_there_is_room(self.folder / "ending.json", asdict(ending))

    def attach(self, mount: DatasetMount) -> None:
        others = tuple(item for item in self.attached if item.name != mount.name)
        self._change((*others, mount), self.detached - {mount.name})

    def detach(self, name: str) -> None:
        others = tuple(item for item in self.attached if item.name != name)
        self._change(others, self.detached | {name})

    def _change(self, attached: tuple[DatasetMount, ...], detached: frozenset[str]) -> None:
        self.attached, self.detached = attached, detached
        content = {"attached": [values.dump(item) for item in attached], "detached": sorted(detached)}
        write_json(self.folder / "mounts.json", content)


class Spool:
    """The runner's work folder as far as the hub's orders and answers go."""

    def __init__(self, work_dir: Path) -> None:
        self.work_dir = work_dir
        self.attempts_dir = work_dir / "attempts"
        self.orders_dir = work_dir / "orders"
        for folder in (work_dir, self.attempts_dir, self.orders_dir):
            folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        #: there is hardly room for reports: only those that matter are made
        self.terse = False
        self.acked_to: int = read_json(work_dir / "outbox.json") or 0
        self.attempts: dict[str, AttemptRecord] = {record.key: record for record in self._found()}

    def find(self, run: str, attempt: int) -> AttemptRecord | None:
        return self.attempts.get(f"{run}-{attempt}")

    def add(self, assignment: Assignment) -> AttemptRecord:
        """Keep an assignment; one that is here already stays as it is."""
        folder = self.attempts_dir / f"{assignment.run}-{assignment.attempt}"
        if folder.name not in self.attempts:
            folder.mkdir(exist_ok=True, mode=0o700)
            write_json(folder / "assignment.json", values.dump(assignment))
            sync_folder(self.attempts_dir)
            self.attempts[folder.name] = AttemptRecord(folder, assignment)
        return self.attempts[folder.name]

    def forget(self, record: AttemptRecord) -> None:
        self.attempts.pop(record.key, None)
        # without its assignment a half-removed folder is nothing
        (record.folder / "assignment.json").unlink(missing_ok=True)
        shutil.rmtree(record.folder, ignore_errors=True)

    def ack(self, seq: int) -> None:
        self.acked_to = seq
        # unwritten, orders come again after a restart, and are known by then
        _if_there_is_room(self.work_dir / "outbox.json", seq, settled=False)

    def order(self, seq: int, kind: str, body: dict[str, Any]) -> None:
        """Keep something to do until `done`."""
        write_json(self.orders_dir / f"{seq:012d}.json", {"kind": kind, "body": body})

    def orders(self) -> list[tuple[int, str, dict[str, Any]]]:
        found = []
        for path in sorted(self.orders_dir.glob("*.json")):
            content = read_json(path)
            if content:
                found.append((int(path.stem), content["kind"], content["body"]))
        return found

    def done(self, seq: int) -> None:
        (self.orders_dir / f"{seq:012d}.json").unlink(missing_ok=True)

    def pending(self, limit: int) -> list[Report]:
        """Unanswered reports, each attempt's in order."""
        found: list[Report] = []
        for record in self.attempts.values():
            found += record.pending()
            if len(found) >= limit:
                break
        return found[:limit]

    def _found(self) -> Iterator[AttemptRecord]:
        for folder in sorted(self.attempts_dir.iterdir()):
            if (content := read_json(folder / "assignment.json")) is not None:
                yield AttemptRecord(folder, values.load(Assignment, content))
            else:
                shutil.rmtree(folder, ignore_errors=True)


def _if_there_is_room(path: Path, content: Any, *, settled: bool = True) -> None:
    try:
        write_json(path, content, settled=settled)
    except OSError as error:
        if not is_full(error):
            raise
        log.error("no room on the disk", file=str(path))


def _lines(path: Path) -> list[bytes]:
    """Whole lines; a last one that was cut by a crash was never relied on, and is taken away."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    whole = content[: content.rfind(b"\n") + 1]
    lines = [line for line in whole.splitlines() if _is_json(line)]
    if len(whole) != len(content):
        path.write_bytes(whole)
    return lines


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
