"""The files of tasks, changes, keys and links that the settings choose."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from taskhand.config.paths import data_folder, expand_path
from taskhand.domain.errors import OperatorError
from taskhand.sql.store_address import StoreAddress

if TYPE_CHECKING:
    from taskhand.config.settings import Settings

__all__ = ["events_path", "journal_path", "keys_path", "links_path", "store_location", "store_path"]

_STORE: Final = "tasks.sqlite"
_JOURNAL: Final = ".journal.sqlite"


def journal_path(settings: "Settings") -> Path:
    """The journal's file: TASKHAND_JOURNAL, else beside the built-in store's file, which may not exist."""
    if settings.journal:
        return _expand_path("TASKHAND_JOURNAL", settings.journal)
    store = data_folder() / _STORE if isinstance(settings.db, StoreAddress) else store_path(settings)
    # SQLite too keeps its files beside the target of a link. Earlier versions kept the journal beside the
    # link. os.path does not raise if the folder is not accessible.
    linked = _journal_beside(Path(os.path.realpath(store))) if os.path.islink(store) else None  # noqa: PTH114
    beside = _journal_beside(store)
    return beside if linked is None or (os.path.lexists(beside) and not os.path.lexists(linked)) else linked


def _journal_beside(store: Path) -> Path:
    return store.with_name(f"{store.stem}{_JOURNAL}")


def events_path(settings: "Settings") -> Path:
    """The file of events: TASKHAND_EVENTS, else beside the journal's file."""
    if settings.events:
        return _expand_path("TASKHAND_EVENTS", settings.events)
    journal = journal_path(settings)
    name = journal.name.removesuffix(_JOURNAL) if journal.name.endswith(_JOURNAL) else journal.stem
    return journal.with_name(f"{name}.events.sqlite")


def _expand_path(variable: str, path: Path) -> Path:
    """The path of a file. OperatorError if other processes could not open it, or for an invalid file name."""
    if path.name in {":memory:", "", ".."} or "\0" in str(path):
        raise OperatorError(
            f"{variable} {str(path)!r} is not a file that processes can share.",
            next_step="Set it to a file; for a temporary store, to one in a temporary folder.",
        )
    return expand_path(variable, path)


def store_path(settings: "Settings") -> Path:
    """The built-in store's file; OperatorError if it is in a database."""
    if isinstance(location := store_location(settings), Path):
        return location
    raise OperatorError(
        f"The built-in store is no file: it is in {location}.",
        code="no_file",
        next_step="Use the tools of PostgreSQL in place of commands for files, such as pg_dump and pg_restore.",
    )


def store_location(settings: "Settings") -> Path | StoreAddress:
    """The built-in store's file, or the database that it is in."""
    if isinstance(settings.db, StoreAddress):
        return settings.db
    return _expand_path("TASKHAND_DB", settings.db) if settings.db else data_folder() / _STORE


def keys_path(settings: "Settings") -> Path:
    """The file with the keys of callers."""
    if settings.keys:
        return _expand_path("TASKHAND_KEYS", settings.keys)
    return data_folder() / "keys.sqlite"


def links_path(settings: "Settings") -> Path:
    """The file with the credentials that persons have linked."""
    if settings.links:
        return _expand_path("TASKHAND_LINKS", settings.links)
    return keys_path(settings).with_name("links.sqlite")
