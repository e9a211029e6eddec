"""The data to copy: for each kind of data its tables, and the key in whose order their rows are read; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from taskhand.backends.local import postgres as tasks_in_database
from taskhand.backends.local import sqlite as tasks_in_file
from taskhand.journal import postgres as journal_in_database
from taskhand.journal import sqlite as journal_in_file
from taskhand.keys import postgres as keys_in_database
from taskhand.keys import sqlite as keys_in_file
from taskhand.postgres.migrations import PostgresKind
from taskhand.sqlite.migrations import DatabaseKind
from taskhand.vault import postgres as links_in_database
from taskhand.vault import sqlite as links_in_file

__all__ = ["JOURNAL", "KEYS", "LINKS", "TASKS", "DataKind"]


@dataclass(frozen=True, slots=True)
class DataKind:
    """One kind of data in a file and in a database.

    `tables` has the key of each, in an order in which a row comes after those that it refers to. Rows of `grows` are
    added at its end only, and removed from its beginning. A server has kept no data if the tables `holding` are empty.
    `has_references` is whether the removal of a row may be refused because of others. Reports count the rows of the
    table `counted`. `words` has the name for the rows of each reported table.
    """

    file: DatabaseKind
    database: PostgresKind
    tables: Mapping[str, tuple[str, ...]]
    holding: tuple[str, ...]
    counted: str
    words: Mapping[str, str]
    grows: str | None = None
    has_references: bool = False


JOURNAL: Final = DataKind(
    journal_in_file.JOURNAL,
    journal_in_database.JOURNAL,
    {
        "entry": ("seq",),
        "claim": ("scope", "place", "seq"),
        "under_way": ("change_id",),
        "made": ("changes",),
        "link": ("name",),
    },
    holding=("entry", "claim"),
    counted="entry",
    words={"entry": "rows of changes", "claim": "keys and plans in use", "under_way": "changes under way"},
    grows="entry",
)

KEYS: Final = DataKind(
    keys_in_file.KEYS,
    keys_in_database.KEYS,
    {"caller_key": ("rowid",)},
    holding=("caller_key",),
    counted="caller_key",
    words={"caller_key": "keys"},
)

LINKS: Final = DataKind(
    links_in_file.LINKS,
    links_in_database.LINKS,
    {"link": ("person", "connection"), "link_generation": ("person", "connection")},
    holding=("link", "link_generation", "ticket"),
    counted="link",
    words={"link": "linked credentials"},
)
"""Tickets are not copied: a page that is open is opened again, as it would be ten minutes later."""

TASKS: Final = DataKind(
    tasks_in_file.TASK_STORE,
    tasks_in_database.TASKS,
    {
        "identity": ("id",),
        "former_place": ("place",),
        "id_sequence": ("last",),
        "status": ("id",),
        "member": ("id",),
        "contact": ("id",),
        "task": ("id",),
        "task_responsible": ("task_id", "responsible_id"),
    },
    holding=("task", "contact"),
    counted="task",
    words={"task": "tasks", "member": "people", "contact": "contacts", "status": "statuses"},
    has_references=True,
)
