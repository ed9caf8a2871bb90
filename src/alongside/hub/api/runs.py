"""Doors for runs: ask for one, look at it, steer it, get into it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Annotated, Any

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import accounts, grants, resource_classes, runs
from alongside.hub.api.guard import Answer, caller, door, hub
from alongside.hub.doors import Media, Page, Paging, Tx
from alongside.spec import runs as spec
from alongside.spec.line import Place
from alongside.spec.runs import Action, ActionKind, Attempt, DatasetUse, Event, State, Word, word
from alongside.spec.shells import Port
from alongside.spec.tools import Resources, ToolKind

doors = APIBlueprint("runs", __name__, tag="Runs")

ACT_PROBLEMS = (errors.RunUnknown, errors.StateConflict)
ASK_PROBLEMS = (
    errors.ToolUnknown,
    errors.ToolVersionUnknown,
    errors.IdentifierUnknown,
    errors.DatasetUnknown,
    errors.SiteUnknown,
)
TEXT = Media("text/plain; charset=utf-8")


@dataclass(frozen=True)
class Queue(Place):
    """A place in the line of waiting runs."""


@dataclass(frozen=True)
class Run(spec.Run):
    """A run, with the word that people read for its state and the link that opens it."""

    word: Word = "Waiting"
    #: opens the tool in a signed-in browser; null unless it is ready
    open_url: str | None = None
    #: its place in the line while it waits; null otherwise, and in lists
    queue: Queue | None = None


@dataclass(frozen=True)
class Preview:
    """What a launch would do, for the page that asks for consent."""

    tool: str
    version: str
    datasets: tuple[runs.PreviewedDataset, ...]
    #: every runner, and why one cannot take it now
    places: tuple[runs.Place, ...]
    #: a run of mine that I could return to instead
    match: Run | None
    quota: accounts.Quota
    resources: Resources
    #: the class that they come from
    resource_class: str | None
    #: every size of machine to choose from, and why one is not for me or this tool
    classes: tuple[resource_classes.Offered, ...]
    #: it would pause by itself so long after it became ready
    lifetime_s: float | None
    #: those given, and the tool's defaults for those left out
    arguments: dict[str, Any]
    arguments_schema: dict[str, Any]


@values.strict
@dataclass(frozen=True)
class DatasetUseInput(DatasetUse):
    """One dataset of a run: by identifier in any form, or by its id."""


@values.strict
@dataclass(frozen=True)
class ResourcesInput(Resources):
    """What one run asks for. cpus are cores, sizes are gigabytes (10^9 bytes)."""

    cpus: Annotated[float, Field(gt=0, le=100_000)] = 1.0
    memory_gb: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0
    gpus: Annotated[int, Field(ge=0, le=10_000)] = 0
    disk_gb: Annotated[float, Field(ge=0, le=10_000_000)] = 0.0


@values.strict
@dataclass(frozen=True)
class RunRequestInput(spec.RunRequest):
    """A tool version, datasets and wishes about the place."""

    datasets: tuple[DatasetUseInput, ...] = ()
    title: Annotated[str, Field(max_length=500)] = ""
    resources: ResourcesInput | None = None
    resource_class: Annotated[str | None, Field(max_length=128)] = None
    labels: Annotated[tuple[Annotated[str, Field(max_length=128)], ...], Field(max_length=50)] = ()
    time_limit_s: Annotated[float | None, Field(gt=0, le=31_536_000)] = None
    lifetime_s: Annotated[float | None, Field(gt=0, le=31_536_000)] = None
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0


@values.strict
@dataclass(frozen=True)
class Extension:
    """How much longer the run may live."""

    seconds: Annotated[float, Field(gt=0, le=31_536_000)]


@dataclass(frozen=True)
class RunQuery(Paging):
    #: one or several states, separated by commas
    state: Annotated[str | None, Field(max_length=200)] = None
    tool: Annotated[str | None, Field(max_length=128)] = None
    kind: ToolKind | None = None
    #: name or id of an account, for administrators
    account: Annotated[str | None, Field(max_length=128)] = None
    #: everybody's runs, for administrators
    all: bool = False

    @property
    def states(self) -> tuple[State, ...]:
        named = [name for name in (self.state or "").split(",") if name]
        unknown = [name for name in named if name not in spec.TRANSITIONS]
        if unknown:
            known = ", ".join(spec.TRANSITIONS)
            raise errors.Invalid([errors.Fault("state", f"{unknown[0]!r} is none of {known}")])
        return tuple(named)  # type: ignore[return-value]  # each one was looked up


@dataclass(frozen=True)
class NumberedQuery(Paging):
    @property
    def since(self) -> int:
        """Number of the last event or attempt that the caller has seen."""
        after = self.after or "0"
        if not after.isascii() or not after.isdigit() or len(after) > 18:
            raise errors.Invalid([errors.Fault("cursor", "is not one that a list gave out")])
        return int(after)


@dataclass(frozen=True)
class LogQuery:
    #: the latest one unless said otherwise
    attempt: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    offset: Annotated[int, Field(ge=0, lt=2**53)] = 0
    limit: Annotated[int, Field(ge=1, le=10_000_000)] = 1_000_000


@door(doors, "GET", "/runs", query=RunQuery, answers={200: Page[Run]})
def list_runs(tx: Tx, query: RunQuery) -> Page[Run]:
    """My runs, newest first."""
    found = runs.listing(
        tx,
        caller(),
        states=query.states,
        tool=query.tool,
        kind=query.kind,
        account=query.account,
        everyone=query.all,
        after=query.after,
        limit=query.fetch,
    )
    return query.page(_all_shown(found), lambda run: run.id)


@door(
    doors,
    "POST",
    "/runs",
    needs="run",
    body=RunRequestInput,
    answers={201: Run},
    problems=(
        *ASK_PROBLEMS,
        errors.QuotaExceeded,
        errors.BudgetSpent,
        errors.UnderMaintenance,
        errors.Unplaceable,
    ),
)
def request_run(tx: Tx, body: RunRequestInput) -> Run:
    """Ask for a run; it waits in the queue until a site takes it."""
    return shown(runs.request(tx, caller(), body, hub().clock(), config=hub().config))


@door(
    doors,
    "POST",
    "/runs/preview",
    body=RunRequestInput,
    answers={200: Preview},
    problems=ASK_PROBLEMS,
    tx="none",
)
def preview_run(body: RunRequestInput) -> Preview:
    """What a launch would do: where it could run, why not elsewhere, a run to return to."""
    # A read transaction, although this is a POST: whoever looks must not wait for those who write.
    with hub().database.read() as tx:
        found = runs.preview(tx, caller(), body, hub().clock(), config=hub().config)
    members = {item.name: getattr(found, item.name) for item in fields(Preview)}
    return Preview(**{**members, "match": None if found.match is None else shown(found.match)})


@door(doors, "GET", "/runs/<run_id>", answers={200: Run}, problems=(errors.RunUnknown,))
def get_run(tx: Tx, run_id: str) -> Run:
    """One run; while it waits, with its place in the line."""
    found = runs.get(tx, caller(), run_id)
    line = runs.in_line(tx, run_id, hub().clock()) if found.state == "queued" else None
    return shown(found, line)


@door(
    doors,
    "DELETE",
    "/runs/<run_id>",
    needs="run",
    answers={204: None, 202: Action},
    problems=ACT_PROBLEMS,
)
def delete_run(tx: Tx, run_id: str) -> Answer:
    """Delete a run for good, with its outputs; 202 while processes remain that must end first."""
    action = _act(tx, run_id, "delete")
    return Answer(status=204) if action.state == "complete" else Answer(action, 202)


@door(
    doors,
    "POST",
    "/runs/<run_id>/start",
    needs="run",
    answers={202: Action},
    problems=(*ACT_PROBLEMS, errors.QuotaExceeded, errors.BudgetSpent, errors.UnderMaintenance),
)
def start_run(tx: Tx, run_id: str) -> Action:
    """Start a stopped run again: same id, same link, same home, same datasets."""
    return _act(tx, run_id, "start")


@door(doors, "POST", "/runs/<run_id>/stop", needs="run", answers={202: Action}, problems=ACT_PROBLEMS)
def stop_run(tx: Tx, run_id: str) -> Action:
    """Stop a run; an interactive one keeps everything and can be started again."""
    return _act(tx, run_id, "stop")


@door(doors, "POST", "/runs/<run_id>/cancel", needs="run", answers={202: Action}, problems=ACT_PROBLEMS)
def cancel_run(tx: Tx, run_id: str) -> Action:
    """End a run; it is canceled once its processes are gone."""
    return _act(tx, run_id, "cancel")


@door(
    doors,
    "POST",
    "/runs/<run_id>/extend",
    needs="run",
    body=Extension,
    answers={202: Action},
    problems=ACT_PROBLEMS,
)
def extend_run(tx: Tx, run_id: str, body: Extension) -> Action:
    """Let a run live longer, up to the most that its tool, class and account allow."""
    return _act(tx, run_id, "extend", {"seconds": body.seconds})


@door(doors, "POST", "/runs/<run_id>/keep", needs="run", answers={202: Action}, problems=ACT_PROBLEMS)
def keep_run(tx: Tx, run_id: str) -> Action:
    """Say that a run is in use although nothing happens in it: its idle time begins anew."""
    return _act(tx, run_id, "keep")


@door(
    doors,
    "POST",
    "/runs/<run_id>/datasets",
    needs="run",
    body=DatasetUseInput,
    answers={202: Action},
    problems=(*ACT_PROBLEMS, errors.IdentifierUnknown, errors.DatasetUnknown, errors.NameTaken),
)
def attach_dataset(tx: Tx, run_id: str, body: DatasetUseInput) -> Action:
    """Put a dataset into a run's data folder, also while it runs."""
    return _act(tx, run_id, "attach", values.dump(body))


