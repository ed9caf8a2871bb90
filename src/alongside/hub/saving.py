"""Save as dataset: a folder of a home or an output becomes a dataset of its site.

The site copies, seals and hashes it (errand `seal`); when it has, dataset, location and where it came
from are written in one commit. Until then nothing of it exists here but the errand.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alongside.config import Config
from alongside.errors import Fault, Invalid, NotFound, StateConflict
from alongside.hub import datasets, errands, files, runs
from alongside.hub.files import Wanted
from alongside.hub.store.database import Tx
from alongside.hub.store.keys import new_id
from alongside.spec import identifiers
from alongside.spec.accounts import Caller
from alongside.spec.datasets import PATH_MAX, Dataset, Location
from alongside.spec.errands import AskedErrand
from alongside.spec.runs import State

KIND, UNDO = "seal", "unseal"


@dataclass(frozen=True)
class Wish:
    """What is saved, and as what."""

    folder: Wanted
    #: of a file or folder in it; empty: all of an output
    path: str = ""
    title: str = ""
    description: str = ""
    creators: tuple[str, ...] = ()
    #: names of access tags
    tags: tuple[str, ...] = ()
    may_leave: bool = False
    #: an identifier that it has already; otherwise one is minted
    identifier: str | None = None
    #: the run that it came from, where the folder does not say so
    run: str | None = None


@dataclass(frozen=True)
class Saving:
    """How far it is; the dataset exists once it is complete."""

    id: str
    #: id that the dataset has, or will have
    dataset: str
    title: str
    state: State
    #: 0 to 100
    progress: float
    message: str
    created_at: datetime
    updated_at: datetime
    identifiers: tuple[str, ...] = ()
    reason_code: str | None = None
    reason: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)


def begin(tx: Tx, caller: Caller, wish: Wish, now: datetime, *, config: Config) -> Saving:
    """
    Raises:
        Invalid: naming every fault at once.
        IdentifierTaken
        and what `files.find` raises.
    """
    faults = list(_path_faults(wish))
    disk, folder = files.find(tx, caller, wish.folder, write=False)
    title = wish.title.strip() or wish.path.rpartition("/")[2] or _run_title(tx, caller, wish)
    key = new_id(now)
    dataset = Dataset(
        id=key,
        title=title,
        identifiers=(_identifier(wish, config, faults),),
        locations=(),
        description=wish.description,
        creators=wish.creators or (caller.account.display_name or caller.account.name,),
        metadata={"provenance": _provenance(tx, caller, wish, disk.site, now)},
        tags=tuple(sorted(set(wish.tags))),
        may_leave=wish.may_leave,
        created_by=caller.account.id,
    )
    datasets.check_new(tx, caller, dataset, faults)
    body = {
        "dataset": key,
        "folder": {"kind": folder.kind, "name": folder.name},
        "path": wish.path,
        "site": disk.site,
        "title": dataset.title,
        "description": dataset.description,
        "creators": list(dataset.creators),
        "tags": list(dataset.tags),
        "may_leave": dataset.may_leave,
        "metadata": dataset.metadata,
        "identifiers": [item.value for item in dataset.identifiers],
    }
    errand = errands.ask(tx, disk.runner, KIND, key, body, caller.account.id, now)
    return get(tx, caller, errand)


def get(tx: Tx, caller: Caller, errand_id: str) -> Saving:
    """
    Raises:
        NotFound
    """
    errand = errands.get(tx, caller, errand_id)
    if errand.kind != KIND:
        raise NotFound("nothing is being saved under this id")
    return _saving(tx, errand)


def cancel(tx: Tx, caller: Caller, errand_id: str, now: datetime) -> Saving:
    """Nothing of it stays, at the site or here.

    Raises:
        NotFound
        StateConflict: it is saved, or was given up.
    """
    saving = get(tx, caller, errand_id)
    errand = errands.get(tx, caller, errand_id)
    if not errand.is_open:
        raise StateConflict("it is over already", state=errand.state)
    try:
        errands.cancel(tx, errand_id, now)
    except StateConflict:
        # its runner has begun: `ended` sees that this was asked for, whatever the runner still says
        if not errands.about(tx, UNDO, [saving.dataset]):
            _undo(tx, errand, now)
    return get(tx, caller, errand_id)


def ended(tx: Tx, errand: AskedErrand, now: datetime) -> None:
    """The site has sealed the folder, or could not: register the dataset, or see that nothing stays."""
    body, answer = errand.body, errand.answer
    if errands.about(tx, UNDO, [errand.subject]):
        return
    if errand.state != "complete":
        if errand.reason_code == "expired":
            _undo(tx, errand, now)
        return
    location = Location(
        id=new_id(now),
        kind="file" if answer["kind"] == "file" else "folder",
        site=body["site"],
        path=str(answer["path"]),
        size_bytes=int(answer["size_bytes"]),
        sha256=str(answer["sha256"]) if answer["kind"] == "file" else None,
    )
    facts = {"sha256": answer["sha256"], "files": answer["files"], "sealed_at": now.isoformat()}
    metadata = {**body["metadata"], "provenance": {**body["metadata"]["provenance"], **facts}}
    dataset = Dataset(
        id=body["dataset"],
        title=body["title"],
        identifiers=tuple(identifiers.parse(text) for text in body["identifiers"]),
        locations=(location,),
        description=body["description"],
        creators=tuple(body["creators"]),
        metadata=metadata,
        tags=tuple(body["tags"]),
        may_leave=body["may_leave"],
        created_by=errand.account,
        created_at=now,
        updated_at=now,
    )
    if not datasets.add_sealed(tx, dataset):
        _undo(tx, errand, now)


def _undo(tx: Tx, errand: AskedErrand, now: datetime) -> None:
    errands.ask(tx, errand.runner, UNDO, errand.subject, {"dataset": errand.subject}, errand.account, now)


def _saving(tx: Tx, errand: AskedErrand) -> Saving:
    state, code, reason = errand.state, errand.reason_code, errand.reason
    if errands.about(tx, UNDO, [errand.subject]):
        canceled = code != "expired" and state != "complete"
        state, code = ("canceled", "canceled_by_owner") if canceled else ("system_error", code or "internal")
        reason = reason or "nothing of it was kept"
    return Saving(
        errand.id,
        errand.subject,
        errand.body["title"],
        state,
        errand.progress,
        errand.message,
        errand.created_at,
        errand.updated_at,
        tuple(errand.body["identifiers"]),
        code,
        reason,
        errand.answer,
    )


def _path_faults(wish: Wish) -> list[Fault]:
    if not wish.path:
        if wish.folder.kind == "outputs":
            return []
        return [Fault("path", "name a file or folder in it")]
    parts = wish.path.split("/")
    if any(part in ("", ".", "..") or part.startswith(".alongside-") for part in parts):
        return [Fault("path", "must be a path like results/march, from the folder's top")]
    if len(wish.path) > PATH_MAX or not wish.path.isprintable():
        return [Fault("path", f"must be at most {PATH_MAX} printable characters")]
    if wish.folder.kind == "dataset":
        return [Fault("kind", "this is a dataset already")]
    return []


def _identifier(wish: Wish, config: Config, faults: list[Fault]) -> identifiers.Identifier:
    minted = uuid.uuid4()
    prefix = config.hub.identifier_prefix
    if wish.identifier:
        try:
            return identifiers.parse(wish.identifier, field="identifier")
        except Invalid as error:
            faults += error.faults
    return identifiers.parse(f"{prefix}{minted.hex[:16]}" if prefix else f"urn:uuid:{minted}")


def _provenance(tx: Tx, caller: Caller, wish: Wish, site: str, now: datetime) -> dict[str, Any]:
    """What it came from: the run with its tool, arguments and inputs, where one is known."""
    found: dict[str, Any] = {
        "saved_from": {"site": site, "kind": wish.folder.kind, "path": wish.path},
        "saved_by": caller.account.name,
        "saved_at": now.isoformat(),
    }
    run_id = wish.folder.run or wish.run
    if run_id is None:
        return found
    run = runs.get(tx, caller, run_id)
    return {
        **found,
        "run": run.id,
        "attempt": run.attempt,
        "tool": run.tool,
        "version": run.version,
        "arguments": run.request.arguments,
        "inputs": [item.identifier for item in run.datasets],
    }


def _run_title(tx: Tx, caller: Caller, wish: Wish) -> str:
    return f"Outputs of {runs.get(tx, caller, wish.folder.run).title}" if wish.folder.run else "Saved files"
