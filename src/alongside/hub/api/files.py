"""Doors to files at sites: what I may open, grants and drives for it, and saving it as a dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from alongside import errors, values
from alongside.hub import files, saving
from alongside.hub.api.guard import caller, door, hub
from alongside.hub.doors import Tx
from alongside.hub.saving import Saving
from alongside.spec.files import FolderKind

doors = APIBlueprint("files", __name__, tag="Files")

Id = Annotated[str | None, Field(max_length=128)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Short = Annotated[str, Field(max_length=500)]


@dataclass(frozen=True)
class FilePlaces:
    items: tuple[files.FilePlace, ...]


@dataclass(frozen=True)
class Drives:
    items: tuple[files.OpenDrive, ...]


@values.strict
@dataclass(frozen=True)
class FileFolder:
    """A folder at a site; each kind needs its own member."""

    kind: FolderKind
    #: of a home or group folder; may be left out where there is one site only
    site: Id = None
    #: name of a group that I am in
    group: Id = None
    #: whose outputs
    run: Id = None
    #: id of a dataset
    dataset: Id = None

    def wanted(self) -> files.Wanted:
        return files.Wanted(self.kind, self.site, self.group, self.run, self.dataset)


@values.strict
@dataclass(frozen=True)
class GrantRequest(FileFolder):
    #: outputs and datasets are only read, whatever is asked
    write: bool = False


@values.strict
@dataclass(frozen=True)
class DriveRequest(FileFolder):
    name: Name = "Drive"
    write: bool = True
    days: Annotated[int, Field(ge=1, le=365)] = 30


@values.strict
@dataclass(frozen=True)
class SaveRequest:
    folder: FileFolder
    #: of a file or folder in it; empty: all of an output
    path: Annotated[str, Field(max_length=4096)] = ""
    title: Short = ""
    description: Annotated[str, Field(max_length=50_000)] = ""
    #: null: me
    creators: Annotated[tuple[Short, ...], Field(max_length=100)] = ()
    tags: Annotated[tuple[Short, ...], Field(max_length=100)] = ()
    may_leave: bool = False
    #: one that it has already; otherwise one is minted
    identifier: Annotated[str | None, Field(max_length=1000)] = None
    #: the run that it came from, where the folder does not say so
    run: Id = field(default=None)

    def wish(self) -> saving.Wish:
        return saving.Wish(
            self.folder.wanted(),
            self.path.strip("/"),
            self.title,
            self.description,
            self.creators,
            self.tags,
            self.may_leave,
            self.identifier,
            self.run,
        )


FOLDER_PROBLEMS = (
    errors.SiteUnknown,
    errors.RunUnknown,
    errors.DatasetUnknown,
    errors.LocationUnknown,
    errors.NotFound,
)


@door(doors, "GET", "/files/places", answers={200: FilePlaces})
def list_file_places(tx: Tx) -> FilePlaces:
    """Folders that I may open: my home at each site, and the outputs of my newest runs."""
    return FilePlaces(files.places(tx, caller()))


@door(
    doors,
    "POST",
    "/files/grants",
    body=GrantRequest,
    answers={201: files.FileGrant},
    problems=FOLDER_PROBLEMS,
    secret=True,
)
def grant_files(tx: Tx, body: GrantRequest) -> files.FileGrant:
    """A short-lived grant for one folder, to be shown to the file server of its site."""
    return files.grant(
        tx,
        caller(),
        body.wanted(),
        hub().clock(),
        write=body.write,
        config=hub().config,
        keyring=hub().keyring,
    )


@door(doors, "GET", "/files/drives", answers={200: Drives})
def list_drives(tx: Tx) -> Drives:
    """My WebDAV addresses, without their passwords."""
    return Drives(files.drives(tx, caller(), hub().clock(), config=hub().config))


@door(
    doors,
    "POST",
    "/files/drives",
    needs="run",
    body=DriveRequest,
    answers={201: files.NewDrive},
    problems=(*FOLDER_PROBLEMS, errors.QuotaExceeded),
    secret=True,
)
def open_drive(tx: Tx, body: DriveRequest) -> files.NewDrive:
    """A WebDAV address of a folder with a password of its own, which is shown this once."""
    return files.open_drive(
        tx,
        caller(),
        body.wanted(),
        hub().clock(),
        name=body.name,
        days=body.days,
        write=body.write,
        config=hub().config,
    )


@door(
    doors,
    "DELETE",
    "/files/drives/<drive_id>",
    needs="run",
    answers={204: None},
    problems=(errors.NotFound,),
)
def close_drive(tx: Tx, drive_id: str) -> None:
    """Take a WebDAV address back."""
    files.close_drive(tx, caller().account.id, drive_id, hub().clock())


@door(
    doors,
    "POST",
    "/datasets/save",
    needs="publish",
    body=SaveRequest,
    answers={202: Saving},
    problems=(*FOLDER_PROBLEMS, errors.IdentifierTaken),
)
def save_dataset(tx: Tx, body: SaveRequest) -> Saving:
    """Copy a file or folder into the site's store, seal it, and register it as a dataset of the site."""
    return saving.begin(tx, caller(), body.wish(), hub().clock(), config=hub().config)


@door(doors, "GET", "/datasets/save/<saving_id>", answers={200: Saving}, problems=(errors.NotFound,))
def get_saving(tx: Tx, saving_id: str) -> Saving:
    """How far it is."""
    return saving.get(tx, caller(), saving_id)


@door(
    doors,
    "DELETE",
    "/datasets/save/<saving_id>",
    needs="publish",
    answers={200: Saving},
    problems=(errors.NotFound, errors.StateConflict),
)
def cancel_saving(tx: Tx, saving_id: str) -> Saving:
    """Stop saving; nothing of it stays."""
    return saving.cancel(tx, caller(), saving_id, hub().clock())