@door(
    doors,
    "DELETE",
    "/runs/<run_id>/datasets/<name>",
    needs="run",
    answers={202: Action},
    problems=(*ACT_PROBLEMS, errors.DatasetUnknown),
)
def detach_dataset(tx: Tx, run_id: str, name: str) -> Action:
    """Take a dataset out of a run's data folder."""
    return _act(tx, run_id, "detach", {"name": name})


@door(
    doors,
    "GET",
    "/runs/<run_id>/log",
    query=LogQuery,
    answers={200: TEXT},
    problems=(errors.RunUnknown, errors.LogUnknown),
)
def get_log(tx: Tx, run_id: str, query: LogQuery) -> Answer:
    """Part of what an attempt has written; X-Log-Size says how much there is."""
    piece = runs.log(
        tx,
        caller(),
        run_id,
        hub().config.data_dir / "logs",
        hub().clock(),
        attempt=query.attempt,
        offset=query.offset,
        limit=query.limit,
    )
    headers = {
        "X-Log-Offset": str(piece.offset),
        "X-Log-Size": str(piece.size),
        "X-Log-Ended": "true" if piece.ended else "false",
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(piece.data, headers=headers)


@door(
    doors,
    "GET",
    "/runs/<run_id>/events",
    query=NumberedQuery,
    answers={200: Page[Event]},
    problems=(errors.RunUnknown,),
)
def list_events(tx: Tx, run_id: str, query: NumberedQuery) -> Page[Event]:
    """What happened to a run, oldest first."""
    found = runs.events(tx, caller(), run_id, after=query.since, limit=query.fetch)
    return query.page(found, lambda event: str(event.seq))


@door(
    doors,
    "GET",
    "/runs/<run_id>/attempts",
    query=NumberedQuery,
    answers={200: Page[Attempt]},
    problems=(errors.RunUnknown,),
)
def list_attempts(tx: Tx, run_id: str, query: NumberedQuery) -> Page[Attempt]:
    """Every try of a run, oldest first."""
    found = [attempt for attempt in runs.attempts(tx, caller(), run_id) if attempt.number > query.since]
    return query.page(found[: query.fetch], lambda attempt: str(attempt.number))


@door(doors, "GET", "/runs/<run_id>/explain", answers={200: runs.Explanation}, problems=(errors.RunUnknown,))
def explain_run(tx: Tx, run_id: str) -> runs.Explanation:
    """Why a run waits: what speaks against each runner, and its place in the line."""
    return runs.explain(tx, caller(), run_id, hub().clock(), config=hub().config)


@door(
    doors,
    "POST",
    "/runs/<run_id>/access",
    needs="run",
    answers={200: grants.Access},
    problems=ACT_PROBLEMS,
    secret=True,
)
def get_access(tx: Tx, run_id: str) -> grants.Access:
    """A one-time ticket into a ready run."""
    return grants.access(
        tx, caller(), run_id, None, hub().clock(), config=hub().config, keyring=hub().keyring
    )


@dataclass(frozen=True)
class Ports:
    items: tuple[Port, ...]


@door(doors, "GET", "/runs/<run_id>/ports", answers={200: Ports}, problems=(errors.RunUnknown,))
def list_ports(tx: Tx, run_id: str) -> Ports:
    """The ports on which programs of a run listen, as its runner saw them a few seconds ago."""
    return Ports(runs.ports(tx, caller(), run_id))


@door(
    doors,
    "POST",
    "/runs/<run_id>/shell",
    needs="run",
    answers={200: grants.ShellAccess},
    problems=ACT_PROBLEMS,
    secret=True,
)
def open_shell(tx: Tx, run_id: str) -> grants.ShellAccess:
    """A one-time ticket for a shell, a command, ssh or a port of a running run."""
    now = hub().clock()
    found = grants.shell(tx, caller(), run_id, now, config=hub().config, keyring=hub().keyring)
    accounts.auditing.note(tx, now, caller().account.name, "shell", run_id, kind="run")
    return found


def shown(run: spec.Run, line: Place | None = None) -> Run:
    members = {item.name: getattr(run, item.name) for item in fields(spec.Run)}
    return Run(
        **members,
        word=word(run.state, ready=run.ready, kind=run.kind),
        open_url=f"/open/{run.id}" if run.ready else None,
        queue=None if line is None else Queue(line.position, line.about_s, line.words),
    )


def _all_shown(found: Iterable[spec.Run]) -> list[Run]:
    return [shown(run) for run in found]


def _act(tx: Tx, run_id: str, kind: ActionKind, body: dict[str, Any] | None = None) -> Action:
    return runs.act(tx, caller(), run_id, kind, body or {}, hub().clock(), config=hub().config)
